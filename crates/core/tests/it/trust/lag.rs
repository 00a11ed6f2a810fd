//! Lists that lag behind the daemon's own writes, whose effects are not external changes.

use subaccountd_core::{ActionKind, Limit, Status, Target, history::Event, pass::Want};

use crate::support::scene::{Scene, number, phone, sid, unknown};

const NUMBER: &str = "+15105550101";
const ACTIVE: &str = "subaccounts: [{sid: AC01, status: active}]";
const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}]";

fn reverted(scene: &Scene, target: &Target) -> usize {
    scene.history.times_reverted(target, scene.now, scene.policy.window)
}

fn account() -> Target {
    Target::Account(sid("AC01"))
}

/// The list goes on showing the account as active after it was suspended.
fn lagging() -> Scene {
    Scene::new(SUSPENDED).active("AC01").lags_account("AC01", Scene::done)
}

/// The lists go on showing the number in AC02 after it was transferred to AC01.
fn lagging_number() -> Scene {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
        - {sid: AC02, status: active}
        "#;
    Scene::new(state).holds("AC02", NUMBER).lags_number(NUMBER, Scene::done)
}

#[test]
fn suspension_is_not_repeated_when_the_list_does_not_show_it_yet() {
    let mut scene = lagging();
    for _ in 0..5 {
        assert_eq!(scene.brief(), "");
        scene = scene.after("20s").pass();
    }
    assert_eq!(reverted(&scene, &account()), 0);
}

#[test]
fn suspension_by_others_is_not_seen_in_our_own_echo() {
    // Lifted by us, and the list goes on showing it as suspended.
    let scene = Scene::new(ACTIVE).suspended("AC01").lags_account("AC01", Scene::done);
    assert_eq!(scene.clone().pass().after("10s").brief(), "");
    assert_eq!(scene.pass().after("10s").pass().brief(), "");
}

#[test]
fn account_wanted_back_within_the_lag_is_reactivated() {
    // Suspended by us; wanted back at once, while the list shows it as active.
    let wanted_back = lagging().says(ACTIVE).pass();
    assert_eq!(wanted_back.brief(), "reactivate AC01");
    let caught_up = wanted_back.suspended("AC01");
    let at = caught_up.truth[&sid("AC01")].date_updated;
    let caught_up = caught_up.with("AC01", |account| account.date_updated = at).after("3m");
    assert_eq!(caught_up.pass().brief(), "reactivate AC01");
}

#[test]
fn transfer_is_not_repeated_when_the_lists_do_not_show_it_yet() {
    let mut scene = lagging_number();
    for _ in 0..5 {
        assert_eq!(scene.brief(), "");
        scene = scene.after("20s").pass();
    }
    assert_eq!(reverted(&scene, &Target::Number(phone(NUMBER))), 0);
    // Both lists show it, then none does.
    assert_eq!(lagging_number().also_holds("AC01", NUMBER).brief(), "");
    assert_eq!(lagging_number().nowhere(NUMBER).brief(), "");
}

#[test]
fn list_is_believed_when_it_contradicts_a_write_of_more_than_two_minutes_ago() {
    let scene = lagging().after("2m 1s");
    assert_eq!(scene.brief(), "suspend AC01", "nothing is fetched any more");
    assert_eq!(reverted(&scene.pass(), &account()), 1);
    assert_eq!(lagging_number().after("2m 1s").brief(), "transfer +15105550101 from AC02 to AC01");
}

#[test]
fn reversion_by_others_counts_once_when_the_account_itself_confirms_it() {
    let scene = Scene::new(SUSPENDED).active("AC01").done().active("AC01").touched("AC01");
    let scene = scene.pass().after("5s").pass().after("5s").pass();
    assert_eq!(reverted(&scene, &account()), 1);
    assert_eq!(scene.brief(), "suspend AC01");
    // Done again, and the list lags: that is no second one.
    let again = scene.lags_account("AC01", Scene::done).after("5s").pass().after("5s").pass();
    assert_eq!(reverted(&again, &account()), 1);
    assert_eq!(again.brief(), "");
}

#[test]
fn number_that_others_moved_back_counts_once_when_both_accounts_confirm_it() {
    let mut scene = lagging_number();
    scene.number_truth.insert(phone(NUMBER), sid("AC02"));
    let scene = scene.pass();
    assert_eq!(reverted(&scene, &Target::Number(phone(NUMBER))), 1);
    assert_eq!(scene.brief(), "transfer +15105550101 from AC02 to AC01");
    // Moved on to a third account, which no list shows yet: it is on the move.
    let mut third = lagging_number().account("AC03", "hooli", Status::Active);
    third.number_truth.insert(phone(NUMBER), sid("AC03"));
    assert_eq!(third.brief(), "Unreadable transfer AC01 +15105550101");
    assert_eq!(reverted(&third.pass(), &Target::Number(phone(NUMBER))), 0);
}

