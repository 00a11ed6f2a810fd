//! `pin`: the SIDs of created accounts, written into the entries that have none.

mod files;

use std::{collections::BTreeMap, fmt::Write, path::PathBuf, sync::Arc};

use anyhow::{Context, bail, ensure};
use subaccountd_core::{
    Account, AccountSid, Desired, FriendlyName, History, Status,
    manifest::pin,
    remote::{Observe, Tries},
    text::{count, first_of, sanitize},
};
use subaccountd_twilio::Client;

use super::{Exit, eprint, print, show_faults};
use crate::{
    cli::{
        pin::PinArgs,
        settings::{ConnectionArgs, JournalArgs, JournalDir},
    },
    daemon::metrics::Metrics,
    desired as state,
    journal::Journal,
    output::printed::Printed,
    snapshot::{self, Snapshot},
};

/// The accounts that entries without a SID mean, as far as they are known.
#[derive(Default)]
struct Found {
    sids: BTreeMap<FriendlyName, AccountSid>,
    /// The facts about each account, for people.
    words: BTreeMap<FriendlyName, String>,
    /// The entries without an account, and the reasons.
    missing: BTreeMap<FriendlyName, String>,
    /// True when a person must decide which account is meant.
    is_ambiguous: bool,
}

/// Pins the entries of the state in the files at `paths`.
pub(super) async fn pin_files(
    paths: &[PathBuf],
    args: &PinArgs,
    connection: &ConnectionArgs,
    journal: &JournalArgs,
) -> anyhow::Result<Exit> {
    let (sources, reading) = state::read_all(paths).await?;
    if reading.fault_count > 0 {
        show_faults(&reading.faults);
        bail!("the state has {}: fix them first", count(reading.fault_count, "fault"));
    }
    let desired = &reading.desired;
    let main = desired.main().map_err(|why| anyhow::anyhow!("{why}"))?.sid;
    if desired.unpinned().next().is_none() {
        print(&Printed::text("nothing to pin: every entry has a `sid`\n"))?;
        return Ok(Exit::Done);
    }
    let found = find(desired, main, args, connection, journal).await?;
    let changed = pin(&sources, &found.sids)?;
    let mut out = String::new();
    if !args.check {
        let files: Vec<_> = changed.iter().map(|(file, bytes)| (&sources[*file], bytes.as_slice())).collect();
        files::write_all(&files)?;
    }
    let verb = if args.check { "to pin" } else { "pinned" };
    for (name, sid) in &found.sids {
        let words = found.words.get(name).map(|words| format!(" ({words})")).unwrap_or_default();
        let _ = writeln!(out, "{verb}: {:?} is {sid}{words}", name.as_str());
    }
    let names: Vec<_> = changed.keys().map(|file| sources[*file].name.clone()).collect();
    if !names.is_empty() {
        let _ =
            writeln!(out, "{}: {}", if args.check { "files to change" } else { "changed" }, first_of(&names));
    }
    for (name, why) in &found.missing {
        let _ = writeln!(out, "not pinned: {:?}: {why}", name.as_str());
    }
    print(&Printed::text(&out))?;
    Ok(if found.is_ambiguous {
        Exit::Failed
    } else if args.check && !found.sids.is_empty() {
        Exit::Pending
    } else {
        Exit::Done
    })
}

/// The account of each entry without a SID: the one that was created for it or, with `--adopt`, the one that has its name.
async fn find(
    desired: &Desired,
    main: AccountSid,
    args: &PinArgs,
    connection: &ConnectionArgs,
    journal: &JournalArgs,
) -> anyhow::Result<Found> {
    let snapshot = match &args.from {
        Some(source) => Some(snapshot::read(source).await?),
        None => None,
    };
    if let Some(snapshot) = &snapshot {
        ensure!(
            snapshot.main_account == main,
            "the state is for the main account {main}, and the snapshot is of {}: use a snapshot of the same main account",
            snapshot.main_account
        );
    }
    let history = match &snapshot {
        Some(snapshot) => Arc::new(snapshot.history.clone().into_owned()),
        None => history(journal, main, args.adopt)?,
    };
    let mut found = Found::default();
    for (name, _) in desired.unpinned() {
        match history.created(name) {
            Some(sid) if desired.entry(sid).is_some() => {
                found
                    .missing
                    .insert(name.clone(), format!("{sid} was created for it, and another entry lists it"));
                found.is_ambiguous = true;
            }
            Some(sid) => {
                found.sids.insert(name.clone(), sid);
            }
            None => {
                found.missing.insert(name.clone(), not_created(&history, name));
            }
        }
    }
    if args.adopt && !found.missing.is_empty() {
        let candidates = match &snapshot {
            Some(snapshot) => Candidates::Snapshot(snapshot),
            None => Candidates::read(connection, main).await?,
        };
        adopt(desired, main, &candidates, &mut found).await;
    }
    Ok(found)
}

