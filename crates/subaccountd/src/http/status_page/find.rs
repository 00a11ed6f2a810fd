//! The part of a report that a query shows. Nothing is copied: a page shows a hundred rows out of thousands.

use std::{cmp::Reverse, fmt::Write};

use subaccountd_core::{
    AccountRef, ConditionReason, Reason, Report,
    report::{AccountView, ActionView, HeldView},
};

use super::{
    class::Class,
    query::{Query, Sort},
};

/// The actions, held items and accounts that match.
pub(super) struct Found<'a> {
    pub(super) todo: Vec<&'a ActionView>,
    pub(super) held: Vec<&'a HeldView>,
    pub(super) accounts: Vec<&'a AccountView>,
}

/// The report with what is looked up in it.
pub(super) struct Index<'a> {
    report: &'a Report,
    /// By account.
    held: Vec<&'a HeldView>,
    /// By account.
    todo: Vec<&'a ActionView>,
}

impl<'a> Index<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let (mut held, mut todo): (Vec<_>, Vec<_>) =
            (report.plan.held.iter().collect(), report.plan.actions.iter().collect());
        held.sort_by(|a, b| a.account.cmp(&b.account));
        todo.sort_by(|a, b| a.account.cmp(&b.account));
        Self { report, held, todo }
    }

    /// The row of an account; the main account has none.
    pub(super) fn account(&self, account: &AccountRef) -> Option<&'a AccountView> {
        self.report.account(account)
    }

    /// The held items of an account.
    pub(super) fn held(&self, account: &AccountRef) -> &[&'a HeldView] {
        run(&self.held, |item| &item.account, account)
    }

    fn todo(&self, account: &AccountRef) -> &[&'a ActionView] {
        run(&self.todo, |action| &action.account, account)
    }

    /// The items and accounts that `query` shows, in its order.
    pub(super) fn find(&self, query: &Query) -> Found<'a> {
        let mut words = SearchTerms::of(&query.search);
        let row = |account: &AccountView| {
            query.show.is_none_or(|show| Class::of(account) == show)
                && query.desired.is_none_or(|desired| account.desired == desired)
        };
        // What is held for the main account has no row: it shows unless a filter asks for one.
        let of_row = |account| {
            query.show.is_none() && query.desired.is_none() || self.account(account).is_some_and(row)
        };
        let mut accounts: Vec<_> = self
            .report
            .accounts
            .iter()
            .filter(|account| row(account))
            .filter(|account| query.reason.is_none_or(|reason| self.has_reason(account, reason)))
            .filter(|account| words.all_in(|text| self.say_all(account, text)))
            .collect();
        sort(&mut accounts, query.sort);
        let mut held: Vec<_> = self
            .report
            .plan
            .held
            .iter()
            .filter(|item| query.reason.is_none_or(|reason| item.reason == reason) && of_row(&item.account))
            .filter(|item| {
                words.all_in(|text| {
                    say_held(item, text);
                    self.say_who(&item.account, text);
                })
            })
            .collect();
        held.sort_by_key(|item| item.reason.only_waits());
        let todo = self
            .report
            .plan
            .actions
            .iter()
            .filter(|action| query.reason.is_none() && of_row(&action.account))
            .filter(|action| {
                words.all_in(|text| {
                    say_action(action, text);
                    self.say_who(&action.account, text);
                })
            })
            .collect();
        Found { todo, held, accounts }
    }

    fn has_reason(&self, account: &AccountView, reason: Reason) -> bool {
        account.conditions[0].reason == ConditionReason::Held(reason)
            || self.held(&account.account).iter().any(|item| item.reason == reason)
    }

    fn say_all(&self, account: &AccountView, text: &mut Text) {
        say_account(account, text);
        text.add(account.conditions[0].reason.as_str());
        for item in self.held(&account.account) {
            say_held(item, text);
        }
        for action in self.todo(&account.account) {
            say_action(action, text);
        }
    }

    fn say_who(&self, account: &AccountRef, text: &mut Text) {
        match self.account(account) {
            Some(account) => say_account(account, text),
            None => text.add_shown(account),
        }
    }
}

/// The part of `sorted` whose key is `key`.
fn run<'s, 'r, T>(
    sorted: &'s [&'r T],
    key_of: impl Fn(&'r T) -> &'r AccountRef,
    key: &AccountRef,
) -> &'s [&'r T] {
    let begin = sorted.partition_point(|item| key_of(item) < key);
    let length = sorted[begin..].partition_point(|item| key_of(item) == key);
    &sorted[begin..begin + length]
}

fn say_account(account: &AccountView, text: &mut Text) {
    text.add_shown(&account.account);
    for words in [&account.friendly_name, &account.reason].into_iter().flatten() {
        text.add(words);
    }
    for (key, value) in &account.labels {
        text.add_pair(key, value);
    }
}

fn say_held(item: &HeldView, text: &mut Text) {
    text.add(item.reason.as_str());
    text.add(&item.message);
    if let Some(number) = item.number {
        text.add_shown(&number);
    }
}

fn say_action(action: &ActionView, text: &mut Text) {
    text.add(action.kind.as_str());
    if let Some(number) = action.number {
        text.add_shown(&number);
    }
    if let Some(from) = action.from {
        text.add_shown(&from);
    }
}

fn sort(accounts: &mut [&AccountView], sort: Sort) {
    match sort {
        // The report has them by SID.
        Sort::Sid => {}
        Sort::Trouble => accounts.sort_by_key(|account| Class::of(account)),
        Sort::Name => accounts.sort_by(|a, b| {
            let key = |account: &AccountView| account.friendly_name.is_none();
            key(a).cmp(&key(b)).then_with(|| a.friendly_name.cmp(&b.friendly_name))
        }),
        Sort::Changed => {
            accounts.sort_by_key(|account| Reverse(account.conditions[0].last_transition_time));
        }
    }
}

/// The terms of a search, in lower case. Each must occur in the text.
struct SearchTerms {
    words: Vec<String>,
    text: Text,
}

impl SearchTerms {
    fn of(search: &str) -> Self {
        let words = search.split_whitespace().map(str::to_lowercase).collect();
        Self { words, text: Text::default() }
    }

    /// Returns true when each term occurs in the text that `say` adds.
    fn all_in(&mut self, say: impl FnOnce(&mut Text)) -> bool {
        if self.words.is_empty() {
            return true;
        }
        self.text.0.clear();
        say(&mut self.text);
        self.words.iter().all(|word| self.text.0.contains(word.as_str()))
    }
}

/// The searched text of one account or item, in lower case.
#[derive(Default)]
struct Text(String);

impl Text {
    fn add(&mut self, words: &str) {
        self.add_small(words);
        // No search term has a line break, so none matches across two texts.
        self.0.push('\n');
    }

    /// Adds an identifier, whose letters are ASCII.
    fn add_shown(&mut self, shown: &impl std::fmt::Display) {
        let from = self.0.len();
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{shown}");
        self.0[from..].make_ascii_lowercase();
    }

    /// Adds a label, which is found as it is written.
    fn add_pair(&mut self, key: &str, value: &str) {
        self.add_small(key);
        self.0.push('=');
        self.add(value);
    }

    fn add_small(&mut self, words: &str) {
        if words.is_ascii() {
            let from = self.0.len();
            self.0.push_str(words);
            self.0[from..].make_ascii_lowercase();
        } else {
            self.0.extend(words.chars().flat_map(char::to_lowercase));
        }
    }
}
