//! The report: the document of `/status`, made from a pass and the report before it.

use jiff::Timestamp;
use serde_json::Value;
use subaccountd_core::{
    ActionKind, ConditionStatus, Status,
    guard::budgets,
    plan,
    report::{DesiredState, Findings, Mode, NotObserved, PassResult, PassSummary, Report},
};

use crate::support::{
    scene::{Scene, time},
    text::short,
};

const STATE: &str = r#"
    subaccounts:
    - {sid: AC01, friendlyName: acme, status: active, reason: paid, labels: {owner: billing}}
    - {sid: AC02, status: suspended}
    - {sid: AC03, status: closed, close: {confirm: acme}}
    - {sid: AC04, status: active}
    - {sid: AC05, status: closed, close: {confirm: acme}}
    - {sid: AC06, status: active, numbers: ["+15105550101"]}
    - {sid: AC07, status: active, numbers: ["+15105550102"]}
    "#;

fn summary(at: Timestamp, result: PassResult) -> PassSummary {
    PassSummary {
        result: Some(result),
        started_at: Some(at),
        finished_at: Some(at),
        requests: 3,
        error: None,
        aborted: false,
    }
}

fn state(at: Timestamp) -> DesiredState {
    DesiredState {
        valid: true,
        paused: false,
        frozen: None,
        sha256: "ab".to_owned(),
        revision: None,
        loaded_at: at,
        faults: Vec::new(),
        fault_count: 0,
    }
}

/// The report of a pass that does nothing.
fn report(scene: &Scene, previous: Option<&Report>) -> Report {
    let scene = scene.clone().pass();
    let (observed, at) = (scene.observe(), scene.now.best());
    let plan = plan(&scene.desired, &observed, &scene.history, &scene.policy, scene.now).unwrap();
    let budgets = budgets(&plan, &scene.limits, &scene.history, scene.now);
    let found = Findings {
        desired: &scene.desired,
        observed: &observed,
        plan: &plan,
        history: &scene.history,
        budgets,
        now: scene.now,
    };
    let summary = summary(at, PassResult::Success);
    Report::new("1.0", Mode::Enforce, state(at), summary, Ok(found), Vec::new(), previous)
}

/// The report of a pass that could not come to a plan.
fn failed(scene: &Scene, previous: Option<&Report>) -> Report {
    let at = scene.now.best();
    let summary = summary(at, PassResult::Failed);
    let main_account = scene.desired.main().unwrap().sid;
    let not_observed = NotObserved { desired: &scene.desired, main_account };
    Report::new("1.0", Mode::DryRun, state(at), summary, Err(not_observed), Vec::new(), previous)
}

/// One of everything: AC01 to reactivate, AC02 to suspend, AC03 resting, AC04 unreadable, AC05 gone, AC06 to be given
/// a number, AC07 in sync.
fn mixed() -> Scene {
    Scene::new(STATE)
        .suspended("AC01")
        .active("AC02")
        .suspended("AC03")
        .odd_status("AC04")
        .gone("AC05")
        .holds("AC00", "+15105550101")
}

fn conditions(report: &Report) -> String {
    let line = |account: &subaccountd_core::report::AccountView| {
        let [condition] = &account.conditions;
        let observed = account.observed.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        format!(
            "{} {} {observed}: {:?} {} since {}: {}",
            account.account,
            account.desired,
            condition.status,
            condition.reason,
            condition.last_transition_time,
            condition.message
        )
    };
    short(&report.accounts.iter().map(line).collect::<Vec<_>>().join("\n"))
}

