//! What happens to a small fleet, at one request or at one poll of the daemon.

use std::time::Duration;

use tokio::time::Instant;
use twilio_sim::{AccountStatus, Fault, FaultKind, RowPatch};

use crate::{
    MAIN,
    small::{fleet::Desired, stage::Stage},
};

/// The lag of a list that is read once from the past.
const LAG_MS: u64 = 3_000;
/// The time after which a pause or a broken file of the state ends.
const REPAIRED_AFTER: Duration = Duration::from_secs(3);

/// Something that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A fault on a request, by its name.
    Fault(&'static str),
    /// A list is as it was some seconds ago.
    StaleList,
    /// The daemon is killed before the request arrives.
    KillBefore,
    /// The daemon is killed after the request took effect.
    KillAfter,
    /// The state says something else about an account.
    Edit(usize, Edit),
    /// The state says something else about a number: who claims it.
    Claim(usize, Option<usize>),
    /// The whole state is paused for some seconds.
    PauseAll,
    /// A file of the state is broken for some seconds.
    BreakFile,
    /// Others change the status of an account.
    Status(usize, bool),
    /// Others rename an account.
    Rename(usize),
    /// Others create an account with the name of an entry without a SID.
    Namesake(usize),
    /// Others move a number to an account, or to the main account.
    Move(usize, Option<usize>),
}

/// An edit of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edit {
    /// Another desired status.
    #[expect(private_interfaces, reason = "it is made here only")]
    Desired(Desired),
    /// A pause that stays.
    Pause,
}

const GET_FAULTS: [&str; 12] = [
    "500",
    "429",
    "404",
    "reset",
    "latency",
    "stall",
    "junk",
    "truncated",
    "rows lost",
    "page repeated",
    "page elsewhere",
    "undecodable row",
];

const POST_FAULTS: [&str; 16] = [
    "500",
    "500 after the effect",
    "404",
    "404 after the effect",
    "409",
    "429",
    "reset",
    "reset after the effect",
    "late",
    "late with 500",
    "stale",
    "ignored",
    "junk",
    "truncated",
    "latency",
    "stall",
];

fn fault(name: &str) -> Fault {
    let kind = match name {
        "500" => return Fault::status(500, 20500),
        "500 after the effect" => return Fault::status_after(500, 20500),
        "404" => return Fault::status(404, 20404),
        "404 after the effect" => return Fault::status_after(404, 20404),
        "409" => return Fault::status(409, 20409),
        "429" => return Fault::status(429, 20429).retry_after(2),
        "reset" => return Fault::reset(),
        "reset after the effect" => return Fault::reset_after(),
        "late" => return Fault::late(1_500),
        "latency" => return Fault::latency(1_500),
        "stale" => FaultKind::Stale,
        "ignored" => FaultKind::Ignore,
        "junk" => FaultKind::Junk,
        "truncated" => FaultKind::Truncate { bytes: 50 },
        "stall" => FaultKind::Stall,
        "late with 500" => FaultKind::Late { ms: 1_500, http: Some(500), code: Some(20500) },
        "rows lost" => FaultKind::Rows { drop: 1, end: true },
        "page repeated" => FaultKind::RepeatPage,
        "page elsewhere" => FaultKind::ForeignNextPage { to: "http://elsewhere.example".to_owned() },
        _ => {
            let row =
                RowPatch { index: Some(0), key: Some("status".into()), raw: Some("7".into()), sid: None };
            FaultKind::Row(row)
        }
    };
    Fault::new(kind)
}

impl Event {
    /// All that can happen to a fleet of so many accounts and numbers at a request.
    pub(crate) fn all(accounts: usize, numbers: usize, is_write: bool) -> Vec<Self> {
        let faults = if is_write { POST_FAULTS.as_slice() } else { GET_FAULTS.as_slice() };
        let mut all: Vec<_> = faults.iter().map(|name| Self::Fault(name)).collect();
        all.extend([Self::KillBefore, Self::KillAfter, Self::PauseAll, Self::BreakFile]);
        if !is_write {
            all.push(Self::StaleList);
        }
        for account in 0..accounts {
            let edits = Desired::ALL.map(Edit::Desired).into_iter().chain([Edit::Pause]);
            all.extend(edits.map(|edit| Self::Edit(account, edit)));
            all.extend([true, false].map(|active| Self::Status(account, active)));
            all.extend([Self::Rename(account), Self::Namesake(account)]);
        }
        for number in 0..numbers {
            let places = || (0..accounts).map(Some).chain([None]);
            all.extend(places().map(|place| Self::Claim(number, place)));
            all.extend(places().map(|place| Self::Move(number, place)));
        }
        all
    }

    /// Those of [`Event::all`] that come closest to a wrong close: for pairs.
    pub(crate) fn strongest(accounts: usize, numbers: usize, is_write: bool) -> Vec<Self> {
        let strong = |event: &Self| match event {
            Self::Fault(name) => {
                ["reset after the effect", "late", "429", "stale", "rows lost", "latency"].contains(name)
            }
            Self::Edit(_, Edit::Desired(desired)) => {
                matches!(desired, Desired::Suspended | Desired::ClosedReleasing)
            }
            Self::StaleList
            | Self::KillBefore
            | Self::KillAfter
            | Self::BreakFile
            | Self::Move(..)
            | Self::Status(..) => true,
            Self::Edit(_, Edit::Pause)
            | Self::Claim(..)
            | Self::PauseAll
            | Self::Rename(_)
            | Self::Namesake(_) => false,
        };
        Self::all(accounts, numbers, is_write).into_iter().filter(strong).collect()
    }

    /// Returns true when it is an edit of the state or a change by others, so that another end may be right.
    pub(crate) fn is_from_outside(self) -> bool {
        !matches!(
            self,
            Self::Fault(_)
                | Self::StaleList
                | Self::KillBefore
                | Self::KillAfter
                | Self::PauseAll
                | Self::BreakFile
        )
    }

    /// Makes it happen, right before a request is answered. Kills are the daemon's business.
    pub(crate) fn strike(self, stage: &mut Stage) {
        match self {
            Self::Fault(name) => stage.chaos.sim.inject(fault(name).times(1)),
            Self::StaleList => stage.set_lag(LAG_MS),
            Self::KillBefore | Self::KillAfter => {}
            Self::Edit(account, Edit::Desired(desired)) => stage.say(account, desired),
            Self::Edit(account, Edit::Pause) => stage.edit(account, |entry| entry.paused = true),
            Self::Claim(number, claimant) => stage.claim(number, claimant),
            Self::PauseAll => {
                stage.editor.state.paused = true;
                stage.editor.save();
                stage.repair_at = Some(Instant::now() + REPAIRED_AFTER);
            }
            Self::BreakFile => {
                stage.editor.state.tab = Some(0);
                stage.editor.save();
                stage.repair_at = Some(Instant::now() + REPAIRED_AFTER);
            }
            Self::Status(account, active) => {
                let status = if active { AccountStatus::Active } else { AccountStatus::Suspended };
                if let Some(sid) = stage.sid(account) {
                    stage.chaos.set_status(&sid, status);
                }
            }
            Self::Rename(account) => {
                if let Some(sid) = stage.sid(account) {
                    stage.chaos.rename(&sid);
                }
            }
            Self::Namesake(account) => stage.create_a_namesake(account),
            Self::Move(number, place) => {
                let to = place.map_or_else(|| Some(MAIN.to_owned()), |place| stage.sid(place));
                if let Some(to) = to {
                    stage.chaos.move_number(&stage.phones[number], &to);
                }
            }
        }
    }
}
