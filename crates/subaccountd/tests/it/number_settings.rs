//! The settings of numbers, end to end: a moved number has what the state names, and nothing shows a credential.

use std::fs;

use serde_json::Value;
use twilio_sim::{
    AccountStatus, AddressRequirements, Behavior, NamedSettings, Operation, TransferEffect, WorldBuilder,
};

use crate::{
    leaks,
    support::{Setup, ac, code, entry, flat, fleet, output, phone, state, stderr, stdout},
};

/// The entry of account 1, which claims number 2: calls go to a URL with credentials, messages nowhere.
fn claim() -> String {
    entry(
        1,
        "active",
        &format!(
            ", numbers: [\"{}\"], numberDefaults: {{voiceUrl: \"{}\", smsUrl: \"\", friendlyName: desk}}",
            phone(2),
            leaks::hook()
        ),
    )
}

/// Number 2 is in account `owner`, with these URLs.
fn with_number(owner: u64, voice: &str, sms: &str) -> WorldBuilder {
    fleet(2, 0).number_with(&format!("PN{:032x}", 2), &phone(2), &ac(owner), |number| {
        number.settings.set("VoiceUrl", voice).unwrap();
        number.settings.set("SmsUrl", sms).unwrap();
        number.settings.set("StatusCallback", "https://example.org/status").unwrap();
    })
}

const OLD: &str = "https://example.org/old";

/// The voice URL, the message URL and the name of number 2.
fn live(setup: &Setup) -> [String; 3] {
    let world = setup.sim.world();
    let number = world.number(&phone(2)).unwrap();
    let setting = |name| number.settings.get(name).unwrap_or_default().to_owned();
    [setting("VoiceUrl"), setting("SmsUrl"), number.friendly_name.clone()]
}

fn desired() -> [String; 3] {
    [leaks::hook(), String::new(), "desk".to_owned()]
}

/// The parameters of every write, by name.
fn sent(setup: &Setup) -> Vec<Vec<String>> {
    let writes =
        setup.sim.requests().into_iter().filter(|request| request.operation == Some(Operation::UpdateNumber));
    writes.map(|request| request.form.into_iter().map(|(name, _)| name).collect()).collect()
}

#[tokio::test]
async fn moved_number_gets_its_settings_whatever_the_transfer_keeps() {
    for (webhooks, transfer_settings, requests) in [
        (TransferEffect::Kept, NamedSettings::Honored, 1),
        (TransferEffect::Kept, NamedSettings::Ignored, 2),
        (TransferEffect::Cleared, NamedSettings::Half, 2),
        (TransferEffect::Half, NamedSettings::Ignored, 2),
    ] {
        let switches = Behavior { webhooks, transfer_settings, ..Behavior::default() };
        let setup = Setup::new(with_number(2, OLD, OLD).switches(switches), &state(&claim())).await;
        let planned = setup.run(&["plan"]).await;
        assert!(flat(&planned).contains("may clear its statusCallback"), "{}", stdout(&planned));
        let applied = setup.run(&["apply"]).await;
        assert_eq!(code(&applied), 0, "{webhooks:?} {transfer_settings:?}: {}", stdout(&applied));
        assert_eq!((setup.owner(2), live(&setup)), (ac(1), desired()), "{webhooks:?} {transfer_settings:?}");
        let sent = sent(&setup);
        assert_eq!(sent.len(), requests, "{sent:?}");
        assert_eq!(sent[0], ["AccountSid", "FriendlyName", "VoiceUrl", "SmsUrl"]);
        assert!(sent.iter().flatten().all(|name| name != "StatusCallback"), "{sent:?}");
    }
}

#[tokio::test]
async fn drift_is_changed_back_and_costs_no_request_of_its_own() {
    let setup = Setup::new(with_number(1, &leaks::hook(), ""), &state(&claim())).await;
    setup.sim.edit_number(&phone(2), |number| number.friendly_name = "desk".to_owned()).unwrap();
    let quiet = async || {
        setup.sim.clear_requests();
        let planned = setup.run(&["plan", "--detailed-exitcode"]).await;
        let reads: Vec<_> = setup.sim.requests().into_iter().map(|request| request.path).collect();
        (code(&planned), reads)
    };
    let (exit, reads) = quiet().await;
    assert_eq!(exit, 0);
    setup.write(&state(&entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2)))));
    assert_eq!(quiet().await, (0, reads), "the settings are in the lists that are read anyway");
    setup.write(&state(&claim()));
    setup.sim.edit_number(&phone(2), |number| number.settings.set("SmsUrl", OLD).unwrap()).unwrap();
    let planned = setup.run(&["plan"]).await;
    assert!(flat(&planned).contains(&format!("configure {}", phone(2))), "{}", stdout(&planned));
    assert!(flat(&planned).contains("smsUrl: https://example.org/old → (empty)"), "{}", stdout(&planned));
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    assert_eq!((live(&setup), sent(&setup)), (desired(), vec![vec!["SmsUrl".to_owned()]]));
}

