//! The endpoints: names, shapes and codes are public interface.

use serde_json::{Value, json};
use twilio_sim::AccountStatus;

use crate::support::{Setup, ac, bare, code, entry, fleet, output, phone, state};

/// Every metric of the contract with the labels of one series that exists from the start.
const SERIES: &[&str] = &[
    "subaccountd_build_info{revision=\"unknown\",version=\"0.1.0\"}",
    "subaccountd_desired_state_valid",
    "subaccountd_desired_state_faults",
    "subaccountd_desired_state_last_change_timestamp_seconds",
    "subaccountd_desired_subaccounts{status=\"closed\"}",
    "subaccountd_observed_subaccounts{managed=\"false\",status=\"suspended\"}",
    "subaccountd_observed_numbers{managed=\"true\"}",
    "subaccountd_passes_total{result=\"failed\"}",
    "subaccountd_pass_duration_seconds_count",
    "subaccountd_last_pass_timestamp_seconds",
    "subaccountd_last_success_timestamp_seconds",
    "subaccountd_credentials_valid",
    "subaccountd_planned_actions{kind=\"reactivate\"}",
    "subaccountd_held_items{reason=\"Contested\"}",
    "subaccountd_held_oldest_timestamp_seconds{reason=\"OverLimit\"}",
    "subaccountd_actions_total{kind=\"close\",result=\"unknown\"}",
    "subaccountd_budget_remaining{kind=\"release\"}",
    "subaccountd_numbers_at_risk",
    "subaccountd_twilio_requests_total{operation=\"update_number\",outcome=\"rate_limited\"}",
    "subaccountd_twilio_request_duration_seconds_count{operation=\"fetch_account\"}",
    "subaccountd_twilio_in_flight_limit",
    "process_resident_memory_bytes",
];

#[tokio::test]
async fn every_metric_of_the_contract_exists_from_the_start() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--max-closes", "100%"]).await;
    daemon.settled().await;
    for series in SERIES {
        daemon.metric(series).await;
    }
    assert_eq!(daemon.metric("subaccountd_budget_remaining{kind=\"close\"}").await, f64::INFINITY);
    assert!(daemon.get("/metrics").await.1.contains("subaccountd_budget_remaining{kind=\"close\"} +Inf\n"));
    assert_eq!(daemon.metric("subaccountd_desired_state_valid").await, 1.0);
    assert_eq!(daemon.metric("subaccountd_credentials_valid").await, 1.0);
    let text = daemon.get("/metrics").await.1;
    assert!(!text.contains("AC0000"), "no SID is a label");
}

#[tokio::test]
async fn the_status_has_the_shape_of_the_contract() {
    let entries = entry(1, "active", ", reason: paid, labels: {owner: billing}")
        + &entry(2, "closed", ", close: {confirm: another}")
        + &entry(3, "closed", ", close: {confirm: gone}");
    let setup = Setup::new(fleet(2, 0), &state(&entries)).await;
    let daemon = setup.daemon(&["--dry-run"]).await;
    daemon.first_pass().await;
    let status = daemon.status().await;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&status), "accounts desiredState lastPass mainAccount mode plan version");
    assert_eq!(keys(&status["desiredState"]), "faults frozen loadedAt paused revision sha256 valid");
    assert_eq!(keys(&status["lastPass"]), "error finishedAt requests result startedAt");
    assert_eq!(keys(&status["plan"]), "actions digest held notKnown");
    assert_eq!(status["mode"], "dry-run");
    let condition = |n: usize| {
        let condition = &status["accounts"][n]["conditions"][0];
        json!([condition["type"], condition["status"], condition["reason"]])
    };
    assert_eq!(condition(0), json!(["Synced", "True", "InSync"]));
    assert_eq!(condition(1), json!(["Synced", "False", "NameMismatch"]));
    assert_eq!(condition(2), json!(["Synced", "True", "Absent"]));
    let held = &status["plan"]["held"];
    assert_eq!((&held[0]["kind"], &held[0]["account"]), (&json!("close"), &json!(ac(2))));
}

#[tokio::test]
async fn before_the_first_pass_has_ended_the_state_is_shown_and_the_rest_is_null() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "activ", ""))).await;
    setup.sim.inject(twilio_sim::Fault::new(twilio_sim::FaultKind::Stall));
    let daemon = setup.daemon(&[]).await;
    crate::support::eventually("the state", async || daemon.get("/status").await.0 == 200).await;
    let status = daemon.status().await;
    assert_eq!(
        status["lastPass"],
        json!({"result": null, "startedAt": null, "finishedAt": null, "requests": 0, "error": null})
    );
    assert_eq!(status["desiredState"]["faults"][0]["help"], "did you mean `active`?");
    assert_eq!(status["plan"], json!({"digest": null, "actions": [], "held": [], "notKnown": []}));
    assert_eq!(daemon.metric("subaccountd_desired_state_faults").await, 1.0);
    assert_eq!(daemon.get("/").await.0, 200);
    assert_eq!(daemon.get("/readyz").await.0, 503);
}

