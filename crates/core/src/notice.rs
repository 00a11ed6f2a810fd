//! Noticing: what an observation says that history does not know yet.

use crate::{
    AccountSid, Desired, Entry, Now, Object, Observed, PhoneNumber, Status, Verb, Whereabouts,
    history::{Event, History, Write},
};

/// What the state alone says, whether or not Twilio can be observed: a word that changed during an outage changed.
pub fn heed(history: &History, desired: &Desired) -> Vec<Event> {
    let new = |entry: &&Entry| history.word(entry.sid) != Some(entry.goal.status());
    let word = |entry: &Entry| Event::Word { account: entry.sid, word: entry.goal.status() };
    let says_closed = |account| desired.entry(account).is_some_and(|entry| entry.close().is_some());
    let ended = |(account, _): &(AccountSid, _)| !desired.faulty() && !says_closed(*account);
    let words = desired.accounts().filter(new).map(word);
    let ends = history.closing_accounts().filter(ended);
    words.chain(ends.map(|(account, _)| Event::ClosingEnded { account })).collect()
}

/// The facts of this observation, in the order in which history is to take them in.
pub fn notice(history: &History, desired: &Desired, observed: &Observed, now: Now) -> Vec<Event> {
    let mut events = heed(history, desired);
    undone(history, desired, observed, now, &mut events);
    sightings(history, desired, observed, &mut events);
    closings(history, desired, observed, now, &mut events);
    holders(history, desired, observed, &mut events);
    events
}

fn live(observed: &Observed, account: AccountSid) -> Option<Status> {
    observed.account(account)?.status.known()
}

/// What the daemon did and others undid, while the state still wants it.
fn undone(history: &History, desired: &Desired, observed: &Observed, now: Now, events: &mut Vec<Event>) {
    let claimants = desired.claimants();
    for (object, write) in history.standing() {
        let (wanted, stands) = match (object, write) {
            (Object::Account(account), Write { verb, .. }) => {
                let Some(live) = live(observed, account) else { continue };
                let Some(entry) = desired.entry(account) else { continue };
                let goal = entry.goal.status();
                match verb {
                    Verb::Reactivate => (goal == Status::Active, live == Status::Active),
                    Verb::Suspend => (goal != Status::Active, live != Status::Active),
                    Verb::Transfer | Verb::Close => continue,
                }
            }
            (Object::Number(number), &Write { transfer, .. }) => match observed.whereabouts(number) {
                Whereabouts::In(holder, _) => {
                    let Some((from, to)) = transfer else { continue };
                    let wanted = match claimants.get(&number) {
                        Some(claimant) => *claimant == to,
                        None => to == observed.main() && hands_to_main(desired, from, number),
                    };
                    (wanted, holder == to)
                }
                Whereabouts::Moving | Whereabouts::Nowhere => continue,
            },
        };
        match (wanted, stands) {
            (true, true) => {}
            (true, false) => events.push(Event::Undone { object, at: now.best() }),
            (false, _) => events.push(Event::Forgotten { object }),
        }
    }
}

/// Whether the state wants `number`, which nobody claims, to go from `account` to the main account.
fn hands_to_main(desired: &Desired, account: AccountSid, number: PhoneNumber) -> bool {
    let terms = desired.entry(account).and_then(Entry::close);
    terms.is_some_and(|terms| terms.move_numbers_to_main && !terms.release.contains(&number))
}

/// Claimed numbers that are not where they should be, so that they are found again without a search.
fn holders(history: &History, desired: &Desired, observed: &Observed, events: &mut Vec<Event>) {
    for (claimant, number, _) in desired.claims() {
        let Whereabouts::In(account, _) = observed.whereabouts(number) else { continue };
        let known = history.holder(number);
        if known != Some(account) && (account != claimant || known.is_some()) {
            events.push(Event::SeenIn { number, account });
        }
    }
}

/// Accounts seen active that were not known to be since the state's present word.
fn sightings(history: &History, desired: &Desired, observed: &Observed, events: &mut Vec<Event>) {
    for entry in desired.accounts() {
        let account = entry.sid;
        let is_new = history.word(account) != Some(entry.goal.status());
        let is_news = is_new || !history.seen_active(account) || history.suspended_by_us(account).is_some();
        if is_news && live(observed, account) == Some(Status::Active) {
            events.push(Event::SeenActive { account });
        }
    }
}

fn closings(history: &History, desired: &Desired, observed: &Observed, now: Now, events: &mut Vec<Event>) {
    for (account, closing) in history.closing_accounts() {
        for &number in &closing.unaccounted {
            if matches!(observed.whereabouts(number), Whereabouts::In(holder, _) if holder != account) {
                events.push(Event::SeenElsewhere { account, number });
            }
        }
    }
    for entry in desired.accounts().filter(|entry| entry.close().is_some()) {
        let account = entry.sid;
        let known = history.closing(account);
        if let Some(since) = now.trusted()
            && known.is_none_or(|closing| closing.since.is_none())
        {
            events.push(Event::ClosingSince { account, since });
        }
        let Some(numbers) = observed.numbers(account) else { continue };
        let while_active = live(observed, account) == Some(Status::Active);
        let new = |number: &PhoneNumber| known.is_none_or(|closing| !closing.unaccounted.contains(number));
        let numbers: Vec<_> = numbers.iter().map(|number| number.phone).filter(new).collect();
        if !numbers.is_empty() || (while_active && known.is_none_or(|closing| !closing.list_seen_active)) {
            events.push(Event::SeenHolding { account, numbers, while_active });
        }
    }
}
