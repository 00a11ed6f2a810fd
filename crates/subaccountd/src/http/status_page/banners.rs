//! The banners: what is off, paused, failing or doubtful as a whole, before anything else on the page.

use jiff::Timestamp;
use subaccountd_core::{
    CLOCK_TOLERANCE, Report,
    report::{Mode, PassResult},
    text::rough,
};

use super::words::{Message, When};
use crate::daemon::pass_history::PassEntry;

/// A banner.
pub(super) struct Banner {
    /// True for a failure, false for a restriction that a person chose, or may have chosen.
    pub(super) is_failure: bool,
    pub(super) title: &'static str,
    pub(super) words: Message,
    /// Words and a time, as in *Since 5 min ago*.
    pub(super) times: Vec<(&'static str, When)>,
    pub(super) remedy: Message,
}

/// The banners of `report`, failures first.
pub(super) fn banners(report: &Report, passes: &[PassEntry], now: Timestamp) -> Vec<Banner> {
    let banners = [
        failing(report, passes, now),
        journal(report),
        clock(report),
        frozen(report, now),
        paused(report),
        dry_run(report),
    ];
    banners.into_iter().flatten().chain(allowances(report, now)).collect()
}

fn failing(report: &Report, passes: &[PassEntry], now: Timestamp) -> Option<Banner> {
    // A pass that came to its end shows what is wrong by itself.
    let error = report.last_pass.error.as_ref().filter(|_| report.last_pass.aborted)?;
    let failed = passes.iter().take_while(|pass| pass.result == PassResult::Failed);
    let since = failed.last().map(|pass| pass.since).or(report.last_pass.finished_at);
    let since = since.map(|at| ("Failing since", When::new(at, now)));
    let seen = report.observed_at.map(|at| ("accounts last observed", When::new(at, now)));
    Some(Banner {
        is_failure: true,
        title: "The last pass was aborted.",
        words: Message::new(&error.to_string()),
        times: since.into_iter().chain(seen).collect(),
        remedy: Message::new("The plan below is the last known one."),
    })
}

fn journal(report: &Report) -> Option<Banner> {
    Some(Banner {
        is_failure: true,
        title: "The journal cannot be written.",
        words: Message::new(report.journal_error.as_ref()?),
        times: Vec::new(),
        remedy: Message::new(
            "Nothing is written to Twilio until it can be: free space on its disk, or restore its folder.",
        ),
    })
}

fn clock(report: &Report) -> Option<Banner> {
    let skew = report.figures.clock_skew.filter(|skew| skew.abs() > CLOCK_TOLERANCE)?;
    let side = if skew.is_positive() { "behind" } else { "ahead of" };
    Some(Banner {
        is_failure: true,
        title: "The clocks disagree.",
        words: Message::new(&format!("The clock of this machine is {} {side} Twilio's.", rough(skew))),
        times: Vec::new(),
        remedy: Message::new(
            "No rest ends and no budget is freed meanwhile: set the clock of this machine (NTP).",
        ),
    })
}

fn frozen(report: &Report, now: Timestamp) -> Option<Banner> {
    let freeze = report.desired_state.frozen.as_ref()?;
    Some(Banner {
        is_failure: false,
        title: "Frozen.",
        words: Message::new(&format!("Nothing is written to Twilio: {}", freeze.reason)),
        times: freeze.since.map(|at| ("Since", When::new(at, now))).into_iter().collect(),
        remedy: Message::new("To resume, run `subaccountd unfreeze` where the journal of the daemon is."),
    })
}

fn paused(report: &Report) -> Option<Banner> {
    let remedy = if report.desired_state.valid {
        "To resume, set `paused: false` in every document of the state."
    } else {
        "To resume, set `paused: false` in every document of the state, and correct the fault that counts as a pause."
    };
    report.desired_state.paused.then(|| Banner {
        is_failure: false,
        title: "Paused.",
        words: Message::new("The whole state is paused: nothing is changed at Twilio."),
        times: Vec::new(),
        remedy: Message::new(remedy),
    })
}

/// Each allowance that counts, because it lets more be done than the process was started with.
fn allowances(report: &Report, now: Timestamp) -> impl Iterator<Item = Banner> {
    report.figures.allowances.iter().map(move |allowance| Banner {
        is_failure: false,
        title: "An allowance is in force.",
        words: Message::new(&format!(
            "The limit of `{}` is at least {}: {}",
            allowance.verb, allowance.up_to, allowance.reason
        )),
        times: vec![("Until", When::new(allowance.until, now))],
        remedy: Message::new("To end it earlier, remove it from `allowances` of the state."),
    })
}

fn dry_run(report: &Report) -> Option<Banner> {
    (report.mode == Mode::DryRun).then(|| Banner {
        is_failure: false,
        title: "Dry run.",
        words: Message::new("Nothing is written to Twilio."),
        times: Vec::new(),
        remedy: Message::new("Planned actions are not executed."),
    })
}