#[tokio::test]
async fn ignored_settings_are_refused_and_told() {
    let switches = Behavior { update_settings: NamedSettings::Ignored, ..Behavior::default() };
    let setup = Setup::new(with_number(1, OLD, "").switches(switches), &state(&claim())).await;
    let applied = setup.run(&["apply"]).await;
    assert_eq!(code(&applied), 3);
    let words = flat(&applied);
    assert!(words.contains("RefusedByTwilio") && words.contains("Twilio answered 2xx"), "{words}");
    assert!(
        words.contains(
            "voiceUrl is https://example.org/old, and https://…@hooks.example/voice?… was asked for"
        ),
        "{words}"
    );
    assert_eq!(sent(&setup).len(), 1);
}

#[tokio::test]
async fn credentials_of_webhooks_are_shown_nowhere() {
    // Both the live URL and that of the state carry credentials that every test searches for.
    let other = leaks::hook().replace("/voice", "/other");
    let setup = Setup::new(with_number(1, &other, ""), &state(&claim())).await;
    let snapshot = setup.dir.path().join("snapshot.json");
    for args in [
        vec!["plan"],
        vec!["plan", "-o", "json"],
        vec!["plan", "-o", "markdown", "--log", "trace"],
        vec!["explain", &phone(2)],
        vec!["explain", &ac(1)],
        vec!["import", "--number-settings"],
        vec!["snapshot", "--out", snapshot.to_str().unwrap()],
        vec!["plan", "--from", snapshot.to_str().unwrap()],
    ] {
        let ended = setup.run(&args).await;
        assert_eq!(code(&ended), 0, "{args:?}: {}", stderr(&ended));
        leaks::assert_none("a file", &fs::read(&snapshot).unwrap_or_default());
    }
    let explained = setup.run(&["explain", &phone(2)]).await;
    let words = flat(&explained);
    assert!(words.contains("a change of its settings is planned"), "{words}");
    assert!(words.contains("with voiceUrl https://…@hooks.example/voice?…"), "{words}");
    let daemon = setup.daemon(&["--interval", "100ms", "--log", "trace"]).await;
    daemon.settled().await;
    assert_eq!(live(&setup), desired());
    assert_eq!(daemon.metric("subaccountd_actions_total{kind=\"configure\",result=\"done\"}").await, 1.0);
    assert!(daemon.metric("subaccountd_budget_limit{kind=\"configure\"}").await >= 10.0);
    for path in ["/status", "/snapshot", "/", "/metrics"] {
        daemon.get(path).await;
    }
    drop(daemon);
    let journal = setup.run(&["journal"]).await;
    assert!(stdout(&journal).contains("configure"), "{}", stdout(&journal));
    // A fault on the line of a URL shows neither of its secrets.
    setup.write(&state(&claim().replace("smsUrl: \"\"", "smsUrl: 7")));
    let path = setup.state_path();
    for format in ["text", "json", "github"] {
        let ended = setup.run(&["validate", "-o", format, path.to_str().unwrap()]).await;
        assert_eq!(code(&ended), 1, "{}", stdout(&ended));
    }
}

#[tokio::test]
async fn snapshot_plans_settings_exactly() {
    let same = leaks::hook();
    let setup =
        Setup::new(with_number(1, &same, ""), &state(&claim().replace(", friendlyName: desk", ""))).await;
    let snapshot = setup.dir.path().join("snapshot.json");
    let at = snapshot.to_str().unwrap();
    assert_eq!(code(&setup.run(&["snapshot", "--out", at]).await), 0);
    let planned = setup.run(&["plan", "--from", at, "--detailed-exitcode"]).await;
    assert_eq!(code(&planned), 0, "{}", stdout(&planned));
    // Only the hidden part of the URL is another one.
    let text = fs::read_to_string(setup.state_path()).unwrap();
    setup.write(&text.replace("?key=", "?key=x"));
    let planned = setup.run(&["plan", "--from", at, "--detailed-exitcode"]).await;
    assert_eq!(code(&planned), 2, "{}", stdout(&planned));
    assert!(flat(&planned).contains("which differs in a part that is not shown"), "{}", stdout(&planned));
}

#[tokio::test]
async fn imported_settings_have_an_empty_plan_and_no_credentials() {
    let world = with_number(1, "https://example.com/voice", &leaks::hook())
        .number_with(&format!("PN{:032x}", 3), &phone(3), &ac(2), |number| {
            number.settings.set("TrunkSid", &format!("TK{:032x}", 1)).unwrap();
            number.settings.set("VoiceMethod", "GET").unwrap();
        })
        .account(&ac(3), "a3", AccountStatus::Suspended)
        .number(&format!("PN{:032x}", 4), &phone(4), &ac(3));
    let setup = Setup::new(world, &state("  []\n")).await;
    let imported = setup.run(&["import", "--number-settings"]).await;
    assert_eq!(code(&imported), 0, "{}", stderr(&imported));
    let text = stdout(&imported);
    for line in [
        format!("      - number: \"{}\"", phone(2)),
        "        voiceUrl: \"https://example.com/voice\"".to_owned(),
        "        # smsUrl is skipped: it carries user information".to_owned(),
        "        voiceMethod: \"GET\"".to_owned(),
        format!("        trunkSid: \"TK{:032x}\"", 1),
    ] {
        assert!(text.contains(&line), "{line}\n{text}");
    }
    assert!(stderr(&imported).contains("smsUrl is skipped"), "{}", stderr(&imported));
    setup.write(&text);
    let planned = setup.run(&["plan", "--detailed-exitcode"]).await;
    assert_eq!(code(&planned), 0, "{}", stdout(&planned));
    assert!(!stdout(&setup.run(&["import"]).await).contains("voiceUrl"));
}

