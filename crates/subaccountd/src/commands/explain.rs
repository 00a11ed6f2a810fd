//! `explain`: the state of one account or phone number, its cause, and the remedy.

use std::collections::BTreeSet;

use anyhow::bail;
use subaccountd_core::{
    Account, AccountSid, Number, NumberId, NumberList, NumberLocation, NumberSid, Observed, PhoneNumber,
    Status,
    text::{count, first_of, sanitize},
};

use super::{
    Exit,
    plan_input::{PlanInput, sighting},
    print,
};
use crate::{
    cli::{ExplainFormat, ExplicitFlags, ID_FORMS, Id, settings::ReconcileArgs},
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
    output: ExplainFormat,
    fleet: ReconcileArgs,
    from: Option<&Source>,
    explicit_flags: &ExplicitFlags,
) -> anyhow::Result<Exit> {
    let mut sighting = sighting(fleet, from, explicit_flags).await?;
    let subject = subject(id, &sighting)?;
    if !is_seen(subject, &sighting.observation.observed) {
        read_the_rest(&mut sighting).await?;
    }
    let PlanInput { report, observation, rules, loaded, remarks, .. } = &sighting;
    let history = &observation.history;
    let desired = &*loaded.reading.desired.resolved(|name| history.created(name));
    let policy = &rules.policy();
    let view = View::of(report, Some(&observation.observed));
    let case = ExplainContext { desired, observation, policy, view };
    let (id, explanation) = match subject {
        Subject::Account(sid) if case.view.knows(sid) => (sid.to_string(), explain::account(&case, sid)),
        Subject::Account(sid) => {
            bail!(
                "{sid} is neither in the state nor among the accounts of {}: check the SID",
                observation.observed.main()
            )
        }
        Subject::Number(sid) => match number_of(sid, &observation.observed) {
            Some(number) => (number.to_string(), explain::number(&case, number)),
            None => bail!("{sid} is not in any number list that was read: check the SID"),
        },
        Subject::Phone(phone) => {
            let is_named = desired.claimants().contains_key(&phone)
                || desired.releases().any(|(_, number, _)| number == phone);
            if !is_named && observation.observed.locate(phone) == NumberLocation::Nowhere {
                bail!(
                    "{phone} is neither claimed or released in the state nor in any number list that was read: check the number"
                );
            }
            (phone.to_string(), explain::number(&case, phone.into()))
        }
    };
    print(&match output {
        ExplainFormat::Text => {
            let style = Style::of_stdout();
            let remarks: String = remarks.iter().map(|words| style.wrapped("", "", words)).collect();
            let gap = if remarks.is_empty() { "" } else { "\n" };
            Printed::text(&format!("{}{gap}{remarks}", explanation.text(style)))
        }
        ExplainFormat::Json => {
            Printed::json(&(serde_json::to_string_pretty(&explanation.json(&id, remarks))? + "\n"))
        }
    })?;
    Ok(Exit::Done)
}

/// The subject, once a name is the SID of its account.
#[derive(Debug, Clone, Copy)]
enum Subject {
    Account(AccountSid),
    Number(NumberSid),
    Phone(PhoneNumber),
}

/// The subject that `id` names.
///
/// # Errors
/// No account has the name, or several have.
fn subject(id: Id, input: &PlanInput) -> anyhow::Result<Subject> {
    let name = match id {
        Id::Account(sid) => return Ok(Subject::Account(sid)),
        Id::Number(sid) => return Ok(Subject::Number(sid)),
        Id::Phone(phone) => return Ok(Subject::Phone(phone)),
        Id::Name(name) => name,
    };
    let observed = &input.observation.observed;
    let all: Vec<_> = observed.accounts().filter(|account| account.friendly_name == name).collect();
    let is_open = |account: &&Account| account.status.known() != Some(Status::Closed);
    let open: Vec<_> = all.iter().copied().filter(is_open).collect();
    // A name is often used again after a close.
    let found = if open.is_empty() { all } else { open };
    let shown = sanitize(&name);
    match found[..] {
        [account] => Ok(Subject::Account(account.sid)),
        [] => {
            let mut awaited = input.loaded.reading.desired.unpinned();
            if awaited.any(|(of, _)| of.as_str() == name) {
                bail!("\"{shown}\" has no account yet: `subaccountd plan` shows whether it is created")
            }
            bail!("no account is named \"{shown}\" at Twilio: check the name, or {ID_FORMS}")
        }
        [..] => {
            let sids: Vec<_> =
                found.iter().map(|account| format!("{} ({})", account.sid, account.status)).collect();
            bail!("{} are named \"{shown}\": give one of {}", count(sids.len(), "account"), first_of(&sids))
        }
    }
}

/// The identity of the number `sid`, which has a phone number or not.
fn number_of(sid: NumberSid, observed: &Observed) -> Option<NumberId> {
    let mut numbers = observed.lists().flat_map(|(_, list)| list);
    numbers.find(|number| number.sid == sid).map(Number::id)
}

fn is_seen(subject: Subject, observed: &Observed) -> bool {
    match subject {
        Subject::Account(sid) => *observed.number_list(sid) != NumberList::NotRead,
        Subject::Number(sid) => number_of(sid, observed).is_some(),
        Subject::Phone(phone) => observed.locate(phone) != NumberLocation::Nowhere,
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
