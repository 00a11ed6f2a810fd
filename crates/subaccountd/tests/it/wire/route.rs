//! The words about the way to Twilio: each names the host and the proxy, and what answered in the place of Twilio.

use futures_util::future::join_all;
use twilio_sim::{Fault, FaultKind, Operation};

use super::{
    Forbidden, command, eventful, fails_harmlessly,
    middle::{Harm, Middle, NAME},
    proxy::Proxy,
    started,
};
use crate::{
    leaks,
    support::{Daemon, Setup, code, entry, eventually, fleet, output, state, stderr},
};

const PASSWORD: &str = "a-proxy-password-that-nobody-may-see";

/// The error of a plan for `https://NAME` with these variables; each retry of the list has failed.
async fn error_of(url: &str, variables: &[(&str, &str)]) -> String {
    leaks::know(PASSWORD);
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (_, bundle) = Middle::with_tls(&setup).await;
    let mut plan = setup.command(&["plan", "--request-timeout", "3s", "--twilio-url", url]);
    plan.env("SSL_CERT_FILE", bundle).envs(variables.iter().copied());
    let ended = output(plan).await;
    assert_eq!(code(&ended), 1, "{}", stderr(&ended));
    assert_eq!(setup.sim.requests().len(), 0);
    stderr(&ended)
}

#[tokio::test]
async fn proxy_that_refuses_the_tunnel_is_named_with_its_status() {
    let refusals =
        ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway", "503 Service Unavailable"];
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    join_all(refusals.into_iter().zip(names).map(async |(refusal, name)| {
        let proxy = Proxy::before("127.0.0.1:1".parse().unwrap()).await;
        proxy.refuse(Some(refusal));
        let url = format!("http://someone:{PASSWORD}@{}", proxy.address);
        let error = error_of(&format!("https://{NAME}"), &[(name, &url)]).await;
        let words = format!(
            "no connection to Twilio at {NAME}: the proxy http://{} refused the tunnel",
            proxy.address
        );
        assert!(error.contains(&words), "{name}: {error}");
        assert!(error.contains(&format!("it answered `HTTP {refusal}`")), "{name}: {error}");
        assert!(!error.contains("Console") && !error.contains("someone"), "{error}");
        // The proxy was asked for nothing else, and with its password.
        assert!(
            proxy.heads().iter().all(|head| head.starts_with(&format!("CONNECT {NAME}:443 HTTP/1.1\r\n")))
        );
        let known = |head: &String| head.to_ascii_lowercase().contains("\r\nproxy-authorization: basic ");
        assert!(proxy.heads().iter().all(known), "{:?}", proxy.heads());
    }))
    .await;
}

#[tokio::test]
async fn proxy_that_is_not_there_or_hangs_up_is_named() {
    let gone = error_of(&format!("https://{NAME}"), &[("HTTPS_PROXY", "http://127.0.0.1:1")]).await;
    let words = format!(
        "no connection to Twilio at {NAME}: the proxy http://127.0.0.1:1 was not reached: Connection refused"
    );
    assert!(gone.contains(&words), "{gone}");
    // It lets the tunnel through, and nothing is behind it.
    let hangs_up = Forbidden::new().await;
    let url = hangs_up.url();
    let closed = tokio::spawn(async move {
        while let Ok((client, _)) = hangs_up.0.accept().await {
            drop(client);
        }
    });
    let error = error_of(&format!("https://{NAME}"), &[("HTTPS_PROXY", &url)]).await;
    closed.abort();
    assert!(error.contains(&format!("no connection to Twilio at {NAME}")) && error.contains(&url), "{error}");
}

#[tokio::test]
async fn host_that_takes_no_proxy_is_named_alone() {
    let variables = [("HTTPS_PROXY", "http://127.0.0.1:2"), ("NO_PROXY", "localhost")];
    let error = error_of("https://localhost:1", &variables).await;
    assert!(error.contains("no connection to Twilio at localhost:1: Connection refused"), "{error}");
    assert!(!error.contains("proxy"), "{error}");
    // Plain HTTP takes no proxy, whatever the environment says.
    let error = error_of(
        "http://127.0.0.1:1",
        &[("ALL_PROXY", "http://127.0.0.1:2"), ("HTTP_PROXY", "http://127.0.0.1:2")],
    )
    .await;
    assert!(error.contains("no connection to Twilio at 127.0.0.1:1: Connection refused"), "{error}");
    assert!(!error.contains("proxy"), "{error}");
}

