//! The commands: their output and their exit codes.

use std::fs;

use serde_json::Value;
use twilio_sim::{AccountStatus, Fault, Operation};

use crate::support::{Setup, ac, bare, code, entry, fleet, output, phone, state, stderr, stdout};

#[tokio::test]
async fn a_plan_exits_with_what_it_found() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "active", ""))).await;
    let of = async |state: &str, args: &[&str]| {
        setup.write(state);
        code(&setup.run(&[&["plan"], args].concat()).await)
    };
    let settled = state(&entry(1, "active", ""));
    let pending = state(&entry(1, "suspended", ""));
    let held = state(&entry(9, "active", ""));
    assert_eq!(of(&settled, &["--detailed-exitcode"]).await, 0);
    assert_eq!(of(&pending, &[]).await, 0);
    assert_eq!(of(&pending, &["--detailed-exitcode"]).await, 2);
    assert_eq!(of(&held, &["--detailed-exitcode"]).await, 3);
    assert_eq!(of(&(state(&entry(9, "activ", "")) + &entry(1, "suspended", "")), &[]).await, 1);
    assert_eq!(of("", &[]).await, 1);
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_plan_as_json_has_the_keys_of_the_contract() {
    let entries = entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2))) + &entry(9, "active", "");
    let setup = Setup::new(fleet(2, 2), &state(&entries)).await;
    let plan: Value = serde_json::from_str(&stdout(&setup.run(&["plan", "-o", "json"]).await)).unwrap();
    let transfer = serde_json::json!({
        "kind": "transfer", "account": ac(1), "number": phone(2), "from": ac(2), "to": ac(1), "name": null,
        "count": null
    });
    assert_eq!(plan["actions"], serde_json::json!([transfer]));
    let held = plan["held"][0].as_object().unwrap();
    let keys: Vec<_> = held.keys().map(String::as_str).collect();
    assert_eq!(keys, ["account", "kind", "message", "name", "number", "reason", "remedy", "since"]);
    assert_eq!((&held["reason"], &held["number"]), (&"UnknownAccount".into(), &Value::Null));
    assert!(plan["digest"].is_string());
}

#[tokio::test]
async fn a_plan_with_faults_prints_what_is_left_and_the_faults_beside() {
    let setup = Setup::new(fleet(2, 0), &state(&(entry(1, "suspended", "") + &entry(2, "activ", "")))).await;
    let plan = setup.run(&["plan"]).await;
    assert_eq!(code(&plan), 1);
    assert!(stdout(&plan).contains(&format!("{} (a1)\n  suspend\n", ac(1))), "{}", stdout(&plan));
    assert!(stderr(&plan).contains("did you mean `active`?"), "{}", stderr(&plan));
}

#[tokio::test]
async fn apply_passes_until_nothing_is_left() {
    let entries =
        entry(1, "suspended", "") + &entry(2, "closed", ", close: {confirm: a2, moveNumbersToMain: true}");
    let setup = Setup::new(fleet(2, 2), &state(&entries)).await;
    let applied = setup.run(&["apply", "--close-after", "0s"]).await;
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    assert_eq!((setup.status_of(1), setup.status_of(2)), (AccountStatus::Suspended, AccountStatus::Closed));
    assert_eq!(setup.owner(2), ac(0));
}

#[tokio::test]
async fn apply_exits_with_3_when_something_is_held_and_with_1_when_a_write_is_unknown() {
    let held = Setup::new(fleet(1, 1), &state(&entry(1, "closed", ", close: {confirm: a1}"))).await;
    assert_eq!(code(&held.run(&["apply"]).await), 3);
    let lost = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    lost.sim.inject(Fault::reset().on(Operation::UpdateAccount));
    let applied = lost.run(&["apply"]).await;
    assert_eq!(code(&applied), 1);
    assert!(stderr(&applied).contains("the outcome of a write is unknown"), "{}", stderr(&applied));
}

#[tokio::test]
async fn a_refused_action_is_not_tried_again_within_one_apply() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    setup.sim.inject(Fault::status(400, 21476 + 4).on(Operation::UpdateAccount));
    let applied = setup.run(&["apply"]).await;
    assert_eq!(code(&applied), 3, "{}", stderr(&applied));
    assert_eq!(setup.posts().len(), 1);
    assert!(stdout(&applied).contains("RefusedByTwilio"), "{}", stdout(&applied));
}

