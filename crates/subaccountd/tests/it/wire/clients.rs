//! Clients of the endpoints that are slow, silent or rude.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use twilio_sim::AccountStatus;

use crate::support::{Daemon, Setup, entry, eventually, fleet, state};

/// The time within which SIGTERM ends the process, and what a busy machine may add.
const PROMISED: Duration = Duration::from_secs(6);

async fn connected(daemon: &Daemon, sends: &str) -> TcpStream {
    let mut stream = TcpStream::connect(daemon.url().trim_start_matches("http://")).await.unwrap();
    stream.write_all(sends.as_bytes()).await.unwrap();
    stream
}

/// Idle ones, ones that send half of a head, and ones that ask for many pages and read none.
async fn rude_clients(daemon: &Daemon) -> Vec<TcpStream> {
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut clients = Vec::new();
    for _ in 0..60 {
        clients.push(connected(daemon, "").await);
        clients.push(connected(daemon, "GET /livez HTTP/1.1\r\nHost: loc").await);
    }
    for _ in 0..8 {
        clients.push(connected(daemon, &page.repeat(200)).await);
    }
    clients
}

#[tokio::test]
async fn rude_clients_stop_no_pass_no_probe_and_no_end() {
    let entries =
        |status| (1..=400).map(|n| entry(n, if n == 1 { status } else { "active" }, "")).collect::<String>();
    let setup = Setup::new(fleet(400, 0), &state(&entries("active"))).await;
    let mut daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    let clients = rude_clients(&daemon).await;
    setup.write(&state(&entries("suspended")));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    for path in ["/livez", "/readyz", "/metrics", "/status", "/"] {
        assert_eq!(daemon.get(path).await.0, 200, "{path}");
    }
    let begin = Instant::now();
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0), "{}", daemon.log());
    assert!(begin.elapsed() < PROMISED, "{:?}", begin.elapsed());
    drop(clients);
}

/// What is no HTTP, or more of it than any client sends, ends that connection and nothing else.
#[tokio::test]
async fn nonsense_from_a_client_costs_its_connection() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1_000_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Header: x\r\n".repeat(50_000));
    for nonsense in
        ["\0\0\0\0\r\n\r\n", "\u{16}\u{3}\u{1}\0\u{5}hello\r\n\r\n", "PUT / HTTP/9.9\r\n\r\n", &long, &many]
    {
        let mut client = connected(&daemon, "").await;
        // It may be refused before all is sent.
        let _ = client.write_all(nonsense.as_bytes()).await;
        let mut answer = Vec::new();
        let ends = timeout(Duration::from_secs(10), client.read_to_end(&mut answer)).await;
        assert!(ends.is_ok(), "the connection stays: {}", &nonsense[..20.min(nonsense.len())]);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let mut client = connected(
            &daemon,
            &format!("{method} /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        )
        .await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
    assert_eq!(daemon.get("/livez").await.0, 200);
}
