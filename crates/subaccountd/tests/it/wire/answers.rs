//! Reads whose answers are broken, wrong, giant, slow or without end.

use std::time::Duration;

use futures_util::future::join_all;
use twilio_sim::{AccountStatus, Fault, FaultKind, Operation};

use super::{
    Forbidden, converges, daemon, eventful, everything, fails_harmlessly,
    middle::{Harm, Middle},
};
use crate::support::{Daemon, Setup, entry, eventually, fleet, phone, state};

/// A page of a proxy or a filter in the place of Twilio's answer.
fn html(http: u16) -> Fault {
    Fault::new(FaultKind::Status { http, code: None, after: false, retry_after: None })
}

async fn survives_a_broken_account_list(fault: Fault, words: &str) {
    let setup = eventful().await;
    setup.sim.inject(fault.on(Operation::ListAccounts));
    let mut daemon = daemon(&setup, &setup.sim.url()).await;
    fails_harmlessly(&setup, &mut daemon, words).await;
    setup.sim.faults().clear();
    converges(&setup, &daemon).await;
}

#[tokio::test]
async fn account_list_that_breaks_changes_nothing_until_it_is_whole() {
    let cases = [
        (Fault::reset(), "connection lost (Connection reset by peer"),
        (Fault::new(FaultKind::Truncate { bytes: 300 }), "connection lost (end of file"),
        (Fault::new(FaultKind::Junk), "the answer is not valid JSON, expected a page of `accounts`"),
        (Fault::new(FaultKind::BigBody { bytes: 100_000_000 }), "the answer is larger than 16 MiB"),
        (Fault::status(503, 20503), "HTTP 503, Twilio error 20503"),
        (html(502), "HTTP 502: an HTML page, which is not an answer of Twilio"),
        (html(404), "HTTP 404: an HTML page, which is not an answer of Twilio"),
        (Fault::status(429, 20429), "HTTP 429, Twilio error 20429"),
    ];
    join_all(cases.map(|(fault, words)| survives_a_broken_account_list(fault, words))).await;
}

/// The first answer that is late stops no later one: the daemon is not slowed down for good.
#[tokio::test]
async fn account_list_that_is_late_changes_nothing_until_it_is_in_time() {
    let cases = [
        (Fault::new(FaultKind::Stall), "no answer within 1s"),
        (Fault::latency(60_000), "no answer within 1s"),
    ];
    join_all(cases.map(|(fault, words)| survives_a_broken_account_list(fault, words))).await;
}

/// Each of these answers is complete and wrong, so that it is not asked for again within the pass.
#[tokio::test]
async fn account_list_that_leads_elsewhere_or_in_a_circle_sends_the_token_nowhere() {
    let elsewhere = Forbidden::new().await;
    let redirect = |http| Fault::new(FaultKind::Redirect { to: elsewhere.url(), http });
    let cases = [
        (redirect(302), "HTTP 302: redirect to 127.0.0.1, not followed"),
        (redirect(307), "HTTP 307: redirect to 127.0.0.1, not followed"),
        (redirect(308), "HTTP 308: redirect to 127.0.0.1, not followed"),
        (Fault::new(FaultKind::RepeatPage), "`next_page_uri` repeats a page"),
        (
            Fault::new(FaultKind::ForeignNextPage { to: elsewhere.url() }),
            "`next_page_uri` has another origin than the list; it was not requested",
        ),
    ];
    let setup = eventful().await;
    setup.sim.inject(Fault::status(404, 20404).on(Operation::ListAccounts));
    let mut daemon = daemon(&setup, &setup.sim.url()).await;
    for (fault, words) in cases {
        // At once, so that no pass comes between the two.
        setup.sim.faults().list = vec![fault.on(Operation::ListAccounts)];
        fails_harmlessly(&setup, &mut daemon, words).await;
    }
    setup.sim.faults().clear();
    converges(&setup, &daemon).await;
    elsewhere.saw_nothing().await;
}

/// A daemon behind a server that does `harm` to the account list.
async fn harmed(harm: Harm) -> (Setup, Middle, Daemon) {
    let setup = eventful().await;
    let middle = Middle::before(&setup, harm).await;
    let daemon = daemon(&setup, &middle.url()).await;
    (setup, middle, daemon)
}

