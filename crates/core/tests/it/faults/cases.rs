//! Guards that a fault hides, one by one: each holds on.

use subaccountd_core::{
    ActionKind, Desired, Limit, Pause, Reason, Status,
    manifest::{DiagnosticCode, Source, parse},
};

use crate::support::{
    scene::{Scene, sid},
    text::{dedent, long},
};

const HEAD: &str = "apiVersion: subaccountd/v1\nkind: DesiredState\n";

/// The state of `main`, which needs no head and no main account, and of the other files as they are.
fn state(main: &str, others: &[&str]) -> Desired {
    let main = format!("{HEAD}mainAccount: {{sid: AC00}}\n{}", dedent(main));
    let texts = [main].into_iter().chain(others.iter().map(|text| format!("{HEAD}{}", dedent(text))));
    let source =
        |(n, text): (usize, String)| Source { name: format!("{n}.yaml"), content: Ok(long(&text).into()) };
    parse(&texts.enumerate().map(source).collect::<Vec<_>>()).desired
}

fn with(scene: Scene, desired: Desired) -> Scene {
    Scene { desired, ..scene }
}

/// Three accounts, all active; a number that each of the first two may have.
fn fleet() -> Scene {
    Scene::new("subaccounts: [{sid: AC01, status: active}, {sid: AC02, status: active}, {sid: AC03, status: active}]")
        .holds("AC02", "+15105550102")
}

const TAKES: &str = "subaccounts: [{sid: AC01, status: active, numbers: ['+15105550102']}]\n";

/// The file that pauses the state because of a fault; empty when the state is not paused.
fn hidden(desired: &Desired) -> String {
    match desired.pause() {
        Some(Pause::Unreadable { file }) => file,
        Some(Pause::Frozen(freeze)) => freeze.to_string(),
        Some(Pause::Declared) => "declared".to_owned(),
        None => String::new(),
    }
}

