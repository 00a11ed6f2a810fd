//! A plan made from a snapshot: what the daemon that took it would do with another state.

use anyhow::{Context, bail};
use subaccountd_core::{
    AccountSid, NumberList, Observed, Pass, guard,
    report::{Findings, Mode, PassResult, PassSummary, Report},
};

use super::Snapshot;
use crate::{
    cli::settings::GuardrailArgs,
    desired::LoadedState,
    reconcile::{Observation, shown},
    version::VERSION,
};

/// The report of the pass that `loaded` would have had at the time of `snapshot`, and what it is made from.
pub(crate) fn report(
    snapshot: Snapshot<'_>,
    loaded: &LoadedState,
    rules: &GuardrailArgs,
) -> anyhow::Result<(Report, Observation)> {
    let desired = &loaded.reading.desired;
    let (now, guardrails) = (snapshot.now(), rules.guardrails());
    if let Ok(main) = desired.main()
        && main.sid != snapshot.main_account
    {
        let of = snapshot.main_account;
        bail!(
            "the state is for the main account {}, and the snapshot is of {of}: use a snapshot of the same main account",
            main.sid
        );
    }
    let (main, mut history) = (snapshot.main_account, snapshot.history.into_owned());
    let (mut pass, facts) = Pass::begin(desired, &guardrails, main, &history, now);
    history.apply_all(facts);
    history.prune(now, guardrails.policy.window);
    let observed = observed(main, snapshot.accounts).with_doubts(snapshot.doubts.into_owned());
    pass.recall(observed, &history).context("cannot plan")?;
    history.apply_all(pass.facts(&history, now));
    let approved = pass.plan(&history).context("cannot plan")?;
    let (desired, observed, now) = pass.into_parts();
    let budgets = guard::budgets(approved.plan(), &guardrails.limits, &history, now);
    let found = Findings {
        desired: &desired,
        observed: &observed,
        plan: approved.plan(),
        history: &history,
        budgets,
        now,
    };
    let summary = PassSummary {
        result: Some(PassResult::Success),
        started_at: Some(now.local),
        finished_at: Some(now.local),
        requests: 0,
        error: None,
        aborted: false,
    };
    let report = Report::new(VERSION, Mode::DryRun, shown(loaded), summary, Ok(found), Vec::new(), None);
    Ok((report, Observation { now, observed, history: history.into() }))
}

/// The observation with these accounts and their number lists.
pub(super) fn observed(main: AccountSid, rows: Vec<super::SnapshotAccount<'_>>) -> Observed {
    let (mut accounts, mut lists) = (Vec::new(), Vec::new());
    for row in rows {
        lists.push((row.account.sid, row.numbers.into_owned()));
        accounts.push(row.account.into_owned());
    }
    let mut observed = Observed::new(main, accounts);
    for (account, list) in lists {
        match list {
            NumberList::NotRead | NumberList::NotInSnapshot => {}
            NumberList::Known(_) | NumberList::Unreadable(_) => observed.add_number_list(account, list),
        }
    }
    observed
}