#[tokio::test]
async fn transfer_defaults_give_what_a_number_needs() {
    let world = fleet(2, 0).number_with(&format!("PN{:032x}", 2), &phone(2), &ac(2), |number| {
        number.address_requirements = AddressRequirements::Any;
    });
    let prefix = &phone(2)[..4];
    let defaults = |sid: &str| {
        let item = format!("{{prefix: \"{prefix}\", type: local, addressSid: {sid}}}");
        state(&entry(1, "active", &format!(", numbers: [\"{}\"], transferDefaults: [{item}]", phone(2))))
    };
    let setup = Setup::new(world, &defaults(&format!("AD{:032x}", 1)).replace("local", "mobile")).await;
    let held = setup.run(&["plan", "-o", "json"]).await;
    let plan: Value = serde_json::from_str(&stdout(&held)).unwrap();
    assert_eq!(plan["held"][0]["reason"], "NeedsAddress", "it is not shown as a mobile number");
    setup.write(&defaults(&format!("AD{:032x}", 1)));
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    assert_eq!(setup.owner(2), ac(1));
    let request = setup.sim.requests().into_iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(request.param("AddressSid"), Some(format!("AD{:032x}", 1).as_str()));
}

#[tokio::test]
async fn configures_are_limited_and_allowed_by_their_own_flags() {
    let setup = Setup::new(with_number(1, OLD, ""), &state(&claim())).await;
    for (args, reason) in [
        (["--max-configures", "0"], "OverLimit"),
        (["--verbs", "reactivate,transfer,suspend,close"], "NotAllowed"),
    ] {
        let mut command = setup.command(&["plan", "-o", "json"]);
        command.args(args);
        let plan: Value = serde_json::from_str(&stdout(&output(command).await)).unwrap();
        assert_eq!(
            (&plan["held"][0]["reason"], &plan["held"][0]["kind"]),
            (&reason.into(), &"configure".into()),
            "{plan}"
        );
        assert_eq!(plan["actions"], Value::Array(Vec::new()));
    }
    let plan: Value = serde_json::from_str(&stdout(&setup.run(&["plan", "-o", "json"]).await)).unwrap();
    let action = &plan["actions"][0];
    assert_eq!(
        (&action["kind"], &action["account"], &action["number"]),
        (&"configure".into(), &ac(1).into(), &phone(2).into())
    );
    assert_eq!((&action["from"], &action["to"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn addresses_are_named_where_a_number_needs_one() {
    let sid = |n: u64| format!("AD{n:032x}");
    let needing = |addresses: u64| {
        let world = fleet(2, 0).number_with(&format!("PN{:032x}", 2), &phone(2), &ac(2), |number| {
            number.address_requirements = AddressRequirements::Any;
        });
        (1..=addresses).fold(world, |world, n| {
            world.address_with(&sid(n), &ac(1), "DE", |address| {
                "Berlin".clone_into(&mut address.city);
                "Secret Street 1".clone_into(&mut address.street);
            })
        })
    };
    let claim = state(&entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2))));
    for (addresses, words) in [
        (0, format!("{} has no address: create one first", ac(1))),
        (2, format!("addresses of {}: {} (Berlin, DE); {} (Berlin, DE)", ac(1), sid(1), sid(2))),
        (9, format!("{} (Berlin, DE) and more", sid(5))),
    ] {
        let setup = Setup::new(needing(addresses), &claim).await;
        let held = setup.run(&["plan", "-o", "json"]).await;
        let plan: Value = serde_json::from_str(&stdout(&held)).unwrap();
        let remedy = plan["held"][0]["remedy"].as_str().unwrap();
        assert!(remedy.contains(&words) && !remedy.contains("Street"), "{remedy}");
        let reads = || {
            let requests = setup.sim.requests().into_iter();
            requests.filter(|request| request.operation == Some(Operation::ListAddresses)).count()
        };
        assert_eq!(reads(), 1);
        if addresses > 0 {
            // The line of the remedy is a claim of the state.
            let line = remedy.split('`').nth(1).unwrap();
            setup.write(&claim.replace(&format!("\"{}\"", phone(2)), line));
            assert_eq!(code(&setup.run(&["apply"]).await), 0, "{line}");
            assert_eq!((setup.owner(2), reads()), (ac(1), 1), "nothing is held, so nothing is read");
        }
    }
}