fn not_created(history: &History, name: &FriendlyName) -> String {
    match history.open_create(name) {
        Some(open) => format!("the outcome of creating it at {} is unknown", open.last.at),
        None => "no account was created for it".to_owned(),
    }
}

/// The history of the journal, which is not changed.
fn history(journal: &JournalArgs, main: AccountSid, adopt: bool) -> anyhow::Result<Arc<History>> {
    match journal.dir()? {
        JournalDir::Dir(dir) => Ok(Journal::read_only(&dir, main)?.history()),
        JournalDir::None if adopt => Ok(Arc::default()),
        JournalDir::None => {
            bail!("without a journal, no created account is known: name its folder, or give `--from`")
        }
    }
}

/// The source of the accounts that may be adopted.
enum Candidates<'a> {
    Twilio(Box<Client>, Vec<Account>),
    Snapshot(&'a Snapshot<'a>),
}

impl Candidates<'_> {
    /// The accounts of `main` at Twilio, read now.
    async fn read(connection: &ConnectionArgs, main: AccountSid) -> anyhow::Result<Self> {
        let client = connection.client(Arc::new(Metrics::new()));
        let client = client.context("`--adopt` reads the accounts at Twilio")?;
        ensure!(
            connection.account()? == main,
            "the state is for the main account {main}, and the credentials are of another: use those of {main}"
        );
        let list = client.accounts().await?;
        if let Some(row) = list.unreadable.first() {
            bail!(
                "the account list cannot be read in full, so another account may have the name: {}",
                row.why
            );
        }
        Ok(Self::Twilio(Box::new(client), list.accounts))
    }

    /// The open accounts with this very name.
    fn named(&self, name: &FriendlyName) -> Vec<&Account> {
        let accounts: Vec<&Account> = match self {
            Self::Twilio(_, accounts) => accounts.iter().collect(),
            Self::Snapshot(snapshot) => snapshot.accounts.iter().map(|row| &*row.account).collect(),
        };
        let is_open = |account: &&Account| account.status.known() != Some(Status::Closed);
        accounts
            .into_iter()
            .filter(is_open)
            .filter(|account| account.friendly_name == name.as_str())
            .collect()
    }

    /// The count of the numbers of an account, when it is known.
    async fn numbers(&self, sid: AccountSid) -> Option<usize> {
        match self {
            Self::Twilio(client, _) => client.numbers(sid, Tries::Repeated).await.ok().map(|list| list.len()),
            Self::Snapshot(snapshot) => numbers_of(snapshot, sid),
        }
    }
}

/// Adds the accounts that have the names of entries without one, when each is the only open account of its name.
async fn adopt(desired: &Desired, main: AccountSid, candidates: &Candidates<'_>, found: &mut Found) {
    let names: Vec<_> = found.missing.keys().cloned().collect();
    for name in names {
        let mut named = candidates.named(&name);
        named.retain(|account| account.sid != main);
        let why = match named[..] {
            [] => "no open account has this name".to_owned(),
            [account] if desired.entry(account.sid).is_some() => {
                found.is_ambiguous = true;
                format!("{} has this name, and another entry lists it", account.sid)
            }
            [account] => {
                let numbers = candidates.numbers(account.sid).await;
                found.words.insert(name.clone(), described(account, numbers));
                found.sids.insert(name.clone(), account.sid);
                found.missing.remove(&name);
                continue;
            }
            [..] => {
                found.is_ambiguous = true;
                let sids: Vec<_> = named.iter().map(|account| account.sid).collect();
                format!(
                    "{} have this name ({}): add the right `sid` by hand",
                    count(sids.len(), "account"),
                    first_of(&sids)
                )
            }
        };
        found.missing.insert(name, why);
    }
    if !found.words.is_empty() {
        eprint("adopted by name: check that these accounts are the ones that are meant\n");
    }
}

fn numbers_of(snapshot: &Snapshot<'_>, sid: AccountSid) -> Option<usize> {
    let row = snapshot.accounts.iter().find(|row| row.account.sid == sid)?;
    match &*row.numbers {
        subaccountd_core::NumberList::Known(list) => Some(list.len()),
        subaccountd_core::NumberList::Unreadable(_)
        | subaccountd_core::NumberList::NotInSnapshot
        | subaccountd_core::NumberList::NotRead => None,
    }
}

/// A description of an account, for the person who decides that it is meant.
fn described(account: &Account, numbers: Option<usize>) -> String {
    let created = account.date_created.map_or_else(|| "an unknown time".to_owned(), |time| time.to_string());
    let numbers = numbers.map_or_else(|| "numbers not read".to_owned(), |numbers| count(numbers, "number"));
    format!("adopted by its name: {}, created at {created}, {numbers}", sanitize(&account.status.to_string()))
}
