//! `explain`: the state of one account or phone number, its cause, and the remedy.

use std::collections::BTreeSet;

use anyhow::bail;
use subaccountd_core::{Number, NumberId, NumberList, NumberLocation, NumberSid, Observed, Status};

use super::{
    Exit,
    plan_input::{PlanInput, sighting},
    print,
};
use crate::{
    cli::{ExplicitFlags, Id, settings::ReconcileArgs},
    output::{
        explain::{self, ExplainContext},
        printed::Printed,
        progress::while_reading,
        render::{Style, View},
    },
    reconcile::observing::read_lists,
    snapshot::Source,
};

pub(super) async fn explain(
    id: Id,
    fleet: ReconcileArgs,
    from: Option<&Source>,
    explicit_flags: &ExplicitFlags,
) -> anyhow::Result<Exit> {
    let mut sighting = sighting(fleet, from, explicit_flags).await?;
    if !is_seen(id, &sighting.observation.observed) {
        read_the_rest(&mut sighting).await?;
    }
    let PlanInput { report, observation, rules, loaded, remarks, .. } = &sighting;
    let history = &observation.history;
    let desired = &*loaded.reading.desired.resolved(|name| history.created(name));
    let policy = &rules.policy();
    let view = View::of(report, Some(&observation.observed));
    let style = Style::of_stdout();
    let case = ExplainContext { desired, observation, policy, view, style };
    let text = match id {
        Id::Account(sid) if case.view.knows(sid) => explain::account(&case, sid),
        Id::Account(sid) => {
            bail!(
                "{sid} is neither in the state nor among the accounts of {}: check the SID",
                observation.observed.main()
            )
        }
        Id::Number(sid) => match number_of(sid, &observation.observed) {
            Some(number) => explain::number(&case, number),
            None => bail!("{sid} is not in any number list that was read: check the SID"),
        },
        Id::Phone(phone) => {
            let is_named = desired.claimants().contains_key(&phone)
                || desired.releases().any(|(_, number, _)| number == phone);
            if !is_named && observation.observed.locate(phone) == NumberLocation::Nowhere {
                bail!(
                    "{phone} is neither claimed or released in the state nor in any number list that was read: check the number"
                );
            }
            explain::number(&case, phone.into())
        }
    };
    let remarks: String = remarks.iter().map(|words| style.wrapped("", "", words)).collect();
    let gap = if remarks.is_empty() { "" } else { "\n" };
    print(&Printed::text(&format!("{text}{gap}{remarks}")))?;
    Ok(Exit::Done)
}

/// The identity of the number `sid`, which has a phone number or not.
fn number_of(sid: NumberSid, observed: &Observed) -> Option<NumberId> {
    let mut numbers = observed.lists().flat_map(|(_, list)| list);
    numbers.find(|number| number.sid == sid).map(Number::id)
}

fn is_seen(id: Id, observed: &Observed) -> bool {
    match id {
        Id::Account(sid) => *observed.number_list(sid) != NumberList::NotRead,
        Id::Number(sid) => number_of(sid, observed).is_some(),
        Id::Phone(phone) => observed.locate(phone) != NumberLocation::Nowhere,
    }
}

/// Reads the number lists that the plan did not need: the number may be in any of them.
async fn read_the_rest(sighting: &mut PlanInput) -> anyhow::Result<()> {
    let Some(reconciler) = &sighting.reconciler else { return Ok(()) };
    let observed = &mut sighting.observation.observed;
    let open = observed.accounts().filter(|account| account.status.known() != Some(Status::Closed));
    let unread =
        open.map(|account| account.sid).filter(|sid| *observed.number_list(*sid) == NumberList::NotRead);
    let unread: BTreeSet<_> = unread.collect();
    let reading = read_lists(&reconciler.client, reconciler.in_flight, observed, unread);
    Ok(while_reading(&reconciler.requests, reading).await?)
}
