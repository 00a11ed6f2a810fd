//! The check of `make fuzz` on snapshots: everything that is planned on one and shown of the plan.
//!
//! An input is a snapshot, then the files of a state, separated by lines `%%`; without files, a state that fits the fleet.

use std::{collections::BTreeSet, sync::OnceLock};

use subaccountd_core::{
    AccountSid, History, Number, NumberId, NumberList, Report,
    manifest::{
        Source,
        export::{Export, ExportFilter},
        parse as parse_state,
    },
    report::PlanView,
};

use super::{parse, report};
use crate::{
    cli::settings::GuardrailArgs,
    desired::{
        LoadedState,
        fuzzing::{loaded, sources},
    },
    fuzzing::{check_text, parts},
    output::{
        explain::{self, ExplainContext},
        render::{Style, View, markdown, text},
    },
    reconcile::Observation,
};

/// A snapshot of a small fleet, with something to do and to hold.
const FLEET: &[u8] = include_bytes!("../../../fuzz/corpus/snapshot/fleet.json");
/// A state for it, without a fault.
pub(crate) const STATE: &[u8] = include_bytes!("../../../fuzz/corpus/state/fleet.yaml");
/// The most characters of an error.
const MAX_ERROR: usize = 1_000;
/// The most accounts and numbers that are explained.
const MAX_EXPLAINED: usize = 4;

/// Parses the snapshot in `input`, plans on it and shows the plan in every form.
///
/// # Panics
/// On a defect.
pub fn snapshot(input: &[u8]) {
    let parts = parts(input);
    let Some((document, files)) = parts.split_first() else { return };
    let files =
        if files.is_empty() { sources(STATE) } else { files.iter().flat_map(|file| sources(file)).collect() };
    let loaded = loaded(parse_state(&files));
    let snapshot = match parse(document) {
        Ok(snapshot) => snapshot,
        Err(error) => return check_text(&error, MAX_ERROR),
    };
    check_text(&snapshot.taker(), MAX_ERROR);
    let again = serde_json::to_vec(&snapshot).unwrap_or_default();
    let Ok(rules) = GuardrailArgs::from_words(&snapshot.settings) else { return };
    let planned = match report(snapshot, &loaded, &rules) {
        Ok(planned) => planned,
        Err(error) => return check_text(&format!("{error:#}"), MAX_ERROR),
    };
    check_shown(&planned, &loaded, &rules);
    let second = replan(&again, &loaded, &rules);
    assert_eq!(
        second.map(|report| report.plan),
        Some(planned.0.plan.clone()),
        "a snapshot that was written again"
    );
    if loaded.reading.faults.is_empty() {
        check_fault(&again, files, &rules, &planned.0.plan);
    }
    check_export(&again, &planned.1, &rules);
}

/// The actions that the fleet would get for `loaded`.
pub(crate) fn actions_for_the_fleet(loaded: &LoadedState) -> BTreeSet<String> {
    fleet(loaded, None).map(|report| actions(&report.plan)).unwrap_or_default()
}

/// Plans for the fleet with another history.
pub(crate) fn plan_with(history: History) {
    let _ = fleet(&loaded(parse_state(&sources(STATE))), Some(history));
}

fn fleet(loaded: &LoadedState, history: Option<History>) -> Option<Report> {
    static RULES: OnceLock<Option<GuardrailArgs>> = OnceLock::new();
    let mut snapshot = parse(FLEET).ok()?;
    let rules = RULES.get_or_init(|| GuardrailArgs::from_words(&snapshot.settings).ok()).as_ref()?;
    if let Some(history) = history {
        snapshot.history = std::borrow::Cow::Owned(history);
    }
    Some(report(snapshot, loaded, rules).ok()?.0)
}

fn replan(document: &[u8], loaded: &LoadedState, rules: &GuardrailArgs) -> Option<Report> {
    Some(report(parse(document).ok()?, loaded, rules).ok()?.0)
}

fn actions(plan: &PlanView) -> BTreeSet<String> {
    let actions = plan.actions.iter();
    actions
        .map(|action| format!("{:?}", (action.kind, &action.account, action.number, action.from, action.to)))
        .collect()
}

/// Shows the plan in every form, and checks that nothing in it acts on a terminal.
fn check_shown((report, observation): &(Report, Observation), loaded: &LoadedState, rules: &GuardrailArgs) {
    let view = || View::of(report, Some(&observation.observed));
    check_text(&text(&view(), Style::PLAIN), usize::MAX);
    let page = markdown(&view());
    check_text(&page, 60_000);
    assert!(serde_json::to_string(&report).is_ok());
    let desired = &*loaded.reading.desired.resolved(|name| observation.history.created(name));
    let policy = &rules.policy();
    let style = Style::PLAIN;
    let accounts: Vec<AccountSid> = report.accounts.iter().filter_map(|view| view.account.sid()).collect();
    for sid in accounts.into_iter().take(MAX_EXPLAINED) {
        let case = ExplainContext { desired, observation, policy, view: view() };
        check_text(&explain::account(&case, sid).text(style), usize::MAX);
        check_text(&text(&view().only(sid), style), usize::MAX);
    }
    let claimed = desired.claims().map(|(_, number, _)| NumberId::Phone(number));
    let seen = observation.observed.lists().flat_map(|(_, list)| list).map(Number::id);
    let numbers: BTreeSet<NumberId> = claimed.chain(seen).collect();
    for number in numbers.into_iter().take(MAX_EXPLAINED) {
        let case = ExplainContext { desired, observation, policy, view: view() };
        check_text(&explain::number(&case, number).text(style), usize::MAX);
    }
}

/// Checks that a file that cannot be read adds no action.
fn check_fault(document: &[u8], mut files: Vec<Source>, rules: &GuardrailArgs, without: &PlanView) {
    files.push(Source { name: "other.yaml".to_owned(), content: Err("permission denied".to_owned().into()) });
    let loaded = loaded(parse_state(&files));
    let Some(report) = replan(document, &loaded, rules) else { return };
    let (with, without) = (actions(&report.plan), actions(without));
    assert!(with.is_subset(&without), "{:?}", with.difference(&without).collect::<Vec<_>>());
}

/// Checks that the observation, written as a state, has no fault and nothing to do.
fn check_export(document: &[u8], observation: &Observation, rules: &GuardrailArgs) {
    let observed = &observation.observed;
    for check_names in [false, true] {
        let filter = ExportFilter { check_names, number_settings: check_names, ..ExportFilter::default() };
        let is_read = |sid: &AccountSid| matches!(observed.number_list(*sid), NumberList::Known(_));
        if !filter.lists(observed).iter().all(is_read) {
            return;
        }
        let export = Export::new(observed, &filter, None);
        let source = Source { name: "desired.yaml".to_owned(), content: Ok(export.whole().into_bytes()) };
        let reading = parse_state(&[source]);
        assert!(reading.faults.is_empty(), "{:?}\n{}", reading.faults, export.whole());
        let split = export.split().into_iter();
        let split: Vec<_> =
            split.map(|(name, text)| Source { name, content: Ok(text.into_bytes()) }).collect();
        assert_eq!(parse_state(&split).desired, reading.desired, "one file and several are read alike");
        let Some(report) = replan(document, &loaded(reading), rules) else { return };
        assert!(report.plan.actions.is_empty(), "{:?}\n{}", report.plan.actions, export.whole());
    }
}
