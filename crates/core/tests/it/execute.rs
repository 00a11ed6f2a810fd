//! Executing: the order of the writes, what goes on after a failure, and the second look before a close.

use subaccountd_core::{
    Action, ActionKind, Outcome, Skip, SkipCause, Status,
    remote::{ErrorKind, Sent},
};

use crate::support::{
    crew::{Ports, done, error},
    scene::{self, Scene, phone, sid},
};

const EVERY_VERB: &str = r#"
    subaccounts:
    - {sid: AC01, status: active, numbers: ["+15105550101"]}
    - {sid: AC02, status: suspended}
    - {sid: AC03, status: suspended}
    - {sid: AC04, status: closed, close: {confirm: acme}}
    "#;

/// One of each action kind: AC01 is reactivated and receives a number of AC02, which is then suspended.
fn every_verb() -> Scene {
    let scene = Scene::new(EVERY_VERB).suspended("AC01").active("AC02").active("AC03").suspended("AC04");
    scene.holds("AC02", "+15105550101").pass().after("72h")
}

/// AC01 and AC02 rest for long enough.
fn closes() -> Scene {
    let state = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}, {sid: AC02, status: closed, close: {confirm: acme}}]";
    Scene::new(state).limit(ActionKind::Close, subaccountd_core::Limit::Percent(100)).done().after("72h")
}

fn lost() -> Sent {
    scene::unknown().into()
}

fn refused() -> Sent {
    scene::refused(21_470, "bad target").into()
}