#[test]
fn account_is_unreadable_when_a_list_contradicts_us_and_the_fetch_fails() {
    let mut scene = lagging();
    scene.truth.clear();
    scene.accounts.remove(&sid("AC01"));
    let listed = Scene::new(SUSPENDED).active("AC01").accounts[&sid("AC01")].clone();
    let (history, shown) = scene.drive(|pass, history| {
        let mut account = listed;
        account.status = subaccountd_core::LiveStatus::Known(Status::Active);
        let list = subaccountd_core::remote::AccountList {
            accounts: vec![scene.accounts[&sid("AC00")].clone(), account],
            ..Default::default()
        };
        let (rules, now) = (scene.guardrails(), scene.now);
        let (mut again, _) = subaccountd_core::Pass::begin(&scene.desired, &rules, sid("AC00"), history, now);
        again.see_accounts(list, now).unwrap();
        assert_eq!(again.wants(history), [Want::Account(sid("AC01"))]);
        again.see(subaccountd_core::pass::Answer::Account(sid("AC01"), Err("503".to_owned())), history);
        let _ = pass;
        again.plan(history).unwrap().plan().held.iter().map(|held| held.reason.as_str()).collect::<Vec<_>>()
    });
    assert_eq!(shown, ["Unreadable"]);
    assert_eq!(history.times_reverted(&account(), scene.now, scene.policy.window), 0);
}

#[test]
fn suspension_is_not_ours_when_it_is_dated_more_than_two_minutes_after_a_lost_one() {
    let lost = Scene::new(SUSPENDED).active("AC01").does(&unknown()).after("10s").says(ACTIVE).pass();
    let theirs = lost.after("1m 51s").suspended("AC01").touched("AC01").pass();
    assert_eq!(theirs.brief(), "SuspendedElsewhere reactivate AC01");
}

#[test]
fn lagging_lists_do_not_make_two_writes_cost_four() {
    let state = "subaccounts: [{sid: AC01, status: suspended}, {sid: AC02, status: suspended}]";
    let scene = Scene::new(state).active("AC01").active("AC02").limit(ActionKind::Suspend, Limit::Count(2));
    let listed = scene.accounts.clone();
    let mut done = scene.done();
    done.truth = std::mem::replace(&mut done.accounts, listed);
    let done = done.after("3s").pass();
    assert_eq!(done.brief(), "");
    assert_eq!(done.history.spent(ActionKind::Suspend, done.now, done.limits.window), 2);
}

/// A number that is fetched in an account without a list is placed there, and the search for it ends.
#[test]
fn unknown_transfer_is_resolved_by_a_look_at_the_number() {
    let state = r#"subaccounts: [{sid: AC01, status: active, numbers: ["+15105550101"]}, {sid: AC02, status: active}]"#;
    let mut scene = Scene::new(state).holds("AC02", NUMBER).does(&unknown());
    // It was done: the receiver has the number, the lists lag.
    scene.number_truth.insert(phone(NUMBER), sid("AC01"));
    let scene = scene.after("5s").pass();
    assert_eq!(scene.brief(), "");
    assert_eq!(scene.history.open_writes().count(), 0);
    assert_eq!(scene.history.owner(phone(NUMBER)), Some(sid("AC01")));
    let seen = [(phone(NUMBER).into(), number(NUMBER).sid)].into();
    let event = Event::NumbersSeen { account: sid("AC02"), numbers: seen, in_transit: false };
    assert_eq!(scene.event(event).history.owner(phone(NUMBER)), Some(sid("AC02")));
}

/// A suspension whose answer was lost takes effect a minute later, when the desired status is `active` again.
#[test]
fn late_suspension_is_our_own_when_the_account_was_seen_active_in_between() {
    let lost = Scene::new(SUSPENDED).active("AC01").does(&unknown());
    let back = lost.after("10s").says(ACTIVE).pass();
    assert_eq!(back.brief(), "");
    let late = back.after("50s").suspended("AC01").touched("AC01").pass();
    assert_eq!(late.shown(), "reactivate AC01, free\n");
    assert_eq!(late.clone().after("999h").brief(), "reactivate AC01", "and not for two minutes only");
    let strict = late.policy(|policy| policy.reactivation = subaccountd_core::Reactivation::Strict);
    assert_eq!(strict.brief(), "reactivate AC01");
}

#[test]
fn late_suspension_is_our_own_when_a_reactivation_was_verified_in_between() {
    // The first try is lost, the second is done, the account is reactivated, then the first takes effect.
    let scene = Scene::new(SUSPENDED).active("AC01").does(&unknown()).after("5s").done();
    let scene = scene.after("5s").says(ACTIVE).done().after("5s").pass();
    let late = scene.after("30s").suspended("AC01").touched("AC01").pass();
    assert_eq!(late.brief(), "reactivate AC01");
    assert_eq!(reverted(&late, &account()), 0);
}

#[test]
fn late_suspension_is_lifted_once_and_the_next_one_is_held() {
    let lost = Scene::new(SUSPENDED).active("AC01").does(&unknown()).after("10s").says(ACTIVE).pass();
    let lifted = lost.after("50s").suspended("AC01").touched("AC01").done().after("5m").pass();
    let again = lifted.suspended("AC01").touched("AC01").pass();
    assert_eq!(again.brief(), "SuspendedElsewhere reactivate AC01");
}
