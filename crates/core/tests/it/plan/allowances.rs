//! Allowances of the state raise limits for a time.

use subaccountd_core::{ActionKind, Limit, Now};

use crate::support::scene::{Scene, time};

/// `n` accounts that are to be suspended, under `allowances`; scenes begin at noon on 1 June 2026.
fn scene(n: usize, allowances: &str) -> Scene {
    let entry = |n| format!("- {{sid: AC{n:02}, status: suspended}}\n");
    let entries: String = (1..=n).map(entry).collect();
    let state = format!("allowances: [{allowances}]\nmainAccount: {{sid: AC00}}\nsubaccounts:\n{entries}");
    (1..=n).fold(Scene::new(&state), |scene, n| scene.active(&format!("AC{n:02}")))
}

const FOUR: &str = "{verb: suspend, upTo: 4, until: '2026-06-03', reason: trials}";

#[test]
fn allowance_raises_the_limit_of_its_verb() {
    assert!(scene(4, "").shown().contains("OverLimit"));
    let allowed = scene(4, FOUR);
    assert_eq!(allowed.shown().lines().count(), 4, "{}", allowed.shown());
    let planned = allowed.plan();
    assert!(planned.actions.iter().all(|p| p.allowances.iter().any(|a| a.reason == "trials")));
    insta::assert_snapshot!(scene(5, FOUR).shown().lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
    OverLimit: suspend of AC01
      `suspend` is over its limit of 4 by an allowance: 5 planned, 0 spent within 24h; all of them are held (AC01, AC02, AC03, AC04, AC05)
      = check that all of them are intended, then add `allowances: [{verb: suspend, upTo: 5, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-suspends` to at least 5, or change the desired state in smaller steps
    "#);
}

#[test]
fn allowance_is_used_by_no_write_within_the_own_limit() {
    let within = scene(2, FOUR).plan();
    assert!(within.actions.iter().all(|planned| planned.allowances.is_empty()));
    let after = scene(2, FOUR).done().says(
        "allowances: [{verb: suspend, upTo: 4, until: '2026-06-03', reason: trials}]\nmainAccount: {sid: AC00}\n\
         subaccounts: [{sid: AC01, status: suspended}, {sid: AC02, status: suspended}, {sid: AC03, status: suspended}]",
    );
    let third = after.account("AC03", "acme", subaccountd_core::Status::Active);
    assert!(third.plan().actions.iter().all(|planned| !planned.allowances.is_empty()), "{}", third.shown());
}

#[test]
fn highest_of_several_allowances_counts_and_never_lowers_a_limit() {
    let two = format!("{{verb: suspend, upTo: 3, until: '2026-06-02', reason: a}}, {FOUR}");
    assert!(!scene(4, &two).shown().contains("OverLimit"));
    let low = "{verb: suspend, upTo: 1, until: '2026-06-02', reason: a}";
    assert!(!scene(2, low).shown().contains("OverLimit"));
}

#[test]
fn allowance_counts_until_its_end_and_for_seven_days() {
    let until = |until: &str| {
        let allowance = format!("{{verb: suspend, upTo: 4, until: '{until}', reason: trials}}");
        scene(4, &allowance).shown().contains("OverLimit")
    };
    assert!(!until("2026-06-01T12:00:01Z"));
    assert!(until("2026-06-01T12:00:00Z"), "its end is not part of it");
    assert!(!until("2026-06-08T12:00:00Z"));
    assert!(until("2026-06-08T12:00:01Z"));
    let far = scene(4, "{verb: suspend, upTo: 4, until: '2026-07-01', reason: trials}").shown();
    assert!(far.contains("an allowance that ends more than 7 days ahead does not count yet"), "{far}");
}

#[test]
fn limit_of_zero_is_never_raised() {
    for limit in [Limit::Count(0), Limit::Percent(0)] {
        let shown = scene(1, FOUR).limit(ActionKind::Suspend, limit).shown();
        assert!(shown.contains("over its limit of 0:") && !shown.contains("allowances:"), "{shown}");
    }
}

#[test]
fn no_allowance_counts_while_the_clocks_disagree_or_when_they_are_ignored() {
    let mut scene = scene(4, FOUR);
    scene.now = Now::new(time("2026-06-01T12:00:00Z"), Some(time("2026-06-01T13:00:00Z")));
    assert!(
        scene.shown().contains("; while the clocks disagree, allowances do not count"),
        "{}",
        scene.shown()
    );
    let ignored = self::scene(4, FOUR).policy(|policy| policy.honors_allowances = false).shown();
    assert!(ignored.contains("; under `--allowances ignore`, allowances of the desired state do not count"));
    assert!(!ignored.contains("add `allowances"), "{ignored}");
}

#[test]
fn remedy_of_a_limit_is_an_allowance_that_lets_the_plan_go_on() {
    let held = scene(4, "").shown();
    let paste = held.split('`').find(|part| part.starts_with("allowances: [")).unwrap();
    assert_eq!(paste, "allowances: [{verb: suspend, upTo: 4, until: \"2026-06-03\", reason: \"write why\"}]");
    let pasted = paste.trim_start_matches("allowances: [").trim_end_matches(']');
    assert!(!scene(4, pasted).shown().contains("OverLimit"));
}

/// `n` accounts that are to be suspended, of which the first `urgent` are urgent.
fn hurried(n: usize, urgent: usize) -> Scene {
    let entry = |n: usize| format!("- {{sid: AC{n:02}, status: suspended, urgent: {}}}\n", n <= urgent);
    let state = format!("subaccounts:\n{}", (1..=n).map(entry).collect::<String>());
    (1..=n).fold(Scene::new(&state), |scene, n| scene.active(&format!("AC{n:02}")))
}

#[test]
fn urgent_actions_go_on_within_the_floor_of_their_verb() {
    insta::assert_snapshot!(hurried(4, 2).shown(), @r#"
    suspend AC01
    suspend AC02
    OverLimit: suspend of AC03
      `suspend` is over its limit of 2: 4 planned, 0 spent within 24h; 2 actions of urgent entries go on, the others are held
      = check that all of them are intended, then add `allowances: [{verb: suspend, upTo: 4, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-suspends` to at least 4, or change the desired state in smaller steps
    OverLimit: suspend of AC04
      `suspend` is over its limit of 2: 4 planned, 0 spent within 24h; 2 actions of urgent entries go on, the others are held
      = check that all of them are intended, then add `allowances: [{verb: suspend, upTo: 4, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-suspends` to at least 4, or change the desired state in smaller steps
    "#);
    let three = hurried(4, 3).shown();
    assert!(
        three.contains("3 actions of urgent entries exceed its floor of 2") && !three.contains("suspend AC"),
        "{three}"
    );
    assert!(!hurried(2, 1).shown().contains("OverLimit"), "within the limit, urgency changes nothing");
    let low = hurried(4, 2).limit(ActionKind::Suspend, Limit::Count(1)).shown();
    assert!(low.contains("exceed its floor of 1"), "no more than the limit: {low}");
    let none = hurried(4, 1).limit(ActionKind::Suspend, Limit::Count(0)).shown();
    assert!(!none.contains("suspend AC"), "{none}");
}

#[test]
fn what_was_spent_counts_for_urgent_actions() {
    let state = |n: usize| {
        let entry = |n: usize| format!("- {{sid: AC{n:02}, status: suspended, urgent: true}}\n");
        format!("subaccounts:\n{}", (1..=n).map(entry).collect::<String>())
    };
    let one = Scene::new(&state(1)).active("AC01").done();
    let more = (2..=3).fold(one.says(&state(3)), |scene, n| {
        scene.account(&format!("AC{n:02}"), "acme", subaccountd_core::Status::Active)
    });
    assert!(more.shown().contains("OverLimit") && !more.shown().contains("suspend AC0"), "{}", more.shown());
}

#[test]
fn urgent_actions_name_the_allowance_that_lets_them_go_on() {
    let entry = |n: usize| format!("- {{sid: AC{n:02}, status: suspended, urgent: {}}}\n", n <= 2);
    let entries = (1..=4).map(entry).collect::<String>();
    let state = format!(
        "allowances: [{{verb: suspend, upTo: 2, until: '2026-06-03', reason: trials}}]\nmainAccount: {{sid: AC00}}\n\
         subaccounts:\n{entries}"
    );
    let scene = (1..=4).fold(Scene::new(&state), |scene, n| scene.active(&format!("AC{n:02}")));
    let plan = scene.limit(ActionKind::Suspend, Limit::Count(1)).plan();
    assert_eq!(plan.actions.len(), 2);
    assert!(plan.actions.iter().all(|planned| planned.allowances.len() == 1));
}