#[test]
fn execution_follows_the_stages_and_records_every_write_around_itself() {
    let shown = {
        let scene = every_verb();
        Ports::new(&scene).shown(&scene)
    };
    insta::assert_snapshot!(shown, @"
    intent: reactivate AC01
    write: reactivate AC01
    intent: suspend AC03
    write: suspend AC03
    answer: suspend AC03
    outcome: suspend AC03 done
    answer: reactivate AC01
    outcome: reactivate AC01 done
    intent: transfer +15105550101 from AC02 to AC01
    write: transfer +15105550101 from AC02 to AC01
    answer: transfer +15105550101 from AC02 to AC01
    outcome: transfer +15105550101 from AC02 to AC01 done
    intent: suspend AC02
    write: suspend AC02
    answer: suspend AC02
    outcome: suspend AC02 done
    read the numbers of AC04
    read AC04
    intent: close AC04
    write: close AC04
    answer: close AC04
    outcome: close AC04 done
    suspend AC03: done
    reactivate AC01: done
    transfer +15105550101 from AC02 to AC01: done
    suspend AC02: done
    close AC04: done
    ");
}

#[test]
fn transfer_and_suspension_of_its_giver_are_skipped_when_the_receiver_was_not_reactivated() {
    let shown = {
        let scene = every_verb();
        let after = |answer: fn() -> Sent| {
            let mut ports = Ports::new(&scene);
            ports.answer = Box::new(
                move |action| {
                    if matches!(action, Action::Reactivate(_)) { answer() } else { done() }
                },
            );
            let shown = ports.shown(&scene);
            shown.lines().skip_while(|line| !line.starts_with("reactivate")).collect::<Vec<_>>().join("\n")
        };
        [after(refused), after(lost), after(|| scene::skipped().into())].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @"
    reactivate AC01: refused bad target
    transfer +15105550101 from AC02 to AC01: skipped the receiving account AC01 was not reactivated
    suspend AC02: skipped AC02 waits for the transfer of +15105550101, which was not done: the receiving account AC01 was not reactivated
    close AC04: done
    --
    reactivate AC01: unknown timed out
    transfer +15105550101 from AC02 to AC01: skipped the receiving account AC01 was not reactivated
    suspend AC02: skipped AC02 waits for the transfer of +15105550101, which was not done: the receiving account AC01 was not reactivated
    close AC04: done
    --
    reactivate AC01: skipped 429
    transfer +15105550101 from AC02 to AC01: skipped the receiving account AC01 was not reactivated
    suspend AC02: skipped AC02 waits for the transfer of +15105550101, which was not done: the receiving account AC01 was not reactivated
    close AC04: done
    ");
}

#[test]
fn refused_transfer_skips_the_suspension_of_its_giver_and_nothing_else() {
    let shown = {
        let scene = every_verb();
        let mut ports = Ports::new(&scene);
        ports.answer = Box::new(|action| if action.number().is_some() { refused() } else { done() });
        let execution = ports.run(&scene);
        assert_eq!(execution.stopped, None);
        execution.executed.iter().map(|executed| executed.outcome.as_str()).collect::<Vec<_>>().join(" ")
    };
    insta::assert_snapshot!(shown, @"done done refused skipped done");
}

#[test]
fn execution_skips_what_has_not_begun_when_an_error_aborts_the_pass() {
    let shown = {
        let scene = every_verb();
        let mut ports = Ports::new(&scene);
        ports.answer = Box::new(|_| Sent {
            outcome: Outcome::skipped(SkipCause::PassAborted, "401"),
            stop: Some(error(ErrorKind::Credentials, "401 from Twilio")),
        });
        ports.shown(&scene)
    };
    insta::assert_snapshot!(shown, @"
    intent: reactivate AC01
    write: reactivate AC01
    intent: suspend AC03
    write: suspend AC03
    answer: suspend AC03
    outcome: suspend AC03 skipped
    answer: reactivate AC01
    outcome: reactivate AC01 skipped
    suspend AC03: skipped 401
    reactivate AC01: skipped 401
    transfer +15105550101 from AC02 to AC01: skipped the pass was aborted: 401 from Twilio
    suspend AC02: skipped the pass was aborted: 401 from Twilio
    close AC04: skipped the pass was aborted: 401 from Twilio
    stopped: 401 from Twilio
    ");
}

#[test]
fn write_is_neither_recorded_nor_sent_when_its_precondition_fails() {
    let shown = {
        let scene = every_verb();
        let mut ports = Ports::new(&scene);
        ports.gate = Box::new(|action| {
            if action.kind() == ActionKind::Suspend {
                Err(Skip::new(SkipCause::StateChanged, "the state changed"))
            } else {
                Ok(())
            }
        });
        let shown = ports.shown(&scene);
        shown
            .lines()
            .filter(|line| line.contains("suspend") || line.contains("read"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(shown, @"
    read the numbers of AC04
    read AC04
    suspend AC03: skipped the state changed
    suspend AC02: skipped the state changed
    ");
}

#[test]
fn write_is_not_sent_when_its_intent_cannot_be_recorded() {
    let shown = {
        let scene = every_verb();
        let mut ports = Ports::new(&scene);
        ports.intent = Box::new(|_| Err("the disk is full".to_owned()));
        ports.shown(&scene)
    };
    insta::assert_snapshot!(shown, @"
    read the numbers of AC04
    read AC04
    reactivate AC01: skipped the intent could not be recorded: the disk is full
    suspend AC03: skipped the intent could not be recorded: the disk is full
    transfer +15105550101 from AC02 to AC01: skipped the receiving account AC01 was not reactivated
    suspend AC02: skipped AC02 waits for the transfer of +15105550101, which was not done: the receiving account AC01 was not reactivated
    close AC04: skipped the intent could not be recorded: the disk is full
    ");
}

#[test]
fn closes_are_made_one_at_a_time_each_after_numbers_and_account_are_read() {
    let shown = {
        let scene = closes();
        Ports::new(&scene).shown(&scene)
    };
    insta::assert_snapshot!(shown, @"
    read the numbers of AC01
    read AC01
    intent: close AC01
    write: close AC01
    answer: close AC01
    outcome: close AC01 done
    read the numbers of AC02
    read AC02
    intent: close AC02
    write: close AC02
    answer: close AC02
    outcome: close AC02 done
    close AC01: done
    close AC02: done
    ");
}

#[test]
fn close_is_skipped_when_the_account_or_its_numbers_changed() {
    let shown = {
        let scene = closes();
        let then = |changed: Scene| {
            let shown = Ports::new(&changed).shown(&scene);
            shown.lines().filter(|line| line.starts_with("close")).collect::<Vec<_>>().join("\n")
        };
        [
            then(scene.clone().active("AC01")),
            then(scene.clone().with("AC01", |account| account.friendly_name = "hooli".to_owned())),
            then(scene.clone().with("AC01", |account| account.date_updated = Some(scene.now.local))),
            then(scene.clone().holds("AC01", "+15105550101")),
            then(scene.clone().unreadable("AC01")),
        ]
        .join("\n")
    };
    insta::assert_snapshot!(shown, @r#"
    close AC01: skipped AC01 changed since it was planned: now active and named "acme", last changed at 2026-06-01T12:00:00Z
    close AC02: done
    close AC01: skipped AC01 changed since it was planned: now suspended and named "hooli", last changed at 2026-06-01T12:00:00Z
    close AC02: done
    close AC01: skipped AC01 changed since it was planned: now suspended and named "acme", last changed at 2026-06-04T12:00:00Z
    close AC02: done
    close AC01: skipped AC01 changed since it was planned: 0 numbers then, 1 now (+15105550101)
    close AC02: done
    close AC01: skipped AC01 could not be read right before its close: a page failed
    close AC02: done
    "#);
}

#[test]
fn close_is_skipped_when_the_state_changes_during_the_second_look() {
    let shown = {
        let scene = closes();
        let mut ports = Ports::new(&scene);
        let asked = std::sync::atomic::AtomicUsize::new(0);
        ports.gate = Box::new(move |_| {
            if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
                Err(Skip::new(SkipCause::StateChanged, "the state changed"))
            } else {
                Ok(())
            }
        });
        ports.shown(&scene)
    };
    insta::assert_snapshot!(shown, @"
    read the numbers of AC01
    read AC01
    read the numbers of AC02
    read AC02
    intent: close AC02
    write: close AC02
    answer: close AC02
    outcome: close AC02 done
    close AC01: skipped the state changed
    close AC02: done
    ");
}

#[test]
fn close_is_skipped_when_a_number_differs_from_the_planned_ones() {
    let shown = {
        let state = r#"subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, release: ["+15105550101", "+15105550102"]}}]"#;
        let scene = Scene::new(state).holds("AC01", "+15105550101").may_release(9).done().after("72h");
        let then = |changed: Scene| {
            let shown = Ports::new(&changed).shown(&scene);
            shown.lines().filter(|line| line.starts_with("close")).collect::<Vec<_>>().join("\n")
        };
        [
            then(scene.clone()),
            then(scene.clone().nowhere("+15105550101")),
            then(scene.clone().holds("AC01", "+15105550102")),
            then(scene.clone().nowhere("+15105550101").holds("AC01", "+15105550102")),
        ]
        .join("\n")
    };
    insta::assert_snapshot!(shown, @r"
    close AC01: done
    close AC01: skipped AC01 changed since it was planned: 1 number then, 0 now
    close AC01: skipped AC01 changed since it was planned: 1 number then, 2 now (+15105550101, +15105550102)
    close AC01: skipped AC01 changed since it was planned: 1 number then, 1 now (+15105550102)
    ");
}

#[test]
fn pass_is_aborted_when_the_second_look_finds_the_credentials_refused() {
    let shown = {
        let scene = closes();
        let mut ports = Ports::new(&scene);
        ports.look = Box::new(|_| Err(error(ErrorKind::Credentials, "401 from Twilio")));
        let mut shown = ports.shown(&scene);
        ports.look = Box::new(|account| {
            if account == sid("AC01") { Err(error(ErrorKind::Unreadable, "503 from Twilio")) } else { Ok(()) }
        });
        shown.push_str("\n--\n");
        shown.push_str(&ports.shown(&scene));
        shown
    };
    insta::assert_snapshot!(shown, @r"
    read the numbers of AC01
    read AC01
    close AC01: skipped AC01 could not be read right before its close: 401 from Twilio
    close AC02: skipped the pass was aborted: 401 from Twilio
    stopped: 401 from Twilio
    --
    read the numbers of AC01
    read AC01
    read the numbers of AC02
    read AC02
    intent: close AC02
    write: close AC02
    answer: close AC02
    outcome: close AC02 done
    close AC01: skipped AC01 could not be read right before its close: 503 from Twilio
    close AC02: done
    ");
}

#[test]
fn done_write_is_seen_in_the_plan_after_it() {
    let shown = {
        let scene = every_verb().pass();
        let execution = Ports::new(&scene).run(&scene);
        let after = execution.after(scene.observe());
        let plan =
            subaccountd_core::plan(&scene.desired, &after, &scene.history, &scene.policy, scene.now).unwrap();
        assert_eq!(plan.actions, []);
        assert_eq!(plan.held, []);
        let statuses: Vec<_> =
            after.accounts().map(|account| format!("{} {}", account.sid, account.status)).collect();
        crate::support::text::short(&statuses.join("\n"))
    };
    insta::assert_snapshot!(shown, @r"
    AC00 active
    AC01 active
    AC02 suspended
    AC03 suspended
    AC04 closed
    ");
}

#[test]
fn skipped_write_is_not_seen_in_the_plan_after_it() {
    let shown = {
        let scene = every_verb().pass();
        let mut ports = Ports::new(&scene);
        ports.answer = Box::new(|_| lost());
        let execution = ports.run(&scene);
        assert!(
            execution.any(|outcome| outcome.as_str() == "unknown")
                && !execution.any(|outcome| outcome.as_str() == "done")
        );
        let after = execution.after(scene.observe());
        assert_eq!(after, scene.observe());
        format!("{}", execution.executed.len())
    };
    insta::assert_snapshot!(shown, @r"
    5
    ");
}

#[test]
fn a_number_done_into_a_list_that_was_not_read_leaves_the_list_it_was_in() {
    let shown = {
        let state = r#"mainAccount: {sid: AC00, numbers: ["+15105550100"]}"#;
        let scene = Scene::new(state)
            .account("AC01", "hooli", Status::Active)
            .holds("AC01", "+15105550100")
            .unreadable("AC00")
            .pass();
        let after = Ports::new(&scene).run(&scene).after(scene.observe());
        format!("{:?}", after.locate(phone("+15105550100")))
    };
    insta::assert_snapshot!(shown, @r"
    Nowhere
    ");
}
