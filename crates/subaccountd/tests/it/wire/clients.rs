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

/// A daemon that may open 64 files.
async fn with_64_descriptors(setup: &Setup) -> Daemon {
    let run = setup.command(&["run", "--interval", "200ms"]);
    let mut shell = std::process::Command::new("sh");
    let binary = run.get_program().to_str().unwrap();
    let args: Vec<_> = run.get_args().map(|arg| arg.to_str().unwrap()).collect();
    shell.args(["-c", &format!("ulimit -n 64; exec {binary} {}", args.join(" "))]).env_clear();
    shell.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Daemon::start(shell, &setup.dir.path().join(".log")).await
}

#[tokio::test]
async fn connections_of_clients_never_use_up_the_descriptors_of_a_pass() {
    let entries =
        |status| (1..=8).map(|n| entry(n, if n == 1 { status } else { "active" }, "")).collect::<String>();
    let setup = Setup::new(fleet(8, 0), &state(&entries("active"))).await;
    let daemon = with_64_descriptors(&setup).await;
    daemon.settled().await;
    let mut clients = Vec::new();
    for n in 0..200 {
        let sends = ["", "GET /livez HTTP/1.1\r\nHost: loc"][n % 2];
        clients.push(connected(&daemon, sends).await);
    }
    setup.write(&state(&entries("suspended")));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    daemon.more_passes(3).await;
    assert_eq!(daemon.metric("subaccountd_passes_total{result=\"failed\"}").await.to_string(), "0");
    assert_eq!(daemon.get("/readyz").await.0, 200);
    drop(clients);
}

/// Returns true when the daemon closed the connection.
async fn is_closed(client: &mut TcpStream) -> bool {
    let mut byte = [0];
    match timeout(Duration::from_millis(20), client.read(&mut byte)).await {
        Ok(read) => read.map_or(true, |count| count == 0),
        Err(_) => false,
    }
}

#[tokio::test]
async fn connections_are_bounded_and_the_longest_idle_makes_room() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    let mut clients = Vec::new();
    for _ in 0..300 {
        clients.push(connected(&daemon, "").await);
    }
    eventually("the first ones are closed", async || {
        let mut closed = 0;
        for client in &mut clients[..60] {
            closed += usize::from(is_closed(client).await);
        }
        closed >= 40
    })
    .await;
    let newest = clients.last_mut().unwrap();
    newest.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    newest.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn slow_heads_and_slow_readers_are_sent_away() {
    let entries: String = (1..=400).map(|n| entry(n, "active", "")).collect();
    let setup = Setup::new(fleet(400, 0), &state(&entries)).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    let files = || std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count();
    let before = files();
    let mut head = connected(&daemon, "GET /livez HTTP/1.1\r\nHost: loc").await;
    let ask = "GET /snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let reader = connected(&daemon, &ask.repeat(200)).await;
    eventually("both are served", async || files() == before + 2).await;
    eventually("both are closed", async || files() == before).await;
    assert!(is_closed(&mut head).await);
    drop(reader);
}
