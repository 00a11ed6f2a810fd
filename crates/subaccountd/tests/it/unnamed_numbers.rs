//! Numbers that Twilio shows without an E.164 phone number: null, a short code or a SIP address. Each is known by its SID,
//! keeps its account from being closed, and hides no other number.

use serde_json::Value;
use twilio_sim::{AccountStatus, Fault, Operation};

use crate::support::{Setup, ac, code, entry, eventually, flat, fleet, phone, state, stderr, stdout};

/// The texts that Twilio shows as the phone number; null is empty.
const SHOWN: [&str; 3] = ["", "38436", "sip:desk@example.com"];

fn pn(n: u64) -> String {
    format!("PN{n:032x}")
}

/// A fleet in which account 2 holds its number and one that is `shown` so, which is number 9.
async fn holding(shown: &str, state: &str) -> Setup {
    let world = fleet(3, 3).number(&pn(9), &phone(9), &ac(2));
    let setup = Setup::new(world, state).await;
    setup.sim.edit_number(&pn(9), |number| shown.clone_into(&mut number.phone_number)).unwrap();
    setup
}

/// The state closes account 2, and moves its numbers to the main account.
fn closing(more: &str) -> String {
    state(&entry(2, "closed", &format!(", close: {{confirm: a2, moveNumbersToMain: true{more}}}")))
}

/// The item that holds the close of account 2.
fn held(status: &Value) -> Option<&Value> {
    status.as_array()?.iter().find(|held| held["account"] == ac(2) && held["kind"] == "close")
}

#[tokio::test]
async fn number_without_e164_blocks_the_close_of_its_account_alone() {
    for shown in SHOWN {
        let claim = entry(3, "active", &format!(", numbers: [\"{}\"]", phone(1)));
        let setup = holding(shown, &(closing("") + &claim)).await;
        let daemon = setup
            .daemon(&[
                "--interval",
                "100ms",
                "--close-after",
                "0s",
                "--max-closes",
                "100%",
                "--max-released-numbers",
                "9",
            ])
            .await;
        // The other numbers of its list and of other accounts move.
        eventually("the others move", async || setup.owner(2) == ac(0) && setup.owner(1) == ac(3)).await;
        let mut message = String::new();
        eventually("the close is held", async || {
            let status = daemon.status().await;
            let found = held(&status["plan"]["held"]);
            message =
                found.map_or_else(String::new, |held| format!("{} {}", held["message"], held["remedy"]));
            found.is_some_and(|held| held["reason"] == "StillHoldsNumbers")
                && status["plan"]["actions"].as_array().is_some_and(Vec::is_empty)
        })
        .await;
        assert!(message.contains(&pn(9)) && message.contains("in the Twilio Console"), "{message}");
        daemon.more_passes(2).await;
        assert_eq!(setup.status_of(2), AccountStatus::Active, "{shown:?}");
        assert_eq!(setup.sim.world().number(&pn(9)).unwrap().owner.as_str(), ac(2));
        assert_eq!(daemon.status().await["lastPass"]["result"], "success");
        // When people move it away, the account is closed, and nothing is lost.
        setup.sim.edit_number(&pn(9), |number| number.owner = ac(0).parse().unwrap()).unwrap();
        setup.write(&(closing("") + &claim.replace("numbers", "reason: look everywhere, numbers")));
        setup
            .write(&state(&(entry(2, "closed", ", close: {confirm: a2, moveNumbersToMain: true}") + &claim)));
        eventually("closed", async || setup.status_of(2) == AccountStatus::Closed).await;
        assert!(setup.sim.world().released().is_empty());
    }
}

/// Twilio shows the list of a suspended account as empty.
#[tokio::test]
async fn number_without_e164_is_remembered_over_an_empty_list_and_a_restart() {
    for shown in SHOWN {
        let setup =
            holding(shown, &state(&(entry(2, "active", "") + &entry(1, "closed", ", close: {confirm: a1}"))))
                .await;
        // A search for a claimed number reads every list.
        setup.write(&state(&entry(2, "active", &format!(", numbers: [\"{}\"]", phone(2)))));
        assert_eq!(code(&setup.run(&["apply"]).await), 0);
        let switches = setup.sim.world().switches().with("suspendedNumbers=empty").unwrap();
        *setup.sim.world().switches_mut() = switches;
        setup.suspend_elsewhere(2);
        setup.write(&state(&entry(
            2,
            "closed",
            &format!(", close: {{confirm: a2, release: [\"{}\"]}}", phone(2)),
        )));
        let args = ["apply", "--close-after", "0s", "--max-closes", "100%", "--max-released-numbers", "9"];
        let applied = setup.run(&args).await;
        assert_eq!(code(&applied), 3, "{}", stderr(&applied));
        let words = format!("1 without an E.164 phone number and in no number list any more: {}", pn(9));
        assert!(flat(&applied).contains(&words), "{}", stdout(&applied));
        assert_eq!(setup.status_of(2), AccountStatus::Suspended);
        assert!(setup.sim.world().released().is_empty());
    }
}

#[tokio::test]
async fn number_without_e164_is_explained_and_imported_as_a_remark() {
    for shown in SHOWN {
        let setup = holding(shown, &closing("")).await;
        let explained = setup.run(&["explain", &pn(9)]).await;
        assert_eq!(code(&explained), 0, "{}", stderr(&explained));
        let text = flat(&explained);
        assert!(
            text.starts_with(&format!("{}: in {} (a2); it has no E.164 phone number", pn(9), ac(2))),
            "{text}"
        );
        let account = flat(&setup.run(&["explain", &ac(2)]).await);
        assert!(account.contains(&format!("2 numbers: {}, {}", phone(2), pn(9))), "{account}");
        let imported = setup.run(&["import"]).await;
        assert_eq!(code(&imported), 0, "{}", stderr(&imported));
        let remark = format!("# \"{}\" is skipped: its phone number is not in E.164", pn(9));
        assert!(stdout(&imported).contains(&remark), "{}", stdout(&imported));
        setup.write(&stdout(&imported));
        assert_eq!(code(&setup.run(&["plan", "--detailed-exitcode"]).await), 0);
    }
}

#[tokio::test]
async fn number_of_a_wrong_type_still_makes_its_list_unreadable() {
    for raw in ["{}", "true", "38436"] {
        let setup = holding("38436", &closing("")).await;
        setup.sim.inject(Fault::raw_value(&pn(9), "phone_number", raw).on(Operation::ListNumbers));
        let plan: Value = serde_json::from_str(&stdout(&setup.run(&["plan", "-o", "json"]).await)).unwrap();
        assert_eq!(held(&plan["held"]).unwrap()["reason"], "Unreadable", "{raw}: {plan}");
    }
}
