//! Valid states of small fleets as files: in two styles of YAML, in one file or in several.

use std::fmt::Write;

use proptest::prelude::*;
use subaccountd_core::{Action, ActionKind, Create, FriendlyName, Limit, Outcome, Planned, Receipt, Status};

use crate::support::scene::{Scene, sid};

const ACCOUNTS: usize = 5;
const NUMBERS: usize = 8;

/// An account, and its entry in the state.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn alone")]
#[derive(Debug, Clone)]
struct Drawn {
    live: Status,
    listed: bool,
    goal: Status,
    /// The entry has a name instead of a SID; true when the account was created for it.
    unpinned: Option<bool>,
    paused: bool,
    /// The name in the state: none, the live one, or another.
    name: Option<bool>,
    to_main: bool,
    labelled: bool,
    /// The file that lists it.
    file: usize,
}

/// Who holds a number, who claims it, and whose close may release it; 0 is the main account.
#[derive(Debug, Clone)]
struct DrawnNumber {
    holder: usize,
    claimant: Option<usize>,
    released_with: Option<usize>,
    long: bool,
}

/// The form of a state.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn alone")]
#[derive(Debug, Clone, Copy)]
struct Style {
    flow: bool,
    indented: bool,
    pause_last: bool,
    no_newline: bool,
}

/// A fleet, a valid state of it, and the limits of the brake.
#[derive(Debug, Clone)]
pub(super) struct State {
    accounts: Vec<Drawn>,
    numbers: Vec<DrawnNumber>,
    paused: Option<bool>,
    style: Style,
    limits: Vec<Limit>,
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![6 => Just(Status::Active), 4 => Just(Status::Suspended), 1 => Just(Status::Closed)]
}

fn goal() -> impl Strategy<Value = Status> {
    prop_oneof![4 => Just(Status::Active), 4 => Just(Status::Suspended), 3 => Just(Status::Closed)]
}

fn account() -> impl Strategy<Value = Drawn> {
    let often = || prop::bool::weighted(0.9);
    let name = prop::option::weighted(0.4, prop::bool::weighted(0.7));
    let unpinned = prop::option::weighted(0.2, any::<bool>());
    let goals = (goal(), unpinned);
    (status(), often(), goals, often(), name, any::<bool>(), any::<bool>(), 0..3_usize).prop_map(
        |(live, listed, (goal, unpinned), unpaused, name, to_main, labelled, file)| Drawn {
            // An account that is not created does not exist.
            live: if unpinned == Some(false) { Status::Closed } else { live },
            listed,
            goal: if unpinned.is_some() && goal == Status::Closed { Status::Active } else { goal },
            unpinned,
            paused: !unpaused,
            name,
            to_main,
            labelled,
            file,
        },
    )
}

fn number() -> impl Strategy<Value = DrawnNumber> {
    let claimant = prop::option::weighted(0.8, 0..=ACCOUNTS);
    let released_with = prop::option::weighted(0.3, 1..=ACCOUNTS);
    (0..=ACCOUNTS, claimant, released_with, prop::bool::weighted(0.2)).prop_map(
        |(holder, claimant, released_with, long)| DrawnNumber { holder, claimant, released_with, long },
    )
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        3 => (0..5_usize).prop_map(Limit::Count),
        1 => (1..100_u8).prop_map(Limit::Percent),
        3 => Just(Limit::Percent(100)),
    ]
}

pub(super) fn states() -> impl Strategy<Value = State> {
    let style = prop::array::uniform4(any::<bool>()).prop_map(|[flow, indented, pause_last, no_newline]| {
        Style { flow, indented, pause_last, no_newline }
    });
    let paused = prop::option::weighted(0.3, prop::bool::weighted(0.5));
    (
        prop::collection::vec(account(), ACCOUNTS),
        prop::collection::vec(number(), NUMBERS),
        paused,
        style,
        prop::collection::vec(limit(), ActionKind::ALL.len()),
    )
        .prop_map(|(accounts, mut numbers, paused, style, limits)| {
            for number in &mut numbers {
                if number.holder > 0 && accounts[number.holder - 1].live == Status::Closed {
                    number.holder = 0;
                }
                let may_claim = |of: &usize| {
                    *of == 0 || (accounts[of - 1].listed && accounts[of - 1].goal != Status::Closed)
                };
                number.claimant = number.claimant.filter(may_claim);
            }
            State { accounts, numbers, paused, style, limits }
        })
}

fn phone(n: usize) -> String {
    format!("+151055501{n:02}")
}

impl Scene {
    /// The journal created account `n` for the entry with its name.
    fn was_created(self, n: usize) -> Self {
        let create = Create { name: FriendlyName::new(&format!("new {n}")).unwrap() };
        let planned = Planned {
            action: Action::Create(create),
            exempt: false,
            entry: String::new(),
            note: None,
            allowances: Vec::new(),
        };
        let created = Some(sid(&format!("AC{n:02}")));
        self.writes_as(&planned, &Outcome::Done(Receipt { created, ..Receipt::default() }))
    }
}

