//! Small random fleets and states: four accounts, six numbers, and any state about them.

use std::fmt::Write;

use proptest::prelude::*;
use subaccountd_core::{Desired, Status};

use super::scene::{Scene, desired};

/// Accounts `AC01` to `AC04`.
pub(crate) const ACCOUNTS: usize = 4;
/// Numbers `+15105550100` to `+15105550105`.
pub(crate) const NUMBERS: usize = 6;

/// An account, and its entry in the state.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn alone")]
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) status: Status,
    /// The state lists it.
    listed: bool,
    goal: Status,
    paused: bool,
    misnamed: bool,
    to_main: bool,
    /// The voice URL of every number that it claims.
    url: Option<u8>,
    /// Its calls are to be ended, unless it is to be active.
    end_calls: bool,
}

/// A number: who holds it, who claims it, whose close may release it. 0 is the main account.
#[derive(Debug, Clone)]
pub(crate) struct DrawnNumber {
    pub(crate) holder: usize,
    claimant: Option<usize>,
    released_with: Option<usize>,
}

/// A fleet and a state.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    pub(crate) accounts: Vec<Drawn>,
    pub(crate) numbers: Vec<DrawnNumber>,
    faulty: bool,
}

pub(crate) fn phone_text(n: usize) -> String {
    format!("+151055501{n:02}")
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![5 => Just(Status::Active), 3 => Just(Status::Suspended), 1 => Just(Status::Closed)]
}

fn goal() -> impl Strategy<Value = Status> {
    prop_oneof![4 => Just(Status::Active), 2 => Just(Status::Suspended), 3 => Just(Status::Closed)]
}

fn url() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.4, 0..3_u8)
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.1)
}

fn account() -> impl Strategy<Value = Drawn> {
    let flags = (any::<bool>(), any::<bool>());
    (status(), prop::bool::weighted(0.85), goal(), rarely(), rarely(), flags, url()).prop_map(
        |(status, listed, goal, paused, misnamed, (to_main, end_calls), url)| Drawn {
            status,
            listed,
            goal,
            paused,
            misnamed,
            to_main,
            url,
            end_calls,
        },
    )
}

fn number() -> impl Strategy<Value = DrawnNumber> {
    let claimant = prop::option::weighted(0.6, 0..=ACCOUNTS);
    let released_with = prop::option::weighted(0.3, 1..=ACCOUNTS);
    (0..=ACCOUNTS, claimant, released_with).prop_map(|(holder, claimant, released_with)| DrawnNumber {
        holder,
        claimant,
        released_with,
    })
}

/// Any fleet with any state.
pub(crate) fn fleet() -> impl Strategy<Value = Fleet> {
    let accounts = prop::collection::vec(account(), ACCOUNTS);
    let numbers = prop::collection::vec(number(), NUMBERS);
    (accounts, numbers, prop::bool::weighted(0.15)).prop_map(|(accounts, mut numbers, faulty)| {
        for number in &mut numbers {
            // A closed account holds nothing.
            if number.holder > 0 && accounts[number.holder - 1].status == Status::Closed {
                number.holder = 0;
            }
        }
        Fleet { accounts, numbers, faulty }
    })
}

impl Fleet {
    fn closes(&self, account: usize) -> bool {
        account > 0 && self.accounts[account - 1].goal == Status::Closed
    }

