//! The end of a write as the journal, the log and the loop read it.

use subaccountd_core::{ActionKind, Guardrails, Outcome, Receipt, Refusal, Skip, SkipCause, UnknownOutcome};

use crate::support::scene::{NOON, time};

const SKIPS: [(SkipCause, bool, bool); 10] = [
    // The cause; true when it is backpressure; true when the proof failed.
    (SkipCause::RateLimited, true, false),
    (SkipCause::ConnectFailed, true, false),
    (SkipCause::TokenRotated, true, false),
    (SkipCause::Stopping, false, false),
    (SkipCause::StateChanged, false, false),
    (SkipCause::ProofChanged, false, true),
    (SkipCause::ProofTooOld, false, true),
    (SkipCause::Dependency, false, false),
    (SkipCause::NotRecorded, false, false),
    (SkipCause::PassAborted, false, false),
];

/// An outcome of each kind, with every field set.
fn outcomes() -> [Outcome; 5] {
    let (date, request_id) = (Some(time(NOON)), Some("RQ1".to_owned()));
    let refusal =
        Refusal { code: Some(20_003), message: "no".to_owned(), request_id: request_id.clone(), date };
    [
        Outcome::Done(Receipt { request_id: request_id.clone(), date, ..Receipt::default() }),
        Outcome::Refused(refusal.clone()),
        Outcome::Ignored(refusal),
        Outcome::Unknown(UnknownOutcome { message: "timed out".to_owned(), request_id }),
        Outcome::skipped(SkipCause::RateLimited, "429"),
    ]
}

#[test]
fn skip_cause_separates_backpressure_from_failed_proofs() {
    for (cause, backpressure, proof) in SKIPS {
        assert_eq!((cause.is_backpressure(), cause.is_proof()), (backpressure, proof), "{cause:?}");
    }
    assert_eq!(Skip::new(SkipCause::Stopping, "stopping").to_string(), "stopping");
}

#[test]
fn outcome_has_the_fields_of_the_answer() {
    let noon = Some(time(NOON));
    let told = outcomes().map(|outcome| {
        (outcome.as_str(), outcome.request_id().map(str::to_owned), outcome.date(), outcome.code())
    });
    let id = || Some("RQ1".to_owned());
    assert_eq!(
        told,
        [
            ("done", id(), noon, None),
            ("refused", id(), noon, Some(20_003)),
            ("refused", id(), noon, Some(20_003)),
            ("unknown", id(), None, None),
            ("skipped", None, None, None),
        ]
    );
    assert_eq!(outcomes().map(|outcome| outcome.message().to_owned()), ["", "no", "no", "timed out", "429"]);
}

#[test]
fn outcome_counts_against_a_budget_or_is_open_by_its_kind() {
    let told = outcomes().map(|outcome| (outcome.may_have_happened(), outcome.is_open()));
    assert_eq!(told, [(true, false), (false, false), (true, true), (true, true), (false, false)]);
}

#[test]
fn guardrails_without_a_limit_lift_every_limit() {
    let limits = Guardrails::unlimited().limits;
    for kind in ActionKind::ALL {
        assert_eq!(limits.verbs.get(&kind).map(|limit| limit.allows(kind, 1)), Some(None), "{kind}");
    }
    assert_eq!((limits.verbs.len(), limits.released_numbers), (ActionKind::ALL.len(), usize::MAX));
}
