//! The state as a whole: checks that need every document.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    code::DiagnosticCode,
    diagnostic_builder::Diagnostics,
    document::{Document, HEAD_HELP},
    entry::{Claim, ReadAccount, ReadMain},
    location::Location,
    releases::{Order, orders},
};
use crate::{
    AccountSid, PhoneNumber,
    claim::{NumberDefaults, OwnDetails},
    desired::{Desired, DesiredStatus, Doubt, Entry, Main, Pause},
    folded,
};

const EMPTY_HELP: &str = "there is no text at all: check that what holds the state is mounted there, with files that end in \
                          `.yaml` or `.yml`, or write the state";
const MAIN_HELP: &str = "add `mainAccount: {sid: AC…}` to exactly one document";

/// The files that are missing among the documents, because they are not loaded.
#[derive(Default)]
pub(super) struct MissingFiles {
    /// There is such a file.
    pub(super) any: bool,
    /// All files are empty.
    pub(super) empty: bool,
    /// A readable document of such a file pauses the state.
    pub(super) paused: bool,
}

/// Merges all documents into one state.
pub(super) fn assemble(
    documents: Vec<Document>,
    missing: &MissingFiles,
    diagnostics: &mut Diagnostics<'_>,
) -> Desired {
    let no_documents = documents.is_empty();
    let mut paused = missing.paused;
    let mut mains = Vec::new();
    let (mut windows, mut allowances) = (Vec::new(), Vec::new());
    let mut read: Vec<ReadAccount> = Vec::new();
    for document in documents {
        paused |= document.paused;
        mains.extend(document.main);
        windows.extend(document.windows);
        allowances.extend(document.allowances);
        read.extend(document.accounts);
    }
    let twice = duplicate_claims(&mains, &read, diagnostics);
    duplicate_orders(&mains, &read, diagnostics);
    let hidden = diagnostics.hidden_in.and_then(|file| diagnostics.names.get(file));
    let hidden = hidden.map(|name| Pause::Unreadable { file: (*name).to_owned() });
    let claims = mains.iter().flat_map(|main| &main.claims).chain(read.iter().flat_map(|read| &read.claims));
    let doubt = Doubt { claims: claims.filter(|(n, ..)| twice.contains(n)).count(), ..Doubt::default() };
    let mut desired = Desired {
        main: Err(String::new()),
        pause: paused.then_some(Pause::Declared).or(hidden),
        freeze: None,
        faulty: false,
        doubt,
        windows,
        allowances,
        accounts: BTreeMap::new(),
        unpinned: BTreeMap::new(),
        by_name: BTreeMap::new(),
        frozen: BTreeSet::new(),
    };
    let main_sids: BTreeSet<_> = mains.iter().filter_map(|main| main.sid).collect();
    drop_duplicate_names(&mut read, diagnostics);
    add_accounts(read, &main_sids, &twice, &mut desired, diagnostics);
    desired.main = the_main_account(mains, no_documents, missing, &twice, &mut desired, diagnostics);
    desired
}

/// Every number that is claimed twice, or claimed and in a `release`. Adds a diagnostic for each later mention.
fn duplicate_claims(
    mains: &[ReadMain],
    read: &[ReadAccount],
    diagnostics: &mut Diagnostics<'_>,
) -> BTreeSet<PhoneNumber> {
    let claims =
        mains.iter().flat_map(|main| &main.claims).chain(read.iter().flat_map(|account| &account.claims));
    let mut claims: Vec<(PhoneNumber, Location)> =
        claims.map(|(number, location, _)| (*number, location.used())).collect();
    claims.sort_by_key(|(_, location)| *location);
    let mut first: BTreeMap<PhoneNumber, Location> = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (number, location) in claims {
        if let Some(earlier) = first.get(&number) {
            let message = format!("{number} is claimed twice: {}", diagnostics.also(*earlier, location));
            diagnostics
                .add(
                    DiagnosticCode::NumberTwice,
                    location,
                    message,
                    "keep one of the two claims: a phone number has one owner",
                )
                .with_related(*earlier, "first claimed here");
            twice.insert(number);
        } else {
            first.insert(number, location);
        }
    }
    let with_close = read.iter().flat_map(|account| &account.releases).copied();
    for (number, location) in with_close.chain(all_orders(mains, read)) {
        let number = &number;
        if let Some(claim) = first.get(number) {
            let location = location.used();
            let message =
                format!("{number} is in `release` and claimed: {}", diagnostics.also(*claim, location));
            diagnostics
                .add(
                    DiagnosticCode::ClaimedAndReleased,
                    location,
                    message,
                    "remove it from `release`, or remove the claim",
                )
                .with_related(*claim, "claimed here");
            twice.insert(*number);
        }
    }
    twice
}