#[test]
fn pause_of_the_state_holds_on_when_a_tab_hides_it() {
    let suspends = "subaccounts: [{sid: AC01, status: suspended}]\n";
    assert_eq!(with(fleet(), state(suspends, &[])).brief(), "suspend AC01");
    let paused = state(suspends, &["paused: true\nx-note:\n  a: b\n"]);
    assert_eq!(with(fleet(), paused).brief(), "Paused suspend AC01");
    let scene = with(fleet(), state(suspends, &["paused: true\nx-note:\n\ta: b\n"]));
    insta::assert_snapshot!(scene.shown(), @r"
    Paused: suspend of AC01
      AC01 is not changed: the whole desired state counts as paused while `1.yaml` cannot be read in full
      = run `subaccountd validate` and correct what it lists
    ");
}

#[test]
fn pause_of_an_account_holds_on_when_a_tab_hides_it() {
    let guards = "subaccounts:\n- sid: AC02\n  status: active\n  paused: true\n";
    assert_eq!(with(fleet(), state(TAKES, &[guards])).brief(), "Paused transfer AC01 +15105550102");
    let scene = with(fleet(), state(TAKES, &[&guards.replace("  paused", "\tpaused")]));
    insta::assert_snapshot!(scene.shown(), @r"
    Paused: transfer of AC01 +15105550102
      +15105550102 is not moved: the whole desired state counts as paused while `1.yaml` cannot be read in full
      = run `subaccountd validate` and correct what it lists
    ");
}

#[test]
fn rival_claim_holds_on_when_it_cannot_be_read() {
    let rival = "subaccounts:\n- sid: AC03\n  status: active\n  numbers: ['+15105550102']\n";
    assert_eq!(with(fleet(), state(TAKES, &[rival])).brief(), "");
    for broken in ["  numbers: ['+15105550102'\n", "\tnumbers: ['+15105550102']\n"] {
        let broken = rival.replace("  numbers: ['+15105550102']\n", broken);
        let brief = with(fleet(), state(TAKES, &[&broken])).brief();
        assert_eq!(brief, "Paused transfer AC01 +15105550102", "{broken}");
    }
    // The claims of an entry with a fault, or without a readable SID, still count.
    for (old, new) in [("active", "actve"), ("AC03", "AC3"), ("numbers", "colour: blue\n  numbers")] {
        assert_eq!(with(fleet(), state(TAKES, &[&rival.replacen(old, new, 1)])).brief(), "", "{new}");
    }
}

#[test]
fn name_that_guards_an_account_holds_on_when_it_cannot_be_read() {
    let guards = "subaccounts:\n- sid: AC02\n  status: active\n  friendlyName: other\n";
    assert_eq!(with(fleet(), state(TAKES, &[guards])).brief(), "NameMismatch transfer AC01 +15105550102");
    for broken in [
        "friendlyNam: other",
        "friendlyName: ",
        "friendlyName: 7",
        "friendlyName: 'other",
        "friendlyName: {}",
    ] {
        let brief = with(fleet(), state(TAKES, &[&guards.replace("friendlyName: other", broken)])).brief();
        assert_eq!(brief, "Paused transfer AC01 +15105550102", "{broken}");
    }
}

#[test]
fn no_number_leaves_an_account_that_is_not_listed_while_an_entry_has_no_readable_account() {
    let guards = "subaccounts:\n- {sid: AC02, status: active, paused: true}\n";
    let shown = with(fleet(), state(TAKES, &[&guards.replace("AC02", "AC2")])).shown();
    insta::assert_snapshot!(shown, @r"
    Paused: transfer of AC01 +15105550102
      +15105550102 is not moved: AC02 may be the account of an entry without a readable SID
      = run `subaccountd validate` and correct what it lists
    ");
    for broken in [
        "- {status: active, paused: true}\n",
        "- {sid: AC01, status: active, paused: true}\n",
        "- {sid: AC00, status: active, paused: true}\n",
        "- {sid: AC03, status: active, status: active, paused: true}\n",
        "- AC02\n",
    ] {
        let desired = state(TAKES, &[&format!("subaccounts:\n{broken}")]);
        assert!(desired.doubt().unnamed && desired.pause().is_none(), "{broken}");
        assert!(desired.paused_for_numbers(sid("AC02")) && !desired.may_be_listed(sid("AC00")), "{broken}");
        assert!(with(fleet(), desired).plan().actions.is_empty(), "{broken}");
    }
    // A number still leaves the main account, and an account that is listed.
    let listed = "subaccounts: [{sid: AC02, status: active}, {sid: AC3, status: active}]\n";
    let moved = with(fleet(), state(TAKES, &[listed])).brief();
    assert_eq!(moved, "transfer +15105550102 from AC02 to AC01");
    let from_main = with(fleet(), state(TAKES, &["subaccounts: [{sid: AC3, status: active}]\n"]));
    assert_eq!(from_main.holds("AC00", "+15105550102").brief(), "transfer +15105550102 from AC00 to AC01");
}

#[test]
fn faults_that_hide_any_number_of_entries_or_guards_pause_the_state() {
    for broken in [
        "pausd: true\n",
        "colour: blue\n",
        "1: 2\n",
        "<<: {a: b}\n",
        "subaccounts: {sid: AC01}\n",
        "subaccounts: acme\n",
        "subaccounts:\n",
        "subaccounts: [[{sid: AC01, status: active}]]\n",
        "subaccounts: [[AC01, AC02]]\n",
        "subaccounts: [{sid: AC01, status: active, numbers: [{sid: AC02, status: active}]}]\n",
        "subaccounts: [{sid: AC01, status: active, colour: [{sid: AC02}]}]\n",
        "subaccounts: [{sid: AC01, status: [{sid: AC02}]}]\n",
        "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, paused: true}}]\n",
        "subaccounts: [{sid: AC01, status: active, subaccounts: []}]\n",
        "subaccounts: [{{{ include }}: a}]\n",
        "subaccounts: [{sid: AC01, status: active, {{ a }}: b}]\n",
    ] {
        assert_eq!(hidden(&state("", &["", broken])), "2.yaml", "{broken}");
    }
    let misplaced = "mainAccount: {sid: AC00, paused: true}\n";
    assert_eq!(hidden(&state("x-a: 1\n", &[misplaced])), "1.yaml");
    for narrow in [
        "subaccounts: [{sid: AC01, status: active, colour: blue}]\n",
        "subaccounts: [{sid: AC01, status: active, numbers: [{number: '+15105550101', sid: PN01}]}]\n",
        "subaccounts: [{sid: AC01, status: active, labels: [a]}]\n",
        "subaccounts: [{sid: AC01, status: active, numbers: {a: b}}]\n",
        "x-note: 1\nx-note: 2\n",
    ] {
        let desired = state("", &[narrow]);
        assert!(desired.faulty() && desired.pause().is_none(), "{narrow}");
    }
}

#[test]
fn pause_that_is_declared_is_named_before_one_that_a_fault_makes() {
    assert_eq!(hidden(&state("paused: true\n", &["\t- a\n"])), "declared");
}

#[test]
fn file_that_ends_in_an_unfinished_entry_pauses_the_state() {
    let whole =
        "subaccounts:\n- sid: AC01\n  status: active\n- sid: AC02\n  status: active\n  paused: true\n";
    assert_eq!(hidden(&state("", &[whole])), "");
    for cut in [
        "- sid: AC02\n",
        "- sid: AC02",
        "- sid: AC0000",
        "- sid: AC02\n  status: act",
        "- sid: AC02\n  status:",
        "-",
    ] {
        let text = format!("{}{cut}", whole.split("- sid: AC02").next().unwrap());
        assert_eq!(hidden(&state("", &[&text])), "1.yaml", "{cut}");
    }
    for whole in [
        // Further up nothing can be cut off, and a line that ends is whole.
        "subaccounts:\n- sid: AC01\n- sid: AC02\n  status: active\n",
        "subaccounts:\n- sid: AC01\n  status: actve\n",
        "subaccounts:\n- {sid: AC01}",
    ] {
        let desired = state("", &[whole]);
        assert!(desired.faulty() && desired.pause().is_none(), "{whole}");
    }
}

#[test]
fn parts_taken_out_by_faults_are_counted() {
    let doubt = |text: &str| {
        let desired = state(text, &[]);
        let doubt = desired.doubt();
        (doubt.entries, doubt.claims, doubt.moves)
    };
    let three = "['+15105550101', '+15105550102', '+15105550103']";
    for (text, expected) in [
        (format!("subaccounts: [{{sid: AC01, status: active, numbers: {three}}}]\n"), (0, 0, false)),
        (format!("subaccounts: [{{sid: AC01, status: actve, numbers: {three}}}]\n"), (1, 3, false)),
        (format!("subaccounts: [{{sid: AC01, status: active, numbrs: {three}}}]\n"), (1, 3, false)),
        ("subaccounts: [{sid: AC01, status: active, numbers: ['+15105550101', 4711, ~]}]\n".to_owned(), (1, 3, false)),
        ("subaccounts: [{sid: AC01, status: active, numbers: '+15105550101, +15105550102'}]\n".to_owned(), (1, 2, false)),
        ("subaccounts: [{sid: AC01, status: 'x +15105550101 +15105550102'}]\n".to_owned(), (1, 2, false)),
        (format!("subaccounts: [{{sid: AC01, status: active, numbers: {three}}}, {{sid: AC01, status: active}}]\n"), (2, 3, false)),
        (format!("subaccounts: [{{sid: AC01, status: active, numbers: {three}}}, {{sid: AC02, status: active, numbers: {three}}}]\n"), (0, 6, false)),
        ("subaccounts: [{sid: AC01, status: active, status: active, sid: AC02}]\n".to_owned(), (2, 0, false)),
        ("subaccounts: [{sid: AC01, status: closed, close: {confirm: a, moveNumbersToMain: true}, colour: blue}]\n".to_owned(), (1, 0, true)),
        ("subaccounts: [{sid: AC01, status: closed, close: {confirm: a, moveNumbersToMian: true}}]\n".to_owned(), (1, 0, true)),
        ("subaccounts: [{sid: AC01, status: closed, close: {confirm: a, moveNumbersToMain: false}, colour: blue}]\n".to_owned(), (1, 0, false)),
        ("subaccounts: [{sid: AC01, status: closed, close: {confirm: a, moveNumbersToMain: true}}, {sid: AC01, status: active}]\n".to_owned(), (2, 0, true)),
    ] {
        assert_eq!(doubt(&text), expected, "{text}");
    }
    let main = parse(&[Source {
        name: "a".to_owned(),
        content: Ok(
            long(&format!("{HEAD}mainAccount: {{sid: AC00, colour: blue, numbers: {three}}}\n")).into()
        ),
    }]);
    assert_eq!(main.desired.doubt().claims, 3);
}

/// Accounts to suspend, the last of them with `more` in its entry.
fn suspends(count: usize, more: &str) -> String {
    let entry = |n: usize| {
        let more = if n == count { more } else { "" };
        format!("- {{sid: AC{n:02}, status: suspended{more}}}\n")
    };
    format!("subaccounts:\n{}", (1..=count).map(entry).collect::<String>())
}

#[test]
fn entry_with_a_fault_weighs_as_one_action_of_every_verb() {
    let scene = |limit| {
        let mut scene = Scene::new(&suspends(3, "")).limit(ActionKind::Suspend, Limit::Count(limit));
        for n in 1..=3 {
            scene = scene.active(&format!("AC{n:02}"));
        }
        with(scene, state(&suspends(3, ", colour: blue"), &[]))
    };
    assert_eq!(scene(3).brief(), "suspend AC01\nsuspend AC02");
    insta::assert_snapshot!(scene(2).shown(), @r"
    OverLimit: suspend of AC01
      `suspend` is over its limit of 2: 2 planned, 0 spent within 24h, 1 possibly hidden by faults; all of them are held (AC01, AC02)
      = run `subaccountd validate` and correct what it lists
    OverLimit: suspend of AC02
      `suspend` is over its limit of 2: 2 planned, 0 spent within 24h, 1 possibly hidden by faults; all of them are held (AC01, AC02)
      = run `subaccountd validate` and correct what it lists
    ");
}

/// The number of transfers that are done at `limit`, and the reasons of the held ones, when `faulty` is next to a claim.
fn transfers(limit: usize, faulty: &str) -> (usize, Vec<Reason>) {
    let desired = state("subaccounts: [{sid: AC01, status: active, numbers: ['+15105550109']}]\n", &[faulty]);
    let scene =
        with(fleet(), desired).limit(ActionKind::Transfer, Limit::Count(limit)).holds("AC00", "+15105550109");
    let plan = scene.holds("AC02", "+15105550102").plan();
    let held =
        plan.held.iter().filter(|held| held.kind == ActionKind::Transfer).map(|held| held.reason).collect();
    (plan.of(ActionKind::Transfer).count(), held)
}

#[test]
fn claims_with_a_fault_weigh_as_transfers() {
    let faulty = "subaccounts: [{sid: AC03, status: actve, numbers: ['+15105550101', '+15105550102']}]\n";
    assert_eq!(transfers(4, faulty), (1, vec![]));
    assert_eq!(transfers(3, faulty), (0, vec![Reason::OverLimit]));
    let twice = "subaccounts: [{sid: AC03, status: active, numbers: ['+15105550101', '+15105550101']}]\n";
    assert_eq!(transfers(3, twice), (1, vec![]));
    assert_eq!(transfers(2, twice), (0, vec![Reason::OverLimit]));
}

#[test]
fn transfers_that_wait_for_a_fault_weigh_too() {
    let frozen =
        "subaccounts: [{sid: AC02, status: actve}, {sid: AC03, status: active, numbers: ['+15105550102']}]\n";
    assert_eq!(transfers(3, frozen), (1, vec![Reason::Paused]));
    assert_eq!(transfers(2, frozen), (0, vec![Reason::OverLimit, Reason::Paused]));
    let leaves = "x-a: 1\nx-a: 2\nsubaccounts: [{sid: AC02, status: closed, close: {confirm: acme, moveNumbersToMain: true}}]\n";
    assert_eq!(transfers(2, leaves), (1, vec![Reason::StateFaults]));
    assert_eq!(transfers(1, leaves), (0, vec![Reason::StateFaults, Reason::OverLimit]));
}

#[test]
fn entry_that_may_move_any_number_holds_the_transfers() {
    let moves =
        "subaccounts: [{sid: AC02, status: clsed, close: {confirm: acme, moveNumbersToMain: true}}]\n";
    assert_eq!(transfers(1000, moves), (0, vec![Reason::OverLimit]));
    assert_eq!(transfers(1000, &moves.replace("true", "false")), (1, vec![]));
}

#[test]
fn suspension_before_a_close_that_waits_for_a_fault_weighs_too() {
    let text = "subaccounts: [{sid: AC01, status: suspended}, {sid: AC02, status: closed, close: {confirm: acme}}]\n";
    let scene = |limit| {
        let scene = fleet().nowhere("+15105550102").limit(ActionKind::Suspend, Limit::Count(limit));
        with(scene, state(text, &["x-a: 1\nx-a: 2\n"]))
    };
    assert_eq!(scene(2).brief(), "suspend AC01\nStateFaults close AC02");
    assert_eq!(scene(1).brief(), "OverLimit suspend AC01\nStateFaults close AC02");
    assert_eq!(scene(1).suspended("AC02").brief(), "suspend AC01\nStateFaults close AC02");
}

#[test]
fn transfers_into_accounts_whose_reactivation_faults_hold_weigh_too() {
    let text = "subaccounts: [{sid: AC01, status: active, numbers: ['+15105550102']}, {sid: AC02, status: active}]\n";
    let others =
        "subaccounts: [{sid: AC03, status: active, numbers: ['+15105550103']}, {sid: AC04, status: actve}]\n";
    let scene = |transfers| {
        let scene = fleet().suspended("AC01").holds("AC02", "+15105550103");
        let scene = scene
            .limit(ActionKind::Reactivate, Limit::Count(1))
            .limit(ActionKind::Transfer, Limit::Count(transfers));
        with(scene, state(text, &[others]))
    };
    assert!(scene(3).brief().starts_with("transfer +15105550103"), "{}", scene(3).brief());
    assert_eq!(scene(2).plan().actions, vec![], "{}", scene(2).brief());
}

#[test]
fn fault_does_not_raise_a_limit_in_per_cent() {
    let leaving = "mainAccount: {sid: AC00}\nsubaccounts: [{sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: true}}]\n";
    let scene = Scene::new(leaving).holds("AC01", "+15105550101");
    assert_eq!(scene.plan().found_numbers, 1);
    assert_eq!(scene.says(&format!("x-a: 1\nx-a: 2\n{leaving}")).plan().found_numbers, 0);
}

#[test]
fn lists_of_accounts_with_a_fault_are_read() {
    let desired = state("subaccounts: [{sid: AC01, status: actve}]\n", &[]);
    let scene = with(fleet(), desired);
    assert!(scene.observe().numbers(sid("AC01")).is_some() && scene.observe().numbers(sid("AC02")).is_none());
}

#[test]
fn sid_in_the_other_case_is_the_same_account() {
    let upper = format!("AC{}", "A".repeat(32));
    let text = format!(
        "subaccounts:\n- {{sid: {upper}, status: active}}\n- {{sid: AC{}, status: suspended}}\n",
        "a".repeat(32)
    );
    let source = Source {
        name: "a".to_owned(),
        content: Ok(long(&format!("{HEAD}mainAccount: {{sid: AC00}}\n{text}")).into()),
    };
    let reading = parse(&[source]);
    assert_eq!(
        reading.faults.iter().map(|fault| fault.code).collect::<Vec<_>>(),
        [DiagnosticCode::AccountTwice]
    );
    assert_eq!(reading.desired.accounts().count(), 0);
    let known = Scene::new("subaccounts: []").account(&upper, "acme", Status::Active);
    assert!(
        known.accounts.contains_key(&upper.to_ascii_lowercase().replacen("ac", "AC", 1).parse().unwrap())
    );
}