#[tokio::test]
async fn held_item_keeps_its_since_over_passes() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(9, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "50ms"]).await;
    daemon.first_pass().await;
    let since = daemon.status().await["plan"]["held"][0]["since"].clone();
    assert!(since.is_string());
    daemon.more_passes(3).await;
    assert_eq!(daemon.status().await["plan"]["held"][0]["since"], since);
    let oldest = daemon.metric("subaccountd_held_oldest_timestamp_seconds{reason=\"UnknownAccount\"}").await;
    assert!(oldest > 1.0e9, "{oldest}");
}

#[tokio::test]
async fn held_item_keeps_its_since_over_restarts_and_is_not_told_again() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(9, "active", ""))).await;
    let held = async |daemon: &crate::support::Daemon| daemon.status().await["plan"]["held"][0].clone();
    let mut daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.first_pass().await;
    let since = held(&daemon).await["since"].clone();
    assert!(daemon.log().contains("held: "), "{}", daemon.log());
    daemon.signal("TERM");
    daemon.ended().await;
    // A dry run reads it, and so does the next daemon.
    for (args, restarts) in [(&["--interval", "1h", "--dry-run"][..], 1), (&["--interval", "1h"], 2)] {
        let daemon = setup.daemon(args).await;
        daemon.first_pass().await;
        assert_eq!(held(&daemon).await["since"], since, "{restarts}");
        let log = daemon.log();
        assert!(log.contains("held as before the restart: 1 item") && !log.contains(r#""held: "#), "{log}");
    }
    // It is held anew after it was not.
    setup.write(&state("  []\n"));
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    setup.write(&state(&entry(9, "active", "")));
    crate::support::eventually("held again", async || held(&daemon).await["since"].is_string()).await;
    assert_ne!(held(&daemon).await["since"], since);
}

#[tokio::test]
async fn page_escapes_text_of_customers_and_files() {
    let world = fleet(1, 0).account(&ac(2), "<script>alert(1)</script>", AccountStatus::Active);
    let setup = Setup::new(world, &state(&entry(2, "suspended", ", paused: true"))).await;
    let daemon = setup.daemon(&[]).await;
    daemon.first_pass().await;
    let page = daemon.get("/").await.1;
    assert!(page.contains("&#60;script&#62;alert(1)") && !page.contains("<script>"), "{page}");
    let answer = daemon.http().get(daemon.url()).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for query in ["q=%3Cscript%3Ealert(2)", "show=%3Cscript%3E", "page=%00", "%", "&&==", &"a".repeat(4000)] {
        let (code, page) = daemon.get(&format!("/?{query}")).await;
        assert_eq!(code, 200, "{query}");
        assert!(!page.contains("<script>") && !page.contains('\0'), "{query}");
    }
}

#[tokio::test]
async fn page_shows_the_writes_and_the_later_passes_without_writes() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(2, "suspended", ", reason: unpaid"))).await;
    let daemon = setup.daemon(&["--interval", "50ms"]).await;
    daemon.settled().await;
    daemon.more_passes(3).await;
    let page = daemon.get("/").await.1;
    let passes = page.split("<section id=\"passes\"").nth(1).unwrap();
    assert!(passes.contains("passes in a row") && passes.contains(">done</span> suspend"), "{passes}");
    assert!(page.contains("<title>all in sync · subaccountd</title>"), "{page}");
}

#[tokio::test]
async fn probes_ask_the_running_daemon() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&[]).await;
    daemon.settled().await;
    for what in ["live", "ready"] {
        assert_eq!(code(&output(bare(&["probe", what, "--url", daemon.url()])).await), 0, "{what}");
    }
    let nobody = output(bare(&["probe", "live", "--url", "http://127.0.0.1:1"])).await;
    assert_eq!(code(&nobody), 1);
    setup.write("");
    let unready = setup.daemon(&["--journal-dir", "none"]).await;
    crate::support::eventually("told", async || unready.get("/readyz").await.1.contains("no readable")).await;
    assert_eq!(code(&output(bare(&["probe", "ready", "--url", unready.url()])).await), 1);
    assert_eq!(code(&output(bare(&["probe", "live", "--url", unready.url()])).await), 0);
}