/// Every order to release a number, with its location.
fn all_orders<'a>(
    mains: &'a [ReadMain],
    read: &'a [ReadAccount],
) -> impl Iterator<Item = (PhoneNumber, Location)> + use<'a> {
    let orders = mains.iter().flat_map(|main| &main.orders).chain(read.iter().flat_map(|read| &read.orders));
    orders.map(|Order { number, location, .. }| (*number, *location))
}

/// Adds a diagnostic for each later order to release the same number. The orders stay: nothing is released while there is a
/// fault, and an order that is settled must not begin anew.
fn duplicate_orders(mains: &[ReadMain], read: &[ReadAccount], diagnostics: &mut Diagnostics<'_>) {
    let mut orders: Vec<_> =
        all_orders(mains, read).map(|(number, location)| (location.used(), number)).collect();
    orders.sort_by_key(|(location, _)| *location);
    let mut first: BTreeMap<PhoneNumber, Location> = BTreeMap::new();
    for (location, number) in orders {
        let Some(earlier) = first.get(&number) else {
            first.insert(number, location);
            continue;
        };
        let message = format!("{number} is in `release` twice: {}", diagnostics.also(*earlier, location));
        diagnostics
            .add(
                DiagnosticCode::ReleasedTwice,
                location,
                message,
                "keep one of the two, under the account that holds the number",
            )
            .with_related(*earlier, "first released here");
    }
}

/// Takes out every entry without a SID whose name another entry has too, and adds a diagnostic for each later mention: a
/// name must find one account.
fn drop_duplicate_names(read: &mut [ReadAccount], diagnostics: &mut Diagnostics<'_>) {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, account) in read.iter().enumerate() {
        if let Some((name, _)) = &account.name {
            by_name.entry(folded(name)).or_default().push(at);
        }
    }
    let place = |read: &[ReadAccount], at: usize| read[at].name.as_ref().map(|(_, location)| location.used());
    for mut named in by_name.into_values() {
        let is_unpinned = |at: &usize| read[*at].unpinned.is_some();
        if named.len() < 2 || !named.iter().any(is_unpinned) {
            continue;
        }
        named.sort_by_key(|at| place(read, *at));
        let Some(first) = place(read, named[0]) else { continue };
        for &at in &named[1..] {
            let (Some(location), Some((name, _))) = (place(read, at), &read[at].name) else { continue };
            let message = format!(
                "the friendly name {name:?} is given twice, once without `sid`: {}",
                diagnostics.also(first, location)
            );
            diagnostics
                .add(
                    DiagnosticCode::NameTwice,
                    location,
                    message,
                    "use another name for the account that is to be created, or add the `sid`: without one, a name finds one \
                     account",
                )
                .with_related(first, "first given here");
        }
        for at in named {
            if read[at].unpinned.take().is_some() {
                read[at].entry = None;
                read[at].doubt.unnamed = true;
            }
        }
    }
}