#[tokio::test]
async fn account_list_of_a_wrong_type_is_not_an_empty_fleet() {
    let page = "the answer is not a page of `accounts`";
    let cases = [
        ("", "the answer is not valid JSON, expected a page of `accounts`"),
        ("null", page),
        ("[]", page),
        ("{}", page),
        (r#""accounts""#, page),
        (r#"{"accounts": {}}"#, page),
        (r#"{"accounts": null}"#, page),
        (r#"{"accounts": [], "next_page_uri": 7}"#, page),
        (r#"{"accounts": [7]}"#, "cannot be read: a row of the list is not an account"),
        (r#"{"accounts": []}"#, "is missing from Twilio's account list"),
    ];
    join_all(cases.map(async |(body, words)| {
        let (setup, middle, mut daemon) = harmed(Harm::Body(body)).await;
        fails_harmlessly(&setup, &mut daemon, words).await;
        middle.set(Harm::Nothing);
        converges(&setup, &daemon).await;
    }))
    .await;
}

#[tokio::test]
async fn account_list_without_end_costs_400_requests_a_pass() {
    let (setup, middle, mut daemon) = harmed(Harm::Endless).await;
    fails_harmlessly(&setup, &mut daemon, "more than 400 pages").await;
    assert_eq!(daemon.status().await["lastPass"]["requests"], 400);
    assert!(middle.pages() >= 400);
    middle.set(Harm::Nothing);
    converges(&setup, &daemon).await;
}

/// Each byte comes in time, and the answer does not.
#[tokio::test]
async fn account_list_that_comes_byte_by_byte_is_given_up() {
    let (setup, middle, mut daemon) = harmed(Harm::Slow(Duration::from_millis(20))).await;
    fails_harmlessly(&setup, &mut daemon, "within 1s").await;
    middle.set(Harm::Nothing);
    converges(&setup, &daemon).await;
}

/// The numbers of accounts 2 and 4 cannot be told, so nothing is done about them, and all else goes on.
async fn survives_broken_number_lists(fault: Fault) {
    let (setup, what) = (eventful().await, format!("{:?}", fault.kind));
    setup.sim.inject(fault.on(Operation::ListNumbers));
    let daemon = daemon(&setup, &setup.sim.url()).await;
    eventually("the suspension goes on", async || setup.status_of(1) == AccountStatus::Suspended).await;
    eventually("the doubt is told", async || {
        let status = daemon.status().await;
        let held = status["plan"]["held"].as_array().unwrap();
        let told = held.iter().filter(|held| {
            held["reason"] == "Unreadable" && !held["remedy"].as_str().unwrap_or_default().is_empty()
        });
        held.len() == 2 && told.count() == 2
    })
    .await;
    assert_eq!(daemon.get("/readyz").await.0, 200, "{what}");
    daemon.more_passes(2).await;
    assert_eq!(setup.posts().len(), 1, "{what}: {:?}", setup.posts());
    setup.sim.faults().clear();
    // An edit of their entries ends the pauses of the lists.
    setup.write(&everything("again"));
    converges(&setup, &daemon).await;
}

#[tokio::test]
async fn number_lists_that_break_stop_what_depends_on_them_and_nothing_else() {
    let elsewhere = Forbidden::new().await;
    let cases = [
        Fault::reset(),
        Fault::new(FaultKind::Truncate { bytes: 200 }),
        Fault::new(FaultKind::Junk),
        Fault::new(FaultKind::Stall),
        Fault::new(FaultKind::RepeatPage),
        Fault::new(FaultKind::Redirect { to: elsewhere.url(), http: 302 }),
        Fault::new(FaultKind::ForeignNextPage { to: elsewhere.url() }),
    ];
    join_all(cases.map(survives_broken_number_lists)).await;
    elsewhere.saw_nothing().await;
}

/// Four lists of 400 MB each are asked for at once, and once.
#[tokio::test]
async fn giant_answers_do_not_fill_the_memory() {
    let entries = (1..=4).map(|n| entry(n, "active", &format!(", numbers: [\"{}\"]", phone(n))));
    let setup =
        Setup::new(fleet(5, 4), &state(&(entries.collect::<String>() + &entry(5, "suspended", "")))).await;
    setup
        .sim
        .inject(Fault::new(FaultKind::BigBody { bytes: 400_000_000 }).on(Operation::ListNumbers).times(4));
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    let mut most = 0.0_f64;
    eventually("the other write", async || {
        most = most.max(daemon.metric("process_resident_memory_bytes").await);
        setup.status_of(5) == AccountStatus::Suspended
    })
    .await;
    daemon.settled().await;
    assert!(setup.sim.faults().list[0].seen > 4, "the lists were read after all");
    assert!(most < 250.0e6, "{most} bytes");
}