#[tokio::test]
async fn wrong_usage_exits_with_64_and_says_what_to_write() {
    let setup = Setup::new(fleet(1, 0), &state("")).await;
    for (args, words) in [
        (vec!["plan", "--max-closes", "101%"], "a percentage from 0% to 100%"),
        (vec!["plan", "--interval", "5s"], "unexpected argument"),
        (vec!["run", "--interval", "soon"], "write a duration as in"),
        (vec!["plan", "--account-sid", "SK00000000000000000000000000000001"], "this is an API key"),
        (vec!["plan", "--verbs", "destroy"], "invalid value 'destroy'"),
        (vec!["run", "--dry-run=perhaps"], "write true, false, 1 or 0"),
        (vec!["plan", "--log", "=="], "is not a filter"),
        (vec![], "Usage"),
    ] {
        let ended = setup.run(&args).await;
        assert_eq!(code(&ended), 64, "{args:?}: {}", stderr(&ended));
        assert!(stderr(&ended).contains(words), "{args:?}: {}", stderr(&ended));
    }
}

#[tokio::test]
async fn an_unknown_variable_of_our_prefix_is_an_error_and_an_injected_one_is_not() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let mut typo = setup.command(&["plan"]);
    typo.env("SUBACCOUNTD_MAX_CLOSE", "0");
    let ended = output(typo).await;
    assert_eq!(code(&ended), 64);
    assert!(stderr(&ended).contains("SUBACCOUNTD_MAX_CLOSE is not a setting"), "{}", stderr(&ended));
    let mut injected = setup.command(&["plan"]);
    injected
        .env("SUBACCOUNTD_SERVICE_HOST", "10.0.0.1")
        .env("SUBACCOUNTD_PORT_8080_TCP", "tcp://10.0.0.1:8080");
    assert_eq!(code(&output(injected).await), 0);
}

#[tokio::test]
async fn missing_token_and_plain_http_to_a_remote_host_are_errors() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let mut command = setup.command(&["plan"]);
    command.env_remove("TWILIO_AUTH_TOKEN");
    let ended = output(command).await;
    assert_eq!(code(&ended), 64, "{}", stderr(&ended));
    assert!(stderr(&ended).contains("TWILIO_AUTH_TOKEN"), "{}", stderr(&ended));
    let ended = setup.run(&["plan", "--twilio-url", "http://api.example.com"]).await;
    assert_eq!(code(&ended), 64, "{}", stderr(&ended));
    assert!(stderr(&ended).contains("https"), "{}", stderr(&ended));
}

#[tokio::test]
async fn a_token_file_wins_over_the_variable() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let file = setup.dir.path().join(".token");
    fs::write(&file, format!("{}\n", crate::support::TOKEN)).unwrap();
    let mut command = setup.command(&["plan"]);
    command.env("TWILIO_AUTH_TOKEN", "wrong").env("TWILIO_AUTH_TOKEN_FILE", &file);
    assert_eq!(code(&output(command).await), 0);
}

#[tokio::test]
async fn validate_reads_all_paths_as_one_state_and_shows_every_fault_as_a_compiler_does() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    fs::write(at("a.yaml"), state(&entry(1, "actve", ""))).unwrap();
    fs::write(at("b.yaml"), "apiVersion: subaccountd/v1\nkind: DesiredState\nsubaccounts: []\n").unwrap();
    let good = output(bare(&["validate", &at("b.yaml")])).await;
    assert_eq!(code(&good), 1);
    assert!(stdout(&good).contains("the desired state has no `mainAccount`"), "{}", stdout(&good));
    let both = output(bare(&["validate", &at("a.yaml"), &at("b.yaml")])).await;
    assert_eq!(code(&both), 1);
    let shown = stdout(&both).replace(&format!("{}/", dir.path().display()), "");
    insta::assert_snapshot!(shown, @r"
    error[SD027]: `actve` is not a valid status
     --> a.yaml:5:55
      |
    5 |   - {sid: AC00000000000000000000000000000001, status: actve}
      |                                                       ^^^^^
      |
    help: did you mean `active`?
      |
    5 |   - {sid: AC00000000000000000000000000000001, status: active}
      |                                                          +

    1 fault; see `subaccountd validate --explain SD027`
    ");
    fs::write(at("a.yaml"), state(&entry(1, "active", ""))).unwrap();
    let valid = output(bare(&["validate", &at("a.yaml"), &at("b.yaml")])).await;
    assert_eq!((code(&valid), stdout(&valid).as_str()), (0, "valid: 1 subaccount, 0 numbers, 2 files\n"));
}