fn add_accounts(
    read: Vec<ReadAccount>,
    mains: &BTreeSet<AccountSid>,
    twice: &BTreeSet<PhoneNumber>,
    desired: &mut Desired,
    diagnostics: &mut Diagnostics<'_>,
) {
    let mut first: BTreeMap<AccountSid, Location> = BTreeMap::new();
    let mut by_place = read;
    by_place.sort_by_key(|account| account.sid.map(|(_, location)| location.used()));
    for read in by_place {
        let ReadAccount { sid, other_sids, name: _, unpinned, claims, releases, .. } = read;
        let (its_orders, entry, mut doubt) = (read.orders, read.entry, read.doubt);
        desired.frozen.extend(other_sids);
        // The numbers that are claimed twice are already counted.
        doubt.claims -= claims.iter().filter(|(number, ..)| twice.contains(number)).count().min(doubt.claims);
        let once = |number: &PhoneNumber| !twice.contains(number);
        let Some((sid, location)) = sid.map(|(sid, location)| (sid, location.used())) else {
            let Some(((name, _), mut entry)) = unpinned.zip(entry) else {
                desired.doubt.add(&Doubt { unnamed: true, ..doubt });
                continue;
            };
            entry.numbers = numbers(claims, once);
            entry.release = orders(its_orders);
            desired.unpinned.insert(name, entry);
            continue;
        };
        if mains.contains(&sid) {
            let message = format!("{sid} is the main account, not a subaccount");
            diagnostics.add(
                DiagnosticCode::MainAccountListed,
                location,
                message,
                "remove the entry, and list the numbers of the main account under `mainAccount`",
            );
            desired.frozen.insert(sid);
            desired.doubt.add(&Doubt { unnamed: true, ..doubt });
            continue;
        }
        if let Some(earlier) = first.get(&sid) {
            let message = format!("{sid} is listed twice: {}", diagnostics.also(*earlier, location));
            diagnostics
                .add(
                    DiagnosticCode::AccountTwice,
                    location,
                    message,
                    "keep one of the entries; until then, all of them are ignored",
                )
                .with_related(*earlier, "first listed here");
            // At most one entry is right: another may be meant for an account that is now not listed.
            let absent = desired.accounts.remove(&sid).map(|entry| doubt_of(&entry)).unwrap_or_default();
            desired.doubt.add(&absent);
            desired.doubt.add(&Doubt { unnamed: true, ..doubt });
            desired.frozen.insert(sid);
            continue;
        }
        first.insert(sid, location);
        let Some(mut entry) = entry.map(|entry| entry.pinned(sid)) else {
            desired.frozen.insert(sid);
            desired.doubt.add(&doubt);
            continue;
        };
        entry.numbers = numbers(claims, once);
        entry.release = orders(its_orders);
        if let DesiredStatus::Closed(terms) = &mut entry.desired_status {
            terms.release = releases.into_iter().map(|(number, _)| number).filter(once).collect();
        }
        desired.accounts.insert(sid, entry);
    }
}

/// The claims that `counts` accepts.
fn numbers(claims: Vec<Claim>, counts: impl Fn(&PhoneNumber) -> bool) -> BTreeMap<PhoneNumber, OwnDetails> {
    claims.into_iter().filter(|(n, ..)| counts(n)).map(|(n, _, resources)| (n, resources)).collect()
}

/// The parts of the state that are in doubt when an entry that could be read counts as absent.
fn doubt_of(entry: &Entry) -> Doubt {
    let moves = entry.close().is_some_and(|terms| terms.move_numbers_to_main);
    Doubt { entries: 1, claims: entry.numbers.len(), moves, unnamed: false }
}

fn the_main_account(
    mains: Vec<ReadMain>,
    no_documents: bool,
    missing: &MissingFiles,
    twice: &BTreeSet<PhoneNumber>,
    desired: &mut Desired,
    diagnostics: &mut Diagnostics<'_>,
) -> Result<Main, String> {
    let mut mains = mains.into_iter();
    let Some(main) = mains.next() else {
        let (code, message, help) = if no_documents {
            (
                DiagnosticCode::NoState,
                "no desired state: no readable document with `apiVersion` and `kind`",
                if missing.empty { EMPTY_HELP } else { HEAD_HELP },
            )
        } else {
            (DiagnosticCode::NoMainAccount, "the desired state has no `mainAccount`", MAIN_HELP)
        };
        if !missing.any {
            diagnostics.add(code, Location::start_of(0), message, help);
        }
        return Err(message.to_owned());
    };
    let others: Vec<_> = mains.collect();
    for other in &others {
        let message = format!("second `mainAccount`: {}", diagnostics.also(main.location, other.location));
        diagnostics
            .add(
                DiagnosticCode::SecondMainAccount,
                other.location,
                message,
                "keep one of the two, and run a separate daemon for each main account",
            )
            .with_related(main.location, "first defined here");
    }
    if !others.is_empty() {
        return Err("the desired state has more than one `mainAccount`".to_owned());
    }
    let Some(sid) = main.sid else {
        return Err("the SID of `mainAccount` is missing or not valid".to_owned());
    };
    if main.faulty {
        desired.frozen.insert(sid);
        desired.doubt.claims += main.most_claims;
        return Ok(Main {
            sid,
            numbers: BTreeMap::new(),
            number_defaults: NumberDefaults::default(),
            lift_suspensions_before: None,
            release: BTreeMap::new(),
        });
    }
    let claims = main.claims.into_iter().filter(|(number, ..)| !twice.contains(number));
    let numbers = claims.map(|(number, _, resources)| (number, resources)).collect();
    let (number_defaults, lift_suspensions_before) = (main.number_defaults, main.lift_suspensions_before);
    let release = orders(main.orders);
    Ok(Main { sid, numbers, number_defaults, lift_suspensions_before, release })
}
