//! The accounts that were created for entries without a SID, as far as a daemon on its journal can know.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// The time after a create whose outcome is unknown in which it is not repeated, less what rounding and drift may take.
const WATCHED: Duration = Duration::from_secs(15 * 60 - 10);
/// The time before a kill in which an answer may have gone unrecorded.
const UNRECORDED: Duration = Duration::from_millis(200);
/// The longest time before a create at which Twilio may date its account, and what a list may lag.
const TOLERANCE: Duration = Duration::from_secs(9);

/// A POST that asked to create an account.
struct Sent {
    request_id: String,
    name: String,
    at: Instant,
    /// True when it was answered so that nothing was created.
    refused: bool,
    /// True when its answer was sent, and the daemon was not killed soon after.
    answered: bool,
    /// The account that it created.
    account: Option<String>,
}

/// An account that was not there in the beginning.
struct Made {
    name: String,
    at: Instant,
    by_people: bool,
}

#[derive(Default)]
pub(crate) struct Names {
    sent: Vec<Sent>,
    made: BTreeMap<String, Made>,
}

impl Names {
    pub(crate) fn sent(&mut self, request_id: &str, name: &str, at: Instant) {
        let (request_id, name) = (request_id.to_owned(), name.to_owned());
        self.sent.push(Sent { request_id, name, at, refused: false, answered: false, account: None });
    }

    fn find(&mut self, request_id: &str) -> Option<&mut Sent> {
        self.sent.iter_mut().find(|sent| sent.request_id == request_id)
    }

    pub(crate) fn refused(&mut self, request_id: &str) {
        if let Some(sent) = self.find(request_id) {
            sent.refused = true;
        }
    }

    pub(crate) fn answered(&mut self, request_id: &str) {
        if let Some(sent) = self.find(request_id) {
            sent.answered = true;
        }
    }

    /// Records that the daemon was killed: the answers to its last creates may be lost.
    pub(crate) fn killed(&mut self) {
        self.sent
            .iter_mut()
            .filter(|sent| sent.at.elapsed() < UNRECORDED)
            .for_each(|sent| sent.answered = false);
    }

    /// The names of creates that took effect and whose answer may be lost.
    pub(crate) fn lost(&self) -> impl Iterator<Item = &str> {
        let lost = self.sent.iter().filter(|sent| !sent.answered);
        lost.filter(|sent| sent.account.is_some()).map(|sent| &*sent.name)
    }

    /// Records that people created an account.
    pub(crate) fn made_by_people(&mut self, account: &str, name: &str) {
        let made = Made { name: name.to_owned(), at: Instant::now(), by_people: true };
        self.made.insert(account.to_owned(), made);
    }

    /// Records the account that a POST created under `name`. When the POST took effect after the journal was lost, the daemon
    /// knows as little of the account as of one that people made.
    pub(crate) fn created(&mut self, request_id: &str, account: &str, name: &str) {
        let Some(sent) = self.find(request_id) else {
            self.made_by_people(account, name);
            return;
        };
        sent.account = Some(account.to_owned());
        let made = Made { name: sent.name.clone(), at: Instant::now(), by_people: false };
        self.made.insert(account.to_owned(), made);
    }

    /// Returns true when the account is known.
    pub(crate) fn has(&self, account: &str) -> bool {
        self.made.contains_key(account)
    }

    /// The name of the entry that may mean an account: it was created for it, or by people while a create of this name may have
    /// been lost.
    pub(crate) fn name_of(&self, account: &str) -> Option<&str> {
        let made = self.made.get(account)?;
        let is_meant = self.sent.iter().any(|sent| {
            let of_people = || made.by_people && !sent.refused && made.at + TOLERANCE >= sent.at;
            sent.name == made.name && (sent.account.as_deref() == Some(account) || of_people())
        });
        is_meant.then_some(&*made.name)
    }

    /// The accounts that an entry without a SID may mean.
    pub(crate) fn accounts_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.made.keys().map(String::as_str).filter(move |account| self.name_of(account) == Some(name))
    }

    /// I13: the reason for which no account may be created for `name` at an instant.
    pub(crate) fn forbids(&self, name: &str, now: Instant) -> Option<String> {
        self.sent.iter().filter(|sent| sent.name == name && !sent.refused).find_map(|sent| {
            let age = now - sent.at;
            match &sent.account {
                Some(account) => Some(format!("{account} was created for it {age:?} before")),
                None if age < WATCHED => Some(format!("a create {age:?} before may still take effect")),
                None => None,
            }
        })
    }

    /// The names of creates that took effect or may still do so, and their accounts.
    pub(crate) fn open(&self, now: Instant) -> impl Iterator<Item = (&str, Option<&str>)> {
        let counts = move |sent: &&Sent| !sent.refused && (sent.account.is_some() || now - sent.at < WATCHED);
        self.sent.iter().filter(counts).map(|sent| (&*sent.name, sent.account.as_deref()))
    }

    /// Forgets the creates since an instant, as a daemon whose journal is lost or older does; all of them without one. It knows
    /// as little of their accounts as of those that people made.
    pub(crate) fn forget(&mut self, since: Option<Instant>) {
        let is_forgotten = |sent: &mut Sent| since.is_none_or(|since| sent.at >= since);
        for account in self.sent.extract_if(.., is_forgotten).filter_map(|sent| sent.account) {
            if let Some(made) = self.made.get_mut(&account) {
                made.by_people = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn second_create_of_a_name_is_forbidden_while_the_first_counts() {
        let mut names = Names::default();
        let forbids = |names: &Names| names.forbids("acme", Instant::now()).is_some();
        names.sent("1", "acme", Instant::now());
        assert!(forbids(&names), "it may still take effect");
        assert!(names.forbids("globex", Instant::now()).is_none());
        tokio::time::advance(Duration::from_mins(15)).await;
        assert!(!forbids(&names), "it was watched");
        names.sent("2", "acme", Instant::now());
        names.refused("2");
        assert!(!forbids(&names), "it was refused");
        names.sent("3", "acme", Instant::now());
        names.created("3", "AC1", "acme");
        tokio::time::advance(Duration::from_hours(1_000)).await;
        assert!(forbids(&names), "it took effect");
        names.forget(Instant::now().checked_sub(Duration::from_hours(1_001)));
        assert!(!forbids(&names), "the journal was lost");
    }

    #[tokio::test(start_paused = true)]
    async fn account_that_was_created_after_the_journal_was_lost_is_known() {
        let mut names = Names::default();
        names.sent("1", "acme", Instant::now());
        names.forget(None);
        names.created("1", "AC1", "acme");
        assert!(names.has("AC1"));
        assert_eq!(names.name_of("AC1"), None, "no create of the present journal may have made it");
        names.sent("2", "globex", Instant::now());
        names.created("2", "AC2", "globex");
        names.forget(None);
        names.sent("3", "globex", Instant::now());
        assert_eq!(names.name_of("AC2"), Some("globex"), "the lost answer may have been of this one");
    }

    #[tokio::test(start_paused = true)]
    async fn account_of_people_is_meant_only_when_it_may_be_the_one_of_a_lost_create() {
        let mut names = Names::default();
        names.made_by_people("AC1", "acme");
        tokio::time::advance(Duration::from_mins(1)).await;
        names.sent("1", "acme", Instant::now());
        names.made_by_people("AC2", "acme");
        names.made_by_people("AC3", "globex");
        assert_eq!(names.accounts_of("acme").collect::<Vec<_>>(), ["AC2"]);
        names.refused("1");
        assert_eq!(names.accounts_of("acme").count(), 0);
    }
}
