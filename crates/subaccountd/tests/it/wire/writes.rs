//! Writes whose answers are broken, and storms of 429.

use futures_util::future::join_all;
use twilio_sim::{AccountStatus, Fault, FaultKind, Operation};

use super::{Forbidden, daemon};
use crate::support::{Setup, ac, entry, eventually, fleet, state};

/// A suspension whose first answer is broken is unknown. It is sent again when it was not performed, and only then.
async fn suspends_once(fault: Fault, performed: bool) {
    let (setup, what) =
        (Setup::new(fleet(2, 0), &state(&entry(1, "suspended", ""))).await, format!("{:?}", fault.kind));
    setup.sim.inject(fault.on(Operation::UpdateAccount).times(1));
    let daemon = daemon(&setup, &setup.sim.url()).await;
    daemon.settled().await;
    assert_eq!(setup.status_of(1), AccountStatus::Suspended, "{what}");
    assert_eq!(setup.posts().len(), if performed { 1 } else { 2 }, "{what}: {:?}", setup.posts());
    let series = "subaccountd_actions_total{kind=\"suspend\",result=\"unknown\"}";
    assert_eq!(daemon.metric(series).await, 1.0, "{what}");
    assert!(daemon.log().contains(r#""action.result":"unknown""#), "{what}");
}

#[tokio::test]
async fn write_with_a_broken_answer_is_performed_once() {
    let elsewhere = Forbidden::new().await;
    let redirect = |http| Fault::new(FaultKind::Redirect { to: elsewhere.url(), http });
    let html = |after| Fault::new(FaultKind::Status { http: 502, code: None, after, retry_after: None });
    let cases = [
        (redirect(302), false),
        (redirect(307), false),
        (redirect(308), false),
        (Fault::reset(), false),
        (Fault::reset_after(), true),
        (html(false), false),
        (html(true), true),
        (Fault::new(FaultKind::Stall), false),
        (Fault::new(FaultKind::Truncate { bytes: 40 }), true),
        (Fault::new(FaultKind::Junk), true),
        (Fault::new(FaultKind::BigBody { bytes: 20_000_000 }), true),
    ];
    join_all(cases.map(|(fault, performed)| suspends_once(fault, performed))).await;
    elsewhere.saw_nothing().await;
}

/// The number of suspensions of each account that Twilio performed: all but those that it answered 429.
fn performed(setup: &Setup, account: u64) -> usize {
    let requests = setup.sim.requests();
    let writes = requests.iter().filter(|r| {
        r.operation == Some(Operation::UpdateAccount) && r.account.as_deref() == Some(&ac(account))
    });
    writes.filter(|r| r.status == Some(200)).count()
}

/// Twilio takes one request at a time and answers 429 to all others.
#[tokio::test]
async fn limit_of_one_request_at_a_time_delays_writes_and_repeats_none() {
    const ACCOUNTS: u64 = 20;
    let entries: String = (1..=ACCOUNTS).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(ACCOUNTS, 0), &state(&entries)).await;
    let eager = setup.sim.world().switches().with("retryAfter=0").unwrap();
    *setup.sim.world().switches_mut() = eager;
    setup.sim.faults().concurrency_limit = Some(1);
    // Without it the requests of a quick machine never meet.
    setup.sim.inject(Fault::latency(20).on(Operation::UpdateAccount));
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "100%"]).await;
    let mut least = f64::MAX;
    eventually("all are suspended", async || {
        least = least.min(daemon.metric("subaccountd_twilio_in_flight_limit").await);
        (1..=ACCOUNTS).all(|n| setup.status_of(n) == AccountStatus::Suspended)
    })
    .await;
    daemon.settled().await;
    assert_eq!((1..=ACCOUNTS).map(|n| performed(&setup, n)).max(), Some(1));
    assert!(least < 8.0, "the limit stayed at {least}");
    assert!(setup.posts().len() < 200, "{} POSTs for {ACCOUNTS} suspensions", setup.posts().len());
    let of = async |result| {
        daemon.metric(&format!("subaccountd_actions_total{{kind=\"suspend\",result=\"{result}\"}}")).await
    };
    assert_eq!((of("unknown").await, of("refused").await), (0.0, 0.0));
}

/// Every answer is 429 for a while, to reads and writes.
#[tokio::test]
async fn storm_of_429_delays_all_and_breaks_nothing() {
    let entries: String = (1..=4).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(4, 0), &state(&entries)).await;
    setup.sim.inject(Fault::status(429, 20429).retry_after(1).times(5));
    setup.sim.inject(Fault::status(429, 20429).retry_after(1).on(Operation::UpdateAccount).times(6));
    let mut daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "100%"]).await;
    eventually("a read is answered 429", async || {
        daemon
            .metric("subaccountd_twilio_requests_total{operation=\"list_accounts\",outcome=\"rate_limited\"}")
            .await
            >= 1.0
    })
    .await;
    assert_eq!(daemon.get("/livez").await.0, 200);
    assert_eq!(daemon.get("/readyz").await.0, 503);
    daemon.settled().await;
    assert_eq!((1..=4).map(|n| performed(&setup, n)).collect::<Vec<_>>(), [1, 1, 1, 1]);
    assert_eq!(setup.posts().len(), 4 + 6);
    assert!(daemon.runs());
}