    /// The state in YAML.
    pub(crate) fn state(&self) -> String {
        let list = |which: &dyn Fn(&DrawnNumber) -> bool| {
            let numbers = self.numbers.iter().enumerate().filter(|(_, number)| which(number));
            let quoted: Vec<_> = numbers.map(|(n, _)| format!("'{}'", phone_text(n))).collect();
            format!("[{}]", quoted.join(", "))
        };
        let claims = |account: usize| list(&|number| number.claimant == Some(account));
        let mut text = format!("mainAccount: {{sid: AC00, numbers: {}}}\nsubaccounts:\n", claims(0));
        if self.faulty {
            text.insert_str(0, "x-note: 1\nx-note: 2\n");
        }
        for (n, account) in (1..).zip(&self.accounts).filter(|(_, account)| account.listed) {
            let Drawn { goal, paused, misnamed, to_main, url, .. } = account;
            let settings = url.map_or_else(String::new, |url| {
                format!(", numberDefaults: {{voiceUrl: 'https://user:{url}@example.com', smsUrl: ''}}")
            });
            let end_calls = account.end_calls && *goal != Status::Active;
            let name = if *misnamed { "hooli" } else { "acme" };
            let more = if *goal == Status::Closed {
                let free = list(&|number| number.released_with == Some(n) && number.claimant.is_none());
                format!("close: {{confirm: {name}, moveNumbersToMain: {to_main}, release: {free}}}")
            } else {
                format!("friendlyName: {name}, numbers: {}{settings}", claims(n))
            };
            writeln!(
                text,
                "- {{sid: AC{n:02}, status: {goal}, endCalls: {end_calls}, paused: {paused}, {more}}}"
            )
            .unwrap();
        }
        if !self.accounts.iter().any(|account| account.listed) {
            text.push_str("  []\n");
        }
        text
    }

    /// The claims; none for an account to close, which cannot have any.
    pub(crate) fn settle_claims(mut self) -> Self {
        for n in 0..self.numbers.len() {
            if self.numbers[n].claimant.is_some_and(|account| self.closes(account)) {
                self.numbers[n].claimant = None;
            }
        }
        self
    }

    /// The scene of this fleet and its state.
    pub(crate) fn scene(&self) -> Scene {
        let mut scene = Scene::new("subaccounts: []");
        for (n, account) in (1..).zip(&self.accounts) {
            scene = scene.account(&format!("AC{n:02}"), "acme", account.status);
        }
        for (n, number) in self.numbers.iter().enumerate() {
            scene = scene.holds(&format!("AC{:02}", number.holder), &phone_text(n));
        }
        scene.desired = desired(&self.state());
        scene
    }
}

/// One edit of the state. Accounts count from 1, in claims 0 is the main account.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Want(usize, Status),
    List(usize),
    Pause(usize),
    Name(usize),
    ToMain(usize),
    Claim(usize, Option<usize>),
    Release(usize, Option<usize>),
    Url(usize, Option<u8>),
    Fault,
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let account = || 1..=ACCOUNTS;
    let number = || 0..NUMBERS;
    prop_oneof![
        6 => (account(), goal()).prop_map(|(n, goal)| Edit::Want(n, goal)),
        1 => account().prop_map(Edit::List),
        1 => account().prop_map(Edit::Pause),
        1 => account().prop_map(Edit::Name),
        1 => account().prop_map(Edit::ToMain),
        3 => (number(), prop::option::weighted(0.7, 0..=ACCOUNTS)).prop_map(|(n, to)| Edit::Claim(n, to)),
        2 => (number(), prop::option::weighted(0.7, account())).prop_map(|(n, with)| Edit::Release(n, with)),
        1 => (account(), url()).prop_map(|(n, url)| Edit::Url(n, url)),
        1 => Just(Edit::Fault),
    ]
}

impl Fleet {
    /// The state after `edit`.
    pub(crate) fn edited(&mut self, edit: &Edit) -> Desired {
        match *edit {
            Edit::Want(n, goal) => self.accounts[n - 1].goal = goal,
            Edit::List(n) => self.accounts[n - 1].listed ^= true,
            Edit::Pause(n) => self.accounts[n - 1].paused ^= true,
            Edit::Name(n) => self.accounts[n - 1].misnamed ^= true,
            Edit::ToMain(n) => self.accounts[n - 1].to_main ^= true,
            Edit::Claim(n, claimant) => self.numbers[n].claimant = claimant,
            Edit::Release(n, account) => self.numbers[n].released_with = account,
            Edit::Url(n, url) => self.accounts[n - 1].url = url,
            Edit::Fault => self.faulty ^= true,
        }
        let settled = self.clone().settle_claims();
        desired(&settled.state())
    }
}
