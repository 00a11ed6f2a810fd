//! Plans as operators and reviewers read them.

use proptest::prelude::*;
use serde_json::json;
use subaccountd_core::{
    AccountRef, ActionKind, Reason,
    manifest::{Diagnostic, DiagnosticCode},
    report::{ActionView, HeldView},
};

use super::*;
use crate::snapshot::scene::{NOON, Replay, Replayed, ac, phone};

pub(super) fn entry(n: u64, more: &str) -> String {
    format!("  - {{sid: {}, {more}}}\n", ac(n))
}

fn small() -> Replay {
    let entries = format!(
        "  - sid: {}\n    status: active\n    numbers: [\"{}\", \"{}\", \"{}\"]\n    reason: invoice 4711 was paid\n    labels: {{owner: billing, ticket: OPS-12}}\n{}",
        ac(1),
        phone(2),
        phone(3),
        phone(9),
        entry(2, "status: suspended, reason: invoice 4712 unpaid") + &entry(3, "status: active"),
    );
    Replay::new(&entries)
        .account(1, "acme", "suspended", &[])
        .account(2, "globex", "active", &[2, 3])
        .account(3, "hooli", "active", &[])
        .uses(2, &["voiceApplication", "trunk", "emergencyAddress"])
}

fn risky() -> Replay {
    let close = |name: &str, release: &str| {
        format!("status: closed, close: {{confirm: {name}, release: [{release}]}}")
    };
    let numbers: Vec<_> = (10..30).map(|n| format!("\"{}\"", phone(n))).collect();
    let entries = entry(1, &close("acme", &numbers.join(", "))) + &entry(2, &close("globex", ""));
    Replay::new(&entries)
        .setting("max-closes", "5")
        .setting("max-released-numbers", "50")
        .setting("close-after", "0s")
        .account(1, "acme", "suspended", &(10..30).collect::<Vec<_>>())
        .account(2, "globex", "suspended", &[])
}

fn over_limit() -> Replay {
    let entries: String = (1..=4).map(|n| entry(n, "status: suspended")).collect();
    (1..=4).fold(Replay::new(&entries).setting("max-suspends", "2"), |scene, n| {
        scene.account(n, &format!("customer {n}"), "active", &[])
    })
}

fn closing() -> Replay {
    Replay::new(&entry(1, "status: closed, close: {confirm: acme}"))
        .account(1, "acme", "suspended", &[])
        .history(
            json!({"accounts": {ac(1): {"desiredStatus": "closed", "seenActive": true, "listSeenActive": true,
            "suspendedByUs": {"at": "2026-05-31T12:00:00Z", "updated": "2026-05-31T12:00:00Z"}}}}),
        )
        .decided(1, "2026-05-31T11:00:00Z")
}

fn faulty() -> Replay {
    let entries = entry(1, "status: closed, close: {confirm: acme}")
        + &entry(2, "status: suspnded")
        + &entry(3, "status: suspended");
    Replay::new(&entries).account(1, "acme", "suspended", &[]).account(2, "globex", "active", &[]).account(
        3,
        "hooli",
        "active",
        &[],
    )
}

fn many_held() -> Replay {
    let entries: String = (1..=200).map(|n| entry(n, "status: suspended, paused: true")).collect();
    let scene = Replay::new(&(entries + &entry(201, "status: active")));
    (1..=200).fold(scene, |scene, n| scene.account(n, &format!("customer {n}"), "active", &[]))
}

fn without_a_list() -> Replay {
    let entries = entry(1, "status: closed, close: {confirm: acme}")
        + &entry(2, &format!("status: active, numbers: [\"{}\"]", phone(1)));
    Replay::new(&entries).account_with(1, "acme", "suspended", &json!("notRead")).account(
        2,
        "globex",
        "active",
        &[],
    )
}

fn scenes() -> Vec<(&'static str, Replay)> {
    vec![
        ("empty", Replay::new(&entry(1, "status: active")).account(1, "acme", "active", &[])),
        ("small", small()),
        ("risky", risky()),
        ("over_limit", over_limit()),
        ("closing", closing()),
        ("faulty", faulty()),
        ("many_held", many_held()),
        ("without_a_list", without_a_list()),
    ]
}

pub(super) fn view(played: &Replayed) -> View<'_> {
    View::of(&played.report, Some(&played.observation.observed))
}

#[test]
fn plans_read_as_their_snapshots() {
    for (name, scene) in scenes() {
        let played = scene.play();
        insta::assert_snapshot!(format!("{name}.text"), text(&view(&played), Style::PLAIN));
        insta::assert_snapshot!(format!("{name}.markdown"), markdown(&view(&played)));
    }
}

