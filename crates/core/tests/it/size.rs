//! The size of what is remembered: a year of moving numbers keeps the history small.

use std::{collections::BTreeMap, time::Instant};

use jiff::SignedDuration;
use subaccountd_core::{
    AccountSid, ActionKind, History, Now, NumberSid, Outcome, PhoneNumber, Receipt, Status, Target,
    history::{Event, Write},
};

use crate::support::scene::time;

const ACCOUNTS: usize = 10_000;
const NUMBERS: usize = 100_000;
/// The moves of each number in the year: by the daemon and by people in turn.
const MOVES: usize = 4;
const MIB: usize = 1024 * 1024;
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

fn account(n: usize) -> AccountSid {
    format!("AC{:032}", n % ACCOUNTS).parse().unwrap()
}

fn number(n: usize) -> (PhoneNumber, NumberSid) {
    (format!("+1510{n:07}").parse().unwrap(), format!("PN{n:032}").parse().unwrap())
}

/// The account that number `n` is in after `moves` moves.
fn owner(n: usize, moves: usize) -> AccountSid {
    account(n * 7 + moves * 4_001)
}

fn now(day: usize) -> Now {
    let at = time("2026-01-01T00:00:00Z") + SignedDuration::from_hours(24 * i64::try_from(day).unwrap());
    Now::new(at, Some(at))
}

/// Every number as it is seen after `moves` moves, an event for each account.
fn see(history: &mut History, moves: usize) {
    let mut lists: BTreeMap<AccountSid, BTreeMap<_, _>> = BTreeMap::new();
    for n in 0..NUMBERS {
        let (phone, sid) = number(n);
        lists.entry(owner(n, moves)).or_default().insert(phone.into(), sid);
    }
    for (account, numbers) in lists {
        history.apply(Event::NumbersSeen { account, numbers, in_transit: false });
        history.apply(Event::ListSeenActive { account });
    }
}

/// The daemon makes move number `moves` of each number.
fn transfer(history: &mut History, moves: usize) {
    for n in 0..NUMBERS {
        let day = moves * 365 / MOVES + n * 180 / NUMBERS;
        let (phone, number_sid) = number(n);
        let (id, at) = (history.next_id(), now(day).stamp());
        let write = Write {
            kind: ActionKind::Transfer,
            target: Target::Number(phone),
            transfer: Some((owner(n, moves - 1), owner(n, moves))),
            account: None,
            number_sid: Some(number_sid),
            releases: Vec::new(),
            settings: None,
            calls: None,
            exempt: false,
            entry: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".to_owned(),
        };
        history.apply(Event::Intent { id, at, write });
        let request_id = Some("RQ0123456789abcdef0123456789abcdef".to_owned());
        let receipt = Receipt { request_id, date: Some(at.at), ..Receipt::default() };
        history.apply(Event::Outcome { id, at, outcome: Outcome::Done(receipt) });
        if n % 500 == 0 {
            history.prune(now(day), WINDOW);
        }
    }
    history.prune(now(moves * 365 / MOVES + 182), WINDOW);
}

#[test]
fn history_of_a_year_of_moving_numbers_stays_below_32_mib() {
    let begun = Instant::now();
    let mut history = History::default().durable();
    let accounts: Vec<_> = (0..ACCOUNTS).map(account).collect();
    for chunk in accounts.chunks(1000) {
        history.apply(Event::AccountsSeen { accounts: chunk.to_vec() });
    }
    for account in accounts {
        history.apply(Event::DesiredStatusChanged { account, status: Status::Active });
        history.apply(Event::SeenActive { account });
        history
            .apply(Event::SeenNamed { account, name: "a customer with a name of usual length".to_owned() });
    }
    see(&mut history, 0);
    for moves in 1..=MOVES {
        if moves % 2 == 0 { see(&mut history, moves) } else { transfer(&mut history, moves) }
    }
    assert_eq!(history.owner(number(4_321).0), Some(owner(4_321, MOVES)));
    assert_eq!(history.writes().count(), 0);

    let json = serde_json::to_vec(&history).unwrap();
    println!("{ACCOUNTS} accounts, {NUMBERS} numbers: {} KiB", json.len() / 1024);
    assert!(json.len() < 32 * MIB, "{} bytes", json.len());
    let folded: History = serde_json::from_slice(&json).unwrap();
    assert!(folded == history, "it is another one after JSON");
    println!("in {:.1} s", begun.elapsed().as_secs_f64());
}