/// The answers of a filter in the place of Twilio.
fn filtered() -> Vec<(Fault, &'static str)> {
    let html = |http| Fault::new(FaultKind::Status { http, code: None, after: false, retry_after: None });
    let redirect = Fault::new(FaultKind::Redirect { to: "http://portal.example".to_owned(), http: 302 });
    vec![
        (html(401), "HTTP 401: an HTML page"),
        (html(403), "HTTP 403: an HTML page"),
        (html(407), "HTTP 407: an HTML page"),
        (html(451), "HTTP 451: an HTML page"),
        (html(503), "HTTP 503: an HTML page"),
        (redirect, "HTTP 302: redirect to portal.example, not followed"),
    ]
}

/// The daemon does nothing, says who answered, and judges neither the credentials nor the account.
async fn is_no_word_of_twilio(setup: &Setup, daemon: &mut Daemon, words: &str) {
    fails_harmlessly(setup, daemon, words).await;
    let error = daemon.status().await["lastPass"]["error"].to_string();
    assert!(
        error.contains("which is not an answer of Twilio: a proxy, firewall or filter answered"),
        "{error}"
    );
    assert!(!error.contains("Console") && !error.contains("TWILIO_ACCOUNT_SID"), "{error}");
}

#[tokio::test]
async fn answer_of_a_filter_is_no_answer_of_twilio() {
    let setup = eventful().await;
    setup.sim.inject(Fault::status(404, 20404).on(Operation::ListAccounts));
    let mut daemon = started(&setup, command(&setup, &setup.sim.url())).await;
    for (fault, words) in filtered() {
        // At once, so that no pass comes between the two.
        setup.sim.faults().list = vec![fault.on(Operation::ListAccounts)];
        is_no_word_of_twilio(&setup, &mut daemon, words).await;
    }
    setup.sim.faults().clear();
    super::converges(&setup, &daemon).await;
}

#[tokio::test]
async fn page_with_200_is_no_answer_of_twilio() {
    join_all(["<html>Sign in</html>", "\n <!DOCTYPE html>", "Access denied by policy"].map(async |body| {
        let setup = eventful().await;
        let middle = Middle::before(&setup, Harm::Body(body)).await;
        let mut daemon = started(&setup, command(&setup, &middle.url())).await;
        is_no_word_of_twilio(&setup, &mut daemon, "the answer is not valid JSON").await;
        middle.set(Harm::Nothing);
        super::converges(&setup, &daemon).await;
    }))
    .await;
}

/// As gateways and cloud filters write it.
#[tokio::test]
async fn json_of_another_service_is_no_answer_of_twilio() {
    let answers = [
        ("403 Forbidden", r#"{"error": "blocked by policy"}"#),
        ("403 Forbidden", r#"{"message": "Forbidden"}"#),
        ("401 Unauthorized", r#"{"error": {"reason": "sign in"}}"#),
        ("400 Bad Request", r#" {"errors": []}"#),
    ];
    join_all(answers.map(async |(status, body)| {
        let setup = eventful().await;
        let middle = Middle::before(&setup, Harm::Refusal(status, body)).await;
        let mut daemon = started(&setup, command(&setup, &middle.url())).await;
        let words = format!("HTTP {}: JSON of another service", &status[..3]);
        is_no_word_of_twilio(&setup, &mut daemon, &words).await;
        middle.set(Harm::Nothing);
        super::converges(&setup, &daemon).await;
    }))
    .await;
}

/// Nothing proves that Twilio did not get the write: its outcome is unknown, and the next observation tells.
#[tokio::test]
async fn answer_of_a_filter_to_a_write_leaves_its_outcome_unknown() {
    for http in [403, 407] {
        let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
        let html = FaultKind::Status { http, code: None, after: true, retry_after: None };
        setup.sim.inject(Fault::new(html).on(Operation::UpdateAccount).times(1));
        let daemon = setup.daemon(&["--interval", "100ms"]).await;
        eventually("it is known", async || {
            daemon.metric("subaccountd_actions_total{kind=\"suspend\",result=\"unknown\"}").await == 1.0
        })
        .await;
        daemon.settled().await;
        assert_eq!(setup.posts().len(), 1, "{http}");
    }
}
