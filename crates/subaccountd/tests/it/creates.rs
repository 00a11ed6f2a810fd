//! Creates and `pin`, with the real binary: an account for an entry without a SID, once.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};
use twilio_sim::{AccountStatus, Fault, Operation};

use crate::support::{Setup, ac, code, eventually, phone, state, stderr, stdout, world};

const CREATE: [&str; 3] = ["apply", "--verbs", "default,create"];

fn initech(more: &str) -> String {
    state(&format!("  # our newest customer\n  - friendlyName: initech{more}\n    status: active\n"))
}

fn with_number() -> String {
    initech(&format!("\n    numbers: [\"{}\"]", phone(1)))
}

async fn setup(state: &str) -> Setup {
    let world = world().number("PN00000000000000000000000000000001", &phone(1), &ac(0));
    Setup::new(world, state).await
}

/// The SIDs of the accounts with this name.
fn named(setup: &Setup, name: &str) -> Vec<String> {
    let world = setup.sim.world();
    let named = world.accounts().filter(|account| account.friendly_name == name);
    named.map(|account| account.sid.to_string()).collect()
}

fn creates(setup: &Setup) -> usize {
    setup.sim.requests().iter().filter(|request| request.operation == Some(Operation::CreateAccount)).count()
}

async fn plan(setup: &Setup) -> Value {
    let output = setup.run(&["plan", "-o", "json", "--verbs", "default,create"]).await;
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)))
}

#[tokio::test]
async fn account_is_created_gets_its_number_and_is_pinned() {
    let setup = setup(&with_number()).await;
    let before = plan(&setup).await;
    let action = &before["actions"][0];
    let expected = json!({"kind": "create", "account": null, "number": null, "from": null, "to": null,
                          "name": "initech", "count": null});
    assert_eq!(action, &expected);
    assert_eq!(before["held"][0]["name"], "initech");
    assert_eq!(before["held"][0]["reason"], "TargetNotActive");
    let applied = setup.run(&CREATE).await;
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    let sids = named(&setup, "initech");
    let [sid] = &sids[..] else { panic!("{sids:?}") };
    assert_eq!((setup.owner(1), creates(&setup)), (sid.clone(), 1));
    let journal = stdout(&setup.run(&["journal", "--account", sid]).await);
    assert!(journal.contains(&format!("create     \"initech\" as {sid}  done")), "{journal}");
    let checked = setup.run(&["pin", "--check", setup.state_path().to_str().unwrap()]).await;
    assert_eq!(code(&checked), 2, "{}", stderr(&checked));
    assert_eq!(fs::read_to_string(setup.state_path()).unwrap(), with_number());
    let pinned = setup.run(&["pin", setup.state_path().to_str().unwrap()]).await;
    assert_eq!(code(&pinned), 0, "{}", stderr(&pinned));
    let expected = with_number().replace("friendlyName", &format!("sid: {sid}\n    friendlyName"));
    assert_eq!(fs::read_to_string(setup.state_path()).unwrap(), expected);
    for _ in 0..2 {
        let again = setup.run(&["pin", "--check", setup.state_path().to_str().unwrap()]).await;
        assert_eq!(
            (code(&again), stdout(&again)),
            (0, "nothing to pin: every entry has a `sid`\n".to_owned())
        );
        assert_eq!(code(&setup.run(&CREATE).await), 0);
    }
    assert_eq!((creates(&setup), named(&setup, "initech").len()), (1, 1));
}

#[tokio::test]
async fn create_is_not_among_the_default_verbs() {
    let setup = setup(&with_number()).await;
    let applied = setup.run(&["apply"]).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("`create` is not among the allowed verbs"), "{}", stdout(&applied));
    let volatile = setup.run(&["apply", "--verbs", "default,create", "--journal-dir", "none"]).await;
    assert_eq!(code(&volatile), 3);
    assert!(stdout(&volatile).contains("without a journal"), "{}", stdout(&volatile));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn lost_answer_of_a_create_leads_to_one_account() {
    for fault in [Fault::reset_after(), Fault::new(twilio_sim::FaultKind::Truncate { bytes: 20 })] {
        let setup = setup(&with_number()).await;
        setup.sim.inject(fault.on(Operation::CreateAccount).times(1));
        setup.run(&CREATE).await;
        let applied = setup.run(&CREATE).await;
        assert_eq!(code(&applied), 0, "{}", stdout(&applied));
        assert_eq!((creates(&setup), named(&setup, "initech").len()), (1, 1));
        assert_eq!(setup.owner(1), named(&setup, "initech")[0]);
    }
}

#[tokio::test]
async fn lost_request_of_a_create_is_not_repeated_within_the_watch() {
    let setup = setup(&initech("")).await;
    setup.sim.inject(Fault::reset().on(Operation::CreateAccount).times(1));
    for _ in 0..3 {
        setup.run(&CREATE).await;
    }
    assert_eq!((creates(&setup), named(&setup, "initech").len()), (1, 0));
    let held = plan(&setup).await;
    assert_eq!(
        (&held["held"][0]["reason"], &held["held"][0]["kind"]),
        (&json!("Unconfirmed"), &json!("create"))
    );
}

#[tokio::test]
async fn account_that_lists_and_fetches_show_late_is_created_once() {
    let setup = setup(&initech("")).await;
    {
        let mut world = setup.sim.world();
        world.switches_mut().new_account_list_lag_ms = 1_500;
        world.switches_mut().new_account_fetch_lag_ms = 1_500;
    }
    let daemon = setup.daemon(&["--verbs", "default,create", "--interval", "100ms"]).await;
    eventually("created", async || creates(&setup) == 1).await;
    daemon.more_passes(3).await;
    daemon.settled().await;
    assert_eq!((creates(&setup), named(&setup, "initech").len()), (1, 1));
}