#[test]
fn each_listed_account_has_one_condition() {
    insta::assert_snapshot!(conditions(&report(&mixed(), None)), @r#"
    AC01 active suspended: False Reactivating since 2026-06-01T12:00:00Z: planned: reactivate
    AC02 suspended active: False Suspending since 2026-06-01T12:00:00Z: planned: suspend
    AC03 closed suspended: False CoolingOff since 2026-06-01T12:00:00Z: AC03 is closed at 2026-06-04T12:00:00Z at the earliest: cooling-off period of 72h since 2026-06-01T12:00:00Z
    AC04 active dormant: Unknown Unreadable since 2026-06-01T12:00:00Z: AC04 has the unknown status "dormant" at Twilio
    AC05 closed -: True Absent since 2026-06-01T12:00:00Z: closed, and no longer in Twilio's list
    AC06 active active: False Transferring since 2026-06-01T12:00:00Z: planned: transfer
    AC07 active active: True InSync since 2026-06-01T12:00:00Z: in sync
    "#);
}

/// Kubernetes' convention: a transition is one of the status, not of the reason.
#[test]
fn a_condition_keeps_its_time_while_its_status_stays_the_same() {
    let first = report(&mixed(), None);
    let later = mixed().after("1h").suspended("AC02").forbids(ActionKind::Transfer);
    let later = report(&later, Some(&first));
    let shown: Vec<_> = later.accounts.iter().map(|account| &account.conditions[0]).collect();
    assert_eq!(shown[0].last_transition_time, time("2026-06-01T12:00:00Z"));
    assert_eq!(
        (shown[1].status, shown[1].last_transition_time),
        (ConditionStatus::True, time("2026-06-01T13:00:00Z"))
    );
    let transfer = &first.accounts[5].conditions[0];
    assert_eq!((transfer.reason.as_str(), shown[5].reason.as_str()), ("Transferring", "NotAllowed"));
    assert_eq!(shown[5].last_transition_time, transfer.last_transition_time);
}

#[test]
fn a_held_item_is_held_since_it_was_first_held_for_its_reason() {
    let first = report(&mixed(), None);
    let resting =
        |report: &Report| report.plan.held.iter().find(|held| held.kind.as_str() == "close").unwrap().since;
    let later = report(&mixed().after("1h"), Some(&first));
    assert_eq!(resting(&later), time("2026-06-01T12:00:00Z"));
    let other = report(&mixed().after("1h").holds("AC03", "+15105550109"), Some(&first));
    assert_eq!(resting(&other), time("2026-06-01T13:00:00Z"));
}

#[test]
fn a_pass_without_a_plan_shows_what_was_seen_before_it() {
    let first = report(&mixed(), None);
    let after = failed(&mixed().after("1h"), Some(&first));
    let last = failed(&mixed().after("2h"), Some(&after));
    for report in [&after, &last] {
        assert_eq!((&report.plan, &report.main_account), (&first.plan, &first.main_account));
        let shown = |report: &Report| {
            let accounts = report.accounts.iter();
            accounts
                .map(|it| (it.account.clone(), it.friendly_name.clone(), it.observed.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(report), shown(&first));
        assert_eq!(report.observed_at, Some(time("2026-06-01T12:00:00Z")));
        for account in &report.accounts {
            let [condition] = &account.conditions;
            assert_eq!(condition.status, ConditionStatus::Unknown);
            assert_eq!(condition.message, "not observed since 2026-06-01T12:00:00Z: the last pass failed");
        }
    }
    assert_eq!(after.figures.desired, first.figures.desired);
    // An account that was already unknown keeps the time of its condition.
    let times = |n: usize| last.accounts[n].conditions[0].last_transition_time;
    assert_eq!((times(3), times(0)), (time("2026-06-01T12:00:00Z"), time("2026-06-01T13:00:00Z")));
}

#[test]
fn a_pass_without_a_plan_knows_nothing_of_an_account_that_no_pass_saw() {
    let alone = failed(&mixed(), None);
    assert_eq!((alone.plan.digest.as_ref(), alone.plan.actions.len(), alone.plan.held.len()), (None, 0, 0));
    assert_eq!((alone.observed_at, alone.main_account.friendly_name.as_ref()), (None, None));
    assert!(alone.accounts.iter().all(|account| account.observed.is_none()));
    assert_eq!(alone.accounts[0].conditions[0].message, "not observed yet: the last pass failed");
}

#[test]
fn the_document_has_the_keys_of_the_contract_and_null_where_nothing_applies() {
    let report = serde_json::to_value(report(&mixed(), None)).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let (plan, account) = (&report["plan"], &report["accounts"][0]);
    let all = [
        keys(&report),
        keys(&report["mainAccount"]),
        keys(&report["desiredState"]),
        keys(&report["lastPass"]),
        keys(plan),
        keys(&plan["actions"][0]),
        keys(&plan["held"][0]),
        keys(account),
        keys(&account["conditions"][0]),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    accounts desiredState lastPass mainAccount mode plan version
    friendlyName sid
    faults frozen loadedAt paused revision sha256 valid
    error finishedAt requests result startedAt
    actions digest held notKnown
    account count from kind name number to
    account kind message name number reason remedy since
    conditions desired friendlyName labels observed reason sid
    lastTransitionTime message reason status type
    ");
    assert_eq!(plan["actions"][0]["number"], Value::Null);
    assert_eq!(report["desiredState"]["revision"], Value::Null);
    assert_eq!((&report["mode"], &report["lastPass"]["result"]), (&"enforce".into(), &"success".into()));
}

#[test]
fn a_transfer_is_shown_under_the_account_that_gains() {
    let report = report(&mixed(), None);
    let transfer = report.plan.actions.iter().find(|action| action.number.is_some()).unwrap();
    let sid = |text: &str| crate::support::scene::sid(text);
    assert_eq!(
        (transfer.account.clone(), transfer.from, transfer.to),
        (sid("AC06").into(), Some(sid("AC00")), Some(sid("AC06")))
    );
}

#[test]
fn figures_count_by_status_and_by_whether_the_state_lists_it() {
    let scene = mixed().account("AC09", "hooli", Status::Active).holds("AC06", "+15105550108");
    let figures = report(&scene, None).figures;
    let shown = format!("{:?}\n{:?}\n{:?}", figures.desired, figures.observed, figures.numbers);
    insta::assert_snapshot!(shown, @r"
    {Active: 4, Suspended: 1, Closed: 2}
    {(Active, false): 1, (Active, true): 3, (Suspended, true): 2}
    {false: 1, true: 2}
    ");
}

#[test]
fn a_mode_is_logged_as_it_is_shown() {
    for mode in [Mode::Enforce, Mode::DryRun] {
        assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
    }
}