#[test]
fn lines_fit_100_columns_unless_a_word_does_not() {
    for (name, scene) in scenes() {
        let played = scene.play();
        for line in text(&view(&played), Style::PLAIN).lines() {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
    }
}

#[test]
fn only_one_account_is_shown_when_asked_and_the_whole_is_counted() {
    let played = small().play();
    let of = |n| view(&played).only(ac(n).parse().unwrap());
    insta::assert_snapshot!("only.text", text(&of(2), Style::PLAIN));
    assert_eq!(of(2).plan().digest, played.report.plan.digest);
    // The numbers that leave it, and its own action.
    let kinds: Vec<_> = of(2).plan().actions.iter().map(|action| action.kind).collect();
    assert_eq!(kinds, [ActionKind::Transfer, ActionKind::Transfer, ActionKind::Suspend]);
    assert_eq!(of(2).plan().held, []);
    assert_eq!(of(1).plan().held.len(), 1);
    assert!(of(3).plan().actions.is_empty());
    assert!(view(&played).knows(ac(3).parse().unwrap()) && !view(&played).knows(ac(4).parse().unwrap()));
}

#[test]
fn a_held_number_is_shown_under_the_account_that_holds_it_too() {
    let claims = format!("status: active, paused: true, numbers: [\"{}\"]", phone(1));
    let scene = Replay::new(&entry(1, &claims)).account(1, "acme", "active", &[]).account(
        2,
        "globex",
        "active",
        &[1],
    );
    let played = scene.play();
    let held = view(&played).only(ac(2).parse().unwrap()).plan().held.clone();
    assert_eq!(held.iter().map(|held| held.reason).collect::<Vec<_>>(), [Reason::Paused]);
}

#[test]
fn colour_only_adds_colour() {
    let played = risky().play();
    let coloured = text(&view(&played), Style { colour: true, ..Style::PLAIN });
    assert!(coloured.contains("\u{1b}[1;31m!!! CANNOT BE UNDONE"));
    let mut plain = coloured;
    for code in ["\u{1b}[1m", "\u{1b}[1;31m", "\u{1b}[33m", "\u{1b}[0m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, text(&view(&played), Style::PLAIN));
}

/// Hostile and long texts.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,12}",
        "[|<>&@`*\\\\_~#!\\[\\]]{0,40}",
        Just("</details>".to_owned()),
        Just("<details>\n\u{1b}[31m".to_owned()),
        (1..4_000_usize).prop_map(|n| "\u{1f4a5}".repeat(n)),
    ]
}

fn action() -> impl Strategy<Value = ActionView> {
    let verbs = prop_oneof![Just(ActionKind::Transfer), Just(ActionKind::Suspend), Just(ActionKind::Close)];
    (verbs, 1..60_u64, prop::option::of(words()), 0..300_u64).prop_map(|(kind, n, note, lost)| ActionView {
        kind,
        account: AccountRef::Sid(ac(n).parse().unwrap()),
        number: (kind == ActionKind::Transfer).then(|| phone(n).parse().unwrap()),
        from: (kind == ActionKind::Transfer).then(|| ac(0).parse().unwrap()),
        to: None,
        count: None,
        stage: 0,
        note,
        at_risk: (0..if kind == ActionKind::Close { lost } else { 0 })
            .map(|n| phone(n).parse().unwrap())
            .collect(),
    })
}

fn held() -> impl Strategy<Value = HeldView> {
    (1..60_u64, words(), words()).prop_map(|(n, message, remedy)| HeldView {
        reason: Reason::Paused,
        kind: ActionKind::Close,
        account: AccountRef::Sid(ac(n).parse().unwrap()),
        number: None,
        message,
        remedy,
        since: NOON.parse().unwrap(),
        due: None,
    })
}

fn fault() -> impl Strategy<Value = Diagnostic> {
    (words(), words(), words()).prop_map(|(file, message, help)| {
        let (code, width) = (DiagnosticCode::UnknownKey, 1);
        let (excerpt, replacement, related) = (None, None, None);
        Diagnostic { file, line: 1, column: 1, message, help, code, width, excerpt, replacement, related }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_fits_a_comment(
        actions in prop::collection::vec(action(), 0..400),
        held in prop::collection::vec(held(), 0..400),
        faults in prop::collection::vec(fault(), 0..60),
        name in words(),
    ) {
        let mut played = Replay::new(&entry(1, "status: active")).account(1, "acme", "active", &[]).play();
        let (rows, closes) = (actions.len() + held.len(), actions.iter().filter(|a| a.kind == ActionKind::Close).count());
        played.report.plan.actions = actions;
        played.report.plan.held = held;
        played.report.desired_state.faults = faults;
        played.report.accounts[0].friendly_name = Some(name.clone());
        played.report.accounts[0].reason = Some(name);
        let text = markdown(&view(&played));
        prop_assert!(text.len() <= 60_000, "{} bytes", text.len());
        let begins = |what: &str| text.lines().filter(|line| line.starts_with(what)).count();
        prop_assert_eq!(begins("<details>"), begins("</details>"));
        for row in text.lines().filter(|line| line.starts_with('|')) {
            prop_assert!(row.ends_with('|'), "{row}");
        }
        // Every close is named, or counted.
        let named = text.lines().filter(|line| line.starts_with("> - close ")).count();
        let counted = text.lines().find_map(|line| line.strip_prefix("> - and ")?.split(' ').next()?.parse().ok());
        prop_assert_eq!(named + counted.unwrap_or(0_usize), closes);
        let shown = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")).count();
        prop_assert!(shown >= rows || text.contains("Cut to fit a comment"));
    }
}
