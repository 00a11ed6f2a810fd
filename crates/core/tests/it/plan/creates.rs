//! Creates: when an account is created for an entry without a SID, and everything that holds it.

use subaccountd_core::{
    AccountSid, ActionKind, FriendlyName, Limit, Outcome, Planned, Receipt, Status, history::Event,
};

use crate::support::{
    scene::{Scene, phone, refused, sid, skipped, unknown},
    text::short,
};

const ACME: &str = r#"subaccounts: [{friendlyName: acme, status: active, numbers: ["+15105550101"]}]"#;

fn name(text: &str) -> FriendlyName {
    FriendlyName::new(text).unwrap()
}

/// A fleet without subaccounts whose number is in the main account, and a journal.
fn scene(body: &str) -> Scene {
    Scene::new(body).durable().holds("AC00", "+15105550101").pass()
}

fn created(scene: &Scene) -> Option<AccountSid> {
    scene.history.created(&name("acme"))
}

/// A scene in which the answer of the create was lost.
fn lost() -> Scene {
    scene(ACME).does(&unknown())
}

#[test]
fn account_is_created_and_its_number_follows_in_the_next_pass() {
    let scene = scene(ACME);
    insta::assert_snapshot!(scene.shown(), @r#"
    create "acme"
    TargetNotActive: transfer of "acme" +15105550101
      +15105550101 cannot move to "acme", whose account is not created yet
      = no action needed for the number: it moves in the pass after its account was created
    "#);
    let scene = scene.done();
    assert_eq!(created(&scene), Some(sid("AC81")));
    assert_eq!(scene.brief(), "transfer +15105550101 from AC00 to AC81");
    let scene = scene.after("1m").done();
    assert_eq!(scene.after("1m").restarted().brief(), "", "in sync, also for a new process");
}

#[test]
fn suspended_account_is_created_active_and_suspended_in_the_next_pass() {
    let scene = scene("subaccounts: [{friendlyName: acme, status: suspended}]");
    assert_eq!(scene.brief(), "create \"acme\"");
    let scene = scene.done().pass();
    assert_eq!(scene.brief(), "suspend AC81");
    assert_eq!(scene.done().after("1m").brief(), "");
}

#[test]
fn entry_with_the_sid_of_its_created_account_is_the_same_entry() {
    let scene = scene(ACME).done().after("1m").done();
    let pinned = scene
        .clone()
        .says(r#"subaccounts: [{sid: AC81, friendlyName: acme, status: active, numbers: ["+15105550101"]}]"#);
    assert_eq!(pinned.clone().pass().brief(), "");
    let refused = refused(30_001, "no");
    for scene in [scene, pinned.clone()] {
        let scene = scene.says(&scene_suspended(&pinned)).does(&refused);
        assert_eq!(scene.brief(), "RefusedByTwilio suspend AC81");
    }
}

fn scene_suspended(_: &Scene) -> String {
    r#"subaccounts: [{friendlyName: acme, status: suspended, numbers: ["+15105550101"]}]"#.to_owned()
}

#[test]
fn nothing_is_created_without_the_verb_or_without_a_journal() {
    insta::assert_snapshot!(scene(ACME).forbids(ActionKind::Create).shown(), @r#"
    NotAllowed: create of "acme"
      create "acme": `create` is not among the allowed verbs
      = add `create` to `--verbs` (`SUBACCOUNTD_VERBS`), or do it manually
    NotAllowed: transfer of "acme" +15105550101
      +15105550101 cannot move to "acme", whose account is not created yet
      = no action needed for the number: it moves in the pass after its account was created
    "#);
    let volatile = Scene::new("subaccounts: [{friendlyName: acme, status: active}]");
    insta::assert_snapshot!(volatile.shown(), @r#"
    NotAllowed: create of "acme"
      create "acme": without a journal, a restart could create the account again
      = keep a journal: set `--journal-dir` (`SUBACCOUNTD_JOURNAL_DIR`) to a folder that outlives the process
    "#);
}

#[test]
fn account_of_this_name_that_the_journal_did_not_create_holds_it() {
    for status in [Status::Active, Status::Suspended] {
        for live in ["acme", "ACME", " acme"] {
            let scene = scene(ACME).account("AC07", live, status).pass();
            assert_eq!(
                scene.brief(),
                "AmbiguousName create \"acme\"\nAmbiguousName transfer \"acme\" +15105550101",
                "{live:?}"
            );
        }
    }
    let scene = scene("subaccounts: [{friendlyName: acme, status: active}]");
    let twin = scene.clone().account("AC07", "acme", Status::Active);
    insta::assert_snapshot!(twin.shown(), @r#"
    AmbiguousName: create of "acme"
      "acme" is not created: AC07 has this name, and was not created by this journal for it
      = run `subaccountd pin --adopt`, which shows the account and writes its SID into the entry, or use another name
    "#);
    let closed = scene.account("AC07", "acme", Status::Closed);
    assert_eq!(closed.brief(), "create \"acme\"", "a closed account has no claim on the name");
}

#[test]
fn account_that_the_list_may_hide_holds_it() {
    let body = "subaccounts: [{friendlyName: acme, status: active}]";
    for account in [Some("AC07"), None] {
        assert_eq!(scene(body).unreadable_row(account).brief(), "Unreadable create \"acme\"");
    }
    assert_eq!(
        scene(body).account("AC07", "acme", Status::Closed).odd_status("AC07").brief(),
        "AmbiguousName create \"acme\""
    );
    assert_eq!(scene(body).clock_off(None).brief(), "Unreadable create \"acme\"");
    assert_eq!(scene(body).clock_off(Some("-1h")).brief(), "Unreadable create \"acme\"");
}

#[test]
fn pauses_and_faults_hold_it() {
    let entry = "{friendlyName: acme, status: active}";
    let body = |rest: &str| format!("subaccounts: [{entry}{rest}]");
    for (state, reason) in [
        (format!("paused: true\n{}", body("")), "Paused"),
        ("subaccounts: [{friendlyName: acme, status: active, paused: true}]".to_owned(), "Paused"),
        (body(", {sid: AC09, status: aktive}"), "StateFaults"),
    ] {
        assert_eq!(scene(&state).brief(), format!("{reason} create \"acme\""), "{state}");
    }
}

#[test]
fn limit_holds_all_creates() {
    let body = "subaccounts: [{friendlyName: a, status: active}, {friendlyName: b, status: active}]";
    let scene = scene(body).limit(ActionKind::Create, Limit::Count(1));
    assert_eq!(scene.brief(), "OverLimit create \"a\"\nOverLimit create \"b\"");
    assert!(scene.plan().held[0].remedy.contains("--max-creates"), "{}", scene.plan().held[0].remedy);
    let scene = scene.limit(ActionKind::Create, Limit::Count(2)).done();
    assert_eq!(scene.clone().says("subaccounts: [{friendlyName: a, status: active}, {friendlyName: b, status: active}, {friendlyName: c, status: active}]").pass().brief(), "OverLimit create \"c\"");
    assert_eq!(scene.after("25h").brief(), "");
}

#[test]
fn unknown_outcome_is_watched_for_fifteen_minutes_and_then_planned_again() {
    let scene = lost();
    insta::assert_snapshot!(scene.plan().held[0].message, @r#""acme" is not created: the outcome of creating "acme" at 2026-06-01T12:00:00Z is unknown, and the account may still appear in Twilio's list"#);
    for time in ["0s", "14m", "14m59s"] {
        let watched = scene.clone().after(time).restarted().durable().pass();
        assert!(watched.brief().starts_with("Unconfirmed create \"acme\""), "{time}: {}", watched.brief());
    }
    let again = scene.after("15m").pass();
    assert!(again.brief().starts_with("create \"acme\""), "{}", again.brief());
    let again = again.does(&unknown()).after("14m").pass();
    assert!(again.brief().starts_with("Unconfirmed create"), "{}", again.brief());
}

#[test]
fn edit_of_the_entry_does_not_end_the_watch() {
    let edited = r#"subaccounts: [{friendlyName: acme, status: active, reason: "edited"}]"#;
    assert_eq!(lost().says(edited).after("1m").pass().brief(), "Unconfirmed create \"acme\"");
}

#[test]
fn watch_does_not_end_while_the_clocks_disagree() {
    for off in [None, Some("-6m"), Some("6m")] {
        let scene = lost().after("16m").clock_off(off).pass();
        assert!(scene.brief().starts_with("Unconfirmed create"), "{off:?}: {}", scene.brief());
    }
}

#[test]
fn account_that_appears_under_the_name_is_taken_for_the_lost_create() {
    for appears in ["0s", "1m", "14m"] {
        let scene = lost().creates("acme").after(appears).pass();
        assert_eq!(created(&scene), Some(sid("AC81")), "{appears}");
        assert_eq!(scene.brief(), "transfer +15105550101 from AC00 to AC81");
        assert_eq!(scene.restarted().durable().pass().brief(), "transfer +15105550101 from AC00 to AC81");
    }
}

#[test]
fn account_that_is_older_than_the_intent_is_never_taken() {
    let scene = scene(ACME);
    let older = scene.clone().creates("acme").after("1m");
    let planned: Vec<Planned> = scene.plan().actions;
    let scene = older.writes(&planned[0], Some(&unknown())).pass();
    assert_eq!(created(&scene), None);
    assert!(scene.brief().starts_with("AmbiguousName create \"acme\""), "{}", scene.brief());
}

#[test]
fn account_that_an_earlier_pass_observed_is_never_taken() {
    // A person creates it right before the intent, in the same second.
    let scene = scene(ACME).creates("acme").pass();
    let planned = self::scene(ACME).plan().actions;
    let scene = scene.writes(&planned[0], Some(&unknown())).after("1m").pass();
    assert_eq!(created(&scene), None);
    assert!(scene.brief().starts_with("AmbiguousName create \"acme\""), "{}", scene.brief());
}

#[test]
fn account_that_an_entry_lists_or_that_is_one_of_two_is_never_taken() {
    let listed = "subaccounts: [{friendlyName: acme, status: active}, {sid: AC81, status: active}]";
    let scene = lost().creates("acme").says(listed).pass();
    assert_eq!((created(&scene), scene.brief()), (None, "AmbiguousName create \"acme\"".to_owned()));
    let two = lost().creates("acme").creates("acme").pass();
    assert_eq!(created(&two), None);
    assert!(two.brief().starts_with("AmbiguousName create \"acme\""), "{}", two.brief());
}

#[test]
fn account_of_another_name_that_was_created_since_holds_it_until_an_entry_lists_it() {
    let scene = lost().after("10s").creates("Acme Inc").after("20m").pass();
    insta::assert_snapshot!(short(&scene.plan().held[0].message), @r#""acme" is not created: the outcome of creating "acme" at 2026-06-01T12:00:00Z is unknown, and AC81 ("Acme Inc"), which no entry lists, was created since"#);
    let body = "subaccounts: [{friendlyName: acme, status: active}, {sid: AC81, status: active}]";
    assert_eq!(scene.clone().says(body).pass().brief(), "create \"acme\"");
    // It was the account, under another name.
    let pinned = r#"subaccounts: [{sid: AC81, status: active, numbers: ["+15105550101"]}]"#;
    assert_eq!(scene.says(pinned).pass().brief(), "transfer +15105550101 from AC00 to AC81");
}

#[test]
fn account_that_is_older_or_much_younger_than_the_create_does_not_hold_it() {
    let older = scene(ACME).creates("other").after("1h");
    let older = older.does(&unknown()).after("16m").pass();
    assert!(older.brief().starts_with("create \"acme\""), "{}", older.brief());
    let younger = lost().after("16m").creates("other").pass();
    assert!(younger.brief().starts_with("create \"acme\""), "{}", younger.brief());
}

#[test]
fn edited_name_begins_no_second_account() {
    let edited = "subaccounts: [{friendlyName: acme trial, status: active}]";
    let done = scene(ACME).done().after("1h").says(edited).pass();
    insta::assert_snapshot!(done.shown(), @r#"
    AmbiguousName: create of "acme trial"
      "acme trial" is not created while no entry means AC81 (created as "acme")
      = list the account with its `sid`, in this entry when its name was edited, or in an entry of its own
    "#);
    let watched = lost().says(edited).after("14m").pass();
    assert_eq!(watched.brief(), "Unconfirmed create \"acme trial\"");
    let found = watched.creates("acme").pass();
    assert_eq!(created(&found), Some(sid("AC81")), "taken although no entry has the name any more");
    assert_eq!(found.brief(), "AmbiguousName create \"acme trial\"");
    assert_eq!(lost().says(edited).after("16m").pass().brief(), "create \"acme trial\"");
    let both = "subaccounts: [{friendlyName: acme trial, status: active}, {sid: AC81, status: active}]";
    assert_eq!(done.says(both).pass().brief(), "create \"acme trial\"");
}

#[test]
fn created_account_of_a_removed_entry_holds_creates_until_it_was_seen_closed() {
    let other = "subaccounts: [{friendlyName: other, status: active}]";
    let scene = scene(ACME).done().after("1h").says(other).pass();
    assert_eq!(scene.brief(), "AmbiguousName create \"other\"");
    assert_eq!(
        scene.clone().gone("AC81").pass().brief(),
        "AmbiguousName create \"other\"",
        "one list proves nothing"
    );
    let closed = scene.is("AC81", Status::Closed).pass();
    assert_eq!(closed.brief(), "create \"other\"");
    assert_eq!(closed.gone("AC81").restarted().durable().pass().brief(), "create \"other\"");
}

#[test]
fn created_account_that_is_renamed_closed_or_gone_is_never_created_again() {
    let body = "subaccounts: [{friendlyName: acme, status: active}]";
    let scene = scene(body).done().after("1h").pass();
    let renamed = scene.clone().with("AC81", |account| account.friendly_name = "hooli".to_owned());
    assert_eq!(renamed.pass().brief(), "NameMismatch reactivate AC81");
    let closed = scene.clone().is("AC81", Status::Closed).pass();
    assert_eq!(closed.brief(), "AlreadyClosed reactivate AC81");
    insta::assert_snapshot!(closed.gone("AC81").after("1000h").pass().shown(), @r#"
    AlreadyClosed: reactivate of AC81
      AC81, which was created as "acme", is no longer among the subaccounts
      = remove the entry, or write `sid: AC81` and `status: closed`; for another account, use another name
    "#);
}

#[test]
fn account_whose_answer_shows_another_name_is_created_all_the_same() {
    let scene = scene("subaccounts: [{friendlyName: acme, status: active}]");
    let planned = scene.plan().actions;
    let scene = scene.creates("Acme (2)");
    let done = Outcome::Done(Receipt { created: Some(sid("AC81")), ..Receipt::default() });
    let scene = scene.writes_as(&planned[0], &done).pass();
    assert_eq!(created(&scene), Some(sid("AC81")));
    assert_eq!(scene.brief(), "NameMismatch reactivate AC81");
}

#[test]
fn created_account_that_a_list_shows_late_is_fetched_and_not_created_again() {
    let scene = scene("subaccounts: [{friendlyName: acme, status: active}]").done();
    let mut late = scene.clone();
    let account = late.accounts.remove(&sid("AC81")).unwrap();
    late.truth.insert(sid("AC81"), account);
    assert_eq!(late.after("1m").pass().brief(), "", "a fetch shows it");
    let mut lost = scene;
    lost.accounts.remove(&sid("AC81"));
    assert_eq!(lost.after("1m").pass().brief(), "Unreadable reactivate AC81", "one 404 proves nothing");
}

#[test]
fn refused_and_skipped_creates_leave_nothing_to_watch() {
    let scene = scene("subaccounts: [{friendlyName: acme, status: active}]");
    assert_eq!(scene.clone().does(&skipped()).pass().brief(), "create \"acme\"");
    let refused = scene.does(&refused(21480, "Maximum number of subaccounts reached")).pass();
    insta::assert_snapshot!(refused.shown(), @r#"
    RefusedByTwilio: create of "acme"
      Twilio refused to create "acme" (error 21480): Maximum number of subaccounts reached
      = see https://www.twilio.com/docs/errors/21480; close accounts that are no longer needed, or ask Twilio's support for more subaccounts; retried at 2026-06-01T12:00:15Z
    "#);
    assert_eq!(refused.after("15s").pass().brief(), "create \"acme\"");
}

#[test]
fn refusal_after_a_lost_answer_leaves_the_lost_create_watched() {
    let scene = lost().after("15m").pass().does(&refused(21480, "no"));
    // The first create may still appear.
    let scene = scene.creates("acme");
    let scene =
        scene.with("AC81", |account| account.date_created = Some("2026-06-01T12:00:01Z".parse().unwrap()));
    assert_eq!(created(&scene.pass()), Some(sid("AC81")));
}

#[test]
fn outcome_of_a_create_is_kept_when_its_record_is_gone() {
    let scene = scene("subaccounts: [{friendlyName: acme, status: active}]");
    let planned = scene.plan().actions;
    let (id, at) = (scene.history.next_id(), scene.now.stamp());
    let mut scene = scene.writes(&planned[0], None).after("100h");
    scene.history.prune(scene.now, scene.policy.window);
    let outcome = Outcome::Done(Receipt { created: Some(sid("AC81")), ..Receipt::default() });
    let scene = scene.event(Event::Outcome { id, at, outcome }).creates("acme");
    assert_eq!(created(&scene), Some(sid("AC81")));
    assert_eq!(scene.pass().brief(), "");
}

#[test]
fn account_that_another_entry_lists_too_stays_with_that_entry() {
    let body = "subaccounts: [{friendlyName: acme, status: active}]";
    let both = "subaccounts: [{friendlyName: acme, status: suspended}, {sid: AC81, status: active}]";
    insta::assert_snapshot!(scene(body).done().says(both).pass().shown(), @r#"
    AmbiguousName: create of "acme"
      AC81 was created for "acme", and another entry lists it
      = keep one of the two entries: with `sid: AC81`
    "#);
}

#[test]
fn number_of_an_account_that_is_not_created_does_not_move_to_the_main_account() {
    let body = r#"
        subaccounts:
        - {friendlyName: acme, status: active, numbers: ["+15105550101"]}
        - {sid: AC01, status: closed, close: {confirm: globex, moveNumbersToMain: true}}
        "#;
    let scene = Scene::new(body).durable().holds("AC01", "+15105550101").pass();
    assert!(!scene.brief().contains("transfer +15105550101 from"), "{}", scene.brief());
    assert_eq!(scene.history.owner(phone("+15105550101")), Some(sid("AC01")));
}

#[test]
fn number_of_an_account_that_is_not_created_is_looked_for() {
    let scene = scene(ACME).nowhere("+15105550101");
    assert_eq!(scene.brief(), "create \"acme\"\nUnknownNumber transfer \"acme\" +15105550101");
}