#[tokio::test]
async fn validate_prints_json_and_annotations_of_a_workflow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a,b: 100%.yaml").display().to_string();
    fs::write(&path, state(&(entry(1, "active", "") + &entry(1, "actve", "")))).unwrap();
    let shown =
        |ended: &std::process::Output| stdout(ended).replace(&format!("{}/", dir.path().display()), "");

    let json = output(bare(&["validate", "-o", "json", &path])).await;
    assert_eq!(code(&json), 1);
    insta::assert_snapshot!(shown(&json), @r#"
    {
      "valid": false,
      "files": 1,
      "subaccounts": 0,
      "numbers": 0,
      "faults": [
        {
          "code": "SD031",
          "file": "a,b: 100%.yaml",
          "line": 6,
          "column": 11,
          "endColumn": 45,
          "message": "AC00000000000000000000000000000001 is listed twice: also on line 5",
          "help": "keep one of the entries; until then, all of them are ignored",
          "replacement": null,
          "related": {
            "file": "a,b: 100%.yaml",
            "line": 5,
            "column": 11,
            "endColumn": 45,
            "message": "first listed here"
          }
        },
        {
          "code": "SD027",
          "file": "a,b: 100%.yaml",
          "line": 6,
          "column": 55,
          "endColumn": 60,
          "message": "`actve` is not a valid status",
          "help": "did you mean `active`?",
          "replacement": "active",
          "related": null
        }
      ]
    }
    "#);

    let github = output(bare(&["validate", "-o", "github", &path])).await;
    assert_eq!(code(&github), 1);
    insta::assert_snapshot!(shown(&github), @r"
    ::error file=a%2Cb%3A 100%25.yaml,line=6,endLine=6,col=11,endColumn=45,title=SD031%3A an account that is listed twice::AC00000000000000000000000000000001 is listed twice: also on line 5%0Ahelp: keep one of the entries; until then, all of them are ignored%0Afirst listed here: a,b: 100%25.yaml:5:11
    ::error file=a%2Cb%3A 100%25.yaml,line=6,endLine=6,col=55,endColumn=60,title=SD027%3A an unknown status::`actve` is not a valid status%0Ahelp: did you mean `active`?
    2 faults: SD027, SD031; see `subaccountd validate --explain SD031`
    ");

    fs::write(&path, state(&entry(1, "active", ""))).unwrap();
    let valid = output(bare(&["validate", "-o", "json", &path])).await;
    assert_eq!(code(&valid), 0);
    let valid: Value = serde_json::from_str(&stdout(&valid)).unwrap();
    assert_eq!(
        valid,
        serde_json::json!({"valid": true, "files": 1, "subaccounts": 1, "numbers": 0, "faults": []})
    );
}

#[tokio::test]
async fn validate_explains_every_code_and_says_which_there_are() {
    let one = output(bare(&["validate", "--explain", "sd014"])).await;
    assert_eq!(
        (code(&one), stdout(&one).as_str()),
        (0, subaccountd_core::manifest::DiagnosticCode::UnknownKey.explanation())
    );
    let all = output(bare(&["validate", "--explain", "all"])).await;
    assert_eq!(code(&all), 0);
    for known in subaccountd_core::manifest::DiagnosticCode::ALL {
        assert!(stdout(&all).contains(known.explanation()), "{known}");
    }
    for (asked, answer) in [("SD14", "did you mean SD014?"), ("SD999", "codes go from SD001 to SD056")] {
        let unknown = output(bare(&["validate", "--explain", asked])).await;
        assert_eq!(code(&unknown), 64);
        assert!(stderr(&unknown).contains(answer), "{}", stderr(&unknown));
    }
    for wrong in [&["validate"][..], &["validate", "--explain", "SD014", "a.yaml"]] {
        assert_eq!(code(&output(bare(wrong)).await), 64, "{wrong:?}");
    }
}

#[tokio::test]
async fn the_schema_is_the_one_in_the_repository() {
    let printed = output(bare(&["schema"])).await;
    let kept = include_str!("../../../../config/schema/desired-state.v1.schema.json");
    assert_eq!((code(&printed), stdout(&printed).as_str()), (0, kept));
}

#[tokio::test]
async fn the_demo_states_are_valid() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config");
    for state in ["demo/state/desired.yaml", "desired-state.example.yaml"] {
        let ended = output(bare(&["validate", &format!("{config}/{state}")])).await;
        assert_eq!(code(&ended), 0, "{}", stdout(&ended));
    }
}