impl State {
    /// The fleet, without the state.
    pub(super) fn scene(&self) -> Scene {
        let mut scene =
            Scene::new("subaccounts: []").policy(|policy| policy.close_after = jiff::SignedDuration::ZERO);
        for (n, account) in (1..).zip(&self.accounts) {
            let sid = format!("AC{n:02}");
            scene = match account.unpinned {
                Some(true) => scene.account(&sid, &format!("new {n}"), account.live).durable().was_created(n),
                Some(false) => scene.durable(),
                None => scene.account(&sid, "acme", account.live),
            };
        }
        for (n, number) in self.numbers.iter().enumerate() {
            scene = scene.holds(&format!("AC{:02}", number.holder), &phone(n));
        }
        scene.limits.verbs = ActionKind::ALL.into_iter().zip(self.limits.iter().copied()).collect();
        scene.may_release(100)
    }

    /// The files of the state. The first one is of the main account, the second of a pause.
    pub(super) fn files(&self) -> Vec<String> {
        let head = "apiVersion: subaccountd/v1\nkind: DesiredState\n";
        let mut main = format!("{head}mainAccount:\n  sid: AC00\n");
        self.list(&mut main, "numbers", "  ", |number| number.claimant == Some(0));
        let mut files = vec![main];
        if let Some(paused) = self.paused.filter(|_| !self.style.pause_last) {
            files.push(format!("{head}paused: {paused}\nsubaccounts: []\n"));
        }
        for file in 0..3 {
            let listed =
                (1..).zip(&self.accounts).filter(|(_, account)| account.listed && account.file == file);
            let entries: Vec<_> = listed.map(|(n, account)| self.entry(n, account)).collect();
            if entries.is_empty() {
                continue;
            }
            let mut text = format!("{head}subaccounts:\n{}", entries.concat());
            if let Some(paused) = self.paused.filter(|_| self.style.pause_last) {
                writeln!(text, "paused: {paused}").unwrap();
            }
            match files.last_mut().filter(|_| file == 1) {
                // A second document of the same file.
                Some(last) => write!(last, "---\n{text}").unwrap(),
                None => files.push(text),
            }
        }
        for file in files.iter_mut().filter(|_| self.style.no_newline) {
            file.truncate(file.trim_end().len());
        }
        files
    }

    fn entry(&self, n: usize, account: &Drawn) -> String {
        let mut text = format!("- sid: AC{n:02}\n  status: {}\n", account.goal);
        if account.unpinned.is_some() {
            text = format!("- friendlyName: new {n}\n  status: {}\n", account.goal);
        } else if let Some(right) = account.name {
            writeln!(text, "  friendlyName: {}", if right { "acme" } else { "hooli" }).unwrap();
        }
        if account.labelled {
            text.push_str(
                "  labels:\n    owner: billing\n    ticket: OPS-12\n  reason: \"invoice 4711: unpaid\"\n",
            );
            text.push_str("  liftSuspensionsBefore: \"2026-11-21T09:00:00Z\"\n");
        }
        if account.paused {
            text.push_str("  paused: true\n");
        }
        self.list(&mut text, "numbers", "  ", |number| number.claimant == Some(n));
        if account.goal == Status::Closed {
            writeln!(text, "  close:\n    confirm: acme\n    moveNumbersToMain: {}", account.to_main)
                .unwrap();
            self.list(&mut text, "release", "    ", |number| {
                number.released_with == Some(n) && number.claimant.is_none()
            });
        }
        text
    }

    /// A list of numbers under `key`; nothing when there are none.
    fn list(&self, text: &mut String, key: &str, indent: &str, which: impl Fn(&DrawnNumber) -> bool) {
        let numbers: Vec<_> = self.numbers.iter().enumerate().filter(|(_, number)| which(number)).collect();
        if numbers.is_empty() {
            return;
        }
        let long = |number: &DrawnNumber| number.long && key == "numbers";
        if self.style.flow {
            let items = numbers.iter().map(|(n, number)| {
                let quoted = format!("\"{}\"", phone(*n));
                if long(number) { format!("{{number: {quoted}, addressSid: AD01}}") } else { quoted }
            });
            writeln!(text, "{indent}{key}: [{}]", items.collect::<Vec<_>>().join(", ")).unwrap();
            return;
        }
        writeln!(text, "{indent}{key}:").unwrap();
        let indent = format!("{indent}{}", if self.style.indented { "  " } else { "" });
        for (n, number) in numbers {
            if long(number) {
                writeln!(text, "{indent}- number: \"{}\"\n{indent}  addressSid: AD01", phone(n)).unwrap();
            } else {
                writeln!(text, "{indent}- \"{}\"", phone(n)).unwrap();
            }
        }
    }
}
