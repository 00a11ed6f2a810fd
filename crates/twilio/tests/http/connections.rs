//! Connections that break while they are kept, on real sockets.

use std::{sync::Arc, time::Duration};

use subaccountd_core::remote::Observe;
use subaccountd_twilio::{Client, Config, Retry};
use tokio::{sync::Barrier, time::timeout};

use crate::support::{Reply, Seen, Server, account_json, client_with, config, main, ok, raw, sub};

/// The number of connections that are kept before they break.
const KEPT: usize = 4;
const TIMEOUT: Duration = Duration::from_millis(300);

fn account() -> String {
    account_json(sub(), "active")
}

/// A server to which `client` keeps `KEPT` connections; from now on these give `broken`, and new ones an answer.
async fn with_kept_connections(client: impl Fn(&Server) -> Client, broken: Reply) -> (Server, Client) {
    let all = Arc::new(Barrier::new(KEPT));
    let server = Server::start(move |n, Seen { connection, .. }| {
        if n < KEPT {
            Reply::Together(Arc::clone(&all), raw(200, "", &account()))
        } else if *connection < KEPT {
            broken.clone()
        } else {
            ok(&account())
        }
    })
    .await;
    let client = client(&server);
    let reads = || client.account(sub());
    let (a, b, c, d) = tokio::join!(reads(), reads(), reads(), reads());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    (server, client)
}

/// Retries after a millisecond, `repeats` times.
fn client(repeats: usize) -> impl Fn(&Server) -> Client {
    move |server| {
        let config = config(&server.url);
        let retry = Retry { repeats, ..config.retry };
        client_with(Config { request_timeout: TIMEOUT, retry, ..config })
    }
}

/// The connections of all requests after the first ones.
fn connections(server: &Server) -> Vec<usize> {
    server.seen()[KEPT..].iter().map(|seen| seen.connection).collect()
}

/// Every way in which a connection may break under a read.
fn breaks() -> [Reply; 5] {
    let whole = raw(200, "", &account());
    let half = whole[..whole.len() - 20].to_vec();
    [
        Reply::Stalled(Vec::new()),
        Reply::Stalled(half.clone()),
        Reply::BrokenOff(half),
        Reply::BrokenOff(Vec::new()),
        Reply::Reset,
    ]
}

#[tokio::test]
async fn a_repeat_uses_a_new_connection_after_a_read_was_lost_on_a_kept_one() {
    for broken in breaks() {
        let (server, client) = with_kept_connections(client(1), broken.clone()).await;
        assert!(client.account(sub()).await.is_ok(), "{broken:?}");
        let [old, new] = connections(&server)[..] else { panic!("two requests: {:?}", server.seen()) };
        assert!(old < KEPT && new >= KEPT, "{old} {new}");
    }
}

#[tokio::test]
async fn other_reads_use_new_connections_after_a_read_was_lost_on_a_kept_one() {
    for broken in breaks() {
        let (server, client) = with_kept_connections(client(0), broken).await;
        client.account(sub()).await.unwrap_err();
        for _ in 0..2 {
            client.clone().account(sub()).await.unwrap();
        }
        assert_eq!(connections(&server)[1..], [KEPT, KEPT], "a new one, which is kept");
    }
}

#[tokio::test]
async fn a_read_that_was_given_up_by_its_caller_counts_as_lost() {
    let (server, client) = with_kept_connections(client(0), Reply::Stalled(Vec::new())).await;
    timeout(TIMEOUT / 6, client.account(sub())).await.unwrap_err();
    assert!(client.account(sub()).await.is_ok());
    assert_eq!(connections(&server)[1..], [KEPT]);
}

#[tokio::test]
async fn reads_that_are_lost_together_open_no_more_connections_than_there_are_reads() {
    let (server, client) = with_kept_connections(client(3), Reply::Stalled(Vec::new())).await;
    let reads = || client.account(sub());
    let (a, b, c, d) = tokio::join!(reads(), reads(), reads(), reads());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    for _ in 0..8 {
        reads().await.unwrap();
    }
    assert!(connections(&server).iter().all(|connection| *connection < 2 * KEPT), "{:?}", server.seen());
}

#[tokio::test]
async fn an_error_of_twilios_costs_no_connection() {
    let server = Server::start(|n, _| match n {
        1 => crate::support::error(500, 20500, "oops"),
        2 => ok("not JSON"),
        _ => ok(&account_json(main(), "active")),
    })
    .await;
    let client = client(1)(&server);
    for _ in 0..3 {
        let _ = client.account(main()).await;
    }
    assert!(server.seen().iter().all(|seen| seen.connection == 0), "{:?}", server.seen());
}