#[tokio::test]
async fn lost_journal_creates_no_second_account() {
    let setup = setup(&with_number()).await;
    assert_eq!(code(&setup.run(&CREATE).await), 0);
    fs::remove_dir_all(setup.journal_dir()).unwrap();
    let applied = setup.run(&CREATE).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("AmbiguousName"), "{}", stdout(&applied));
    let path = setup.state_path();
    let unpinned = setup.run(&["pin", path.to_str().unwrap()]).await;
    assert!(
        stdout(&unpinned).contains("not pinned: \"initech\": no account was created for it"),
        "{}",
        stdout(&unpinned)
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), with_number());
    let adopted = setup.run(&["pin", "--adopt", path.to_str().unwrap()]).await;
    assert_eq!(code(&adopted), 0, "{}", stderr(&adopted));
    let sid = &named(&setup, "initech")[0];
    assert!(
        stdout(&adopted)
            .contains(&format!("pinned: \"initech\" is {sid} (adopted by its name: active, created at ")),
        "{}",
        stdout(&adopted)
    );
    assert!(stdout(&adopted).contains("1 number"), "{}", stdout(&adopted));
    assert!(
        fs::read_to_string(&path).unwrap().contains(&format!("- sid: {sid}\n    friendlyName: initech\n"))
    );
    assert_eq!(code(&setup.run(&CREATE).await), 0);
    assert_eq!((creates(&setup), named(&setup, "initech").len()), (1, 1));
}

#[tokio::test]
async fn pin_adopts_none_of_two_accounts_and_none_that_is_closed() {
    let two = world().account(&ac(1), "initech", AccountStatus::Active).account(
        &ac(2),
        "initech",
        AccountStatus::Suspended,
    );
    let setup = Setup::new(two, &initech("")).await;
    let path = setup.state_path();
    let adopted = setup.run(&["pin", "--adopt", path.to_str().unwrap()]).await;
    assert_eq!(code(&adopted), 1);
    assert!(stdout(&adopted).contains("2 accounts have this name"), "{}", stdout(&adopted));
    setup.sim.edit_account(&ac(2), |account| account.status = AccountStatus::Closed).unwrap();
    let adopted = setup.run(&["pin", "--adopt", path.to_str().unwrap()]).await;
    assert_eq!(code(&adopted), 0, "{}", stdout(&adopted));
    assert!(fs::read_to_string(&path).unwrap().contains(&ac(1)));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn daemon_shows_what_is_created_and_pin_reads_it() {
    let entries =
        "  - {friendlyName: zeta, status: active}\n  - {friendlyName: alpha, status: active, paused: true}\n";
    let setup = setup(&state(&format!("{entries}  - {{sid: {}, status: active}}\n", ac(7)))).await;
    let daemon = setup.daemon(&["--verbs", "default,create", "--interval", "100ms"]).await;
    eventually("created", async || named(&setup, "zeta").len() == 1).await;
    daemon.more_passes(2).await;
    let status = daemon.status().await;
    let accounts = status["accounts"].as_array().unwrap();
    let last = accounts.last().unwrap();
    assert_eq!((&last["sid"], &last["friendlyName"]), (&Value::Null, &json!("alpha")));
    assert_eq!(last["conditions"][0]["reason"], "Paused");
    let zeta = &named(&setup, "zeta")[0];
    assert!(
        accounts
            .iter()
            .any(|account| account["sid"] == **zeta && account["conditions"][0]["reason"] == "InSync")
    );
    for (series, value) in [
        (r#"subaccountd_twilio_requests_total{operation="create_account",outcome="ok"}"#, 1.0),
        (r#"subaccountd_actions_total{kind="create",result="done"}"#, 1.0),
        (r#"subaccountd_budget_remaining{kind="create"}"#, 19.0),
        (r#"subaccountd_held_items{reason="AmbiguousName"}"#, 0.0),
        (r#"subaccountd_desired_subaccounts{status="active"}"#, 3.0),
    ] {
        assert!((daemon.metric(series).await - value).abs() < f64::EPSILON, "{series}");
    }
    let page = daemon.get("/").await.1;
    assert!(page.contains("alpha") && page.contains("no SID yet"), "{page}");
    let path = setup.state_path();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let mut command = crate::support::bare(&["pin", path.to_str().unwrap(), "--from", daemon.url()]);
    command.env("SUBACCOUNTD_JOURNAL_DIR", setup.dir.path().join("none-here"));
    let pinned = crate::support::output(command).await;
    assert_eq!(code(&pinned), 0, "{}", stderr(&pinned));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&format!("{{sid: {zeta}, friendlyName: zeta, status: active}}")), "{text}");
    assert!(text.contains("{friendlyName: alpha,"), "{text}");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    daemon.more_passes(2).await;
    assert_eq!(creates(&setup), 1);
}

#[tokio::test]
async fn main_account_with_too_many_subaccounts_is_a_refusal_with_a_remedy() {
    let setup = setup(&initech("")).await;
    setup.sim.inject(Fault::status(400, 21480).on(Operation::CreateAccount).times(1));
    let applied = setup.run(&CREATE).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("ask Twilio's support for more subaccounts"), "{}", stdout(&applied));
}