#[tokio::test]
async fn the_status_can_be_turned_off() {
    let setup =
        Setup::new(fleet(1, 1), &state(&entry(1, "active", &format!(", numbers: [\"{}\"]", phone(1))))).await;
    let listen = "127.0.0.1:0";
    let mut command = setup.command(&["run", "--listen", listen, "--status-listen", "none"]);
    command.env("SUBACCOUNTD_LOG_FORMAT", "json");
    let log = setup.dir.path().join(".log");
    let daemon = crate::support::Daemon::start_as_is(command, &log).await;
    assert_eq!(daemon.get("/livez").await.0, 200);
    assert_eq!((daemon.get("/status").await.0, daemon.get("/").await.0), (404, 404));
}

/// The HTTP status of a GET with these headers.
async fn asked(url: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status().as_u16()
}

/// A page of another site that rebinds its name to the address of the daemon asks for that name.
#[tokio::test]
async fn status_is_not_served_under_a_public_name_that_is_not_listed() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--status-hosts", "status.example.com, other.example"]).await;
    daemon.settled().await;
    for path in ["/status", "/snapshot", "/", "/?q=a"] {
        let url = format!("{}{path}", daemon.url());
        assert_eq!(asked(&url, &[("host", "evil.example")]).await, 421, "{path}");
        assert_eq!(asked(&url, &[("host", "localhost.evil.example:8081")]).await, 421, "{path}");
        for host in ["status.example.com", "other.example", "subaccountd:8081", "a.b.svc", "[::1]:1"] {
            assert_eq!(asked(&url, &[("host", host)]).await, 200, "{path} {host}");
        }
    }
    let without_a_list = setup.daemon(&["--journal-dir", "none"]).await;
    let url = format!("{}/status", without_a_list.url());
    assert_eq!(asked(&url, &[("host", "evil.example")]).await, 421);
    // Probes and metrics name no customer.
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(asked(&format!("{}{path}", daemon.url()), &[("host", "evil.example")]).await, 200);
    }
}

#[tokio::test]
async fn status_with_a_token_is_for_who_has_it() {
    let token = "a-status-token-of-the-test";
    crate::leaks::know_token(token);
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let file = setup.dir.path().join(".status-token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let mut run = setup.command(&["run"]);
    run.env("SUBACCOUNTD_STATUS_TOKEN_FILE", &file);
    let daemon = crate::support::Daemon::start(run, &setup.dir.path().join(".log")).await;
    let url = daemon.url().to_owned();
    let basic =
        format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("me:{token}")));
    let bearer = format!("Bearer {token}");
    let ready = async || asked(&format!("{url}/readyz"), &[]).await == 200;
    crate::support::eventually("ready", ready).await;
    for path in ["/status", "/snapshot", "/"] {
        let url = format!("{url}{path}");
        for none in [
            &[][..],
            &[("authorization", "Bearer a-status-token-of-the-tes")],
            &[("authorization", "Basic x")],
        ] {
            assert_eq!(asked(&url, none).await, 401, "{path} {none:?}");
        }
        // The token is what counts, and not the name.
        for authorization in [&bearer, &basic] {
            let headers = [("authorization", authorization.as_str()), ("host", "status.example.com")];
            assert_eq!(asked(&url, &headers).await, 200, "{path} {authorization}");
        }
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(asked(&format!("{url}{path}"), &[]).await, 200);
    }
    for args in
        [&["status", "--url", &url][..], &["plan", "--from", &url], &["explain", &ac(1), "--from", &url]]
    {
        let mut command = setup.command(args);
        let denied = output(setup.command(args)).await;
        assert_eq!(code(&denied), 1, "{args:?}");
        assert!(crate::support::stderr(&denied).contains("needs the status token"), "{args:?}");
        command.env("SUBACCOUNTD_STATUS_TOKEN_FILE", &file);
        assert_eq!(code(&output(command).await), 0, "{args:?}");
    }
    let other = "another-status-token-of-the-test";
    crate::leaks::know_token(other);
    std::fs::write(&file, other).unwrap();
    assert_eq!(asked(&format!("{url}/status"), &[("authorization", &bearer)]).await, 401);
    assert_eq!(asked(&format!("{url}/status"), &[("authorization", &format!("Bearer {other}"))]).await, 200);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(asked(&format!("{url}/status"), &[("authorization", &bearer)]).await, 503);
}

#[tokio::test]
async fn status_token_that_is_unusable_at_the_start_is_wrong_usage() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let file = setup.dir.path().join(".status-token");
    std::fs::write(&file, "short\n").unwrap();
    let run = setup.run(&["run", "--status-token-file", file.to_str().unwrap()]).await;
    assert_eq!(code(&run), 64);
    assert!(crate::support::stderr(&run).contains("less than 16 characters"));
}
