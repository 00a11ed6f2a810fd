//! Trouble on the wire and on the machine: each test breaks the world around the real binary in one way, and checks what
//! people rely on. Nothing is written on a doubt, the probes tell the truth, the error says what is wrong, and after the
//! trouble the fleet becomes as the state says.

mod answers;
mod authorities;
mod clients;
mod machine;
mod middle;
mod network;
pub(crate) mod proxy;
mod route;
mod token;
mod writes;

use std::{net::Ipv4Addr, process::Command};

use tokio::{
    net::TcpListener,
    time::{Duration, timeout},
};
use twilio_sim::AccountStatus;

use crate::support::{Daemon, Setup, ac, entry, eventually, fleet, phone, state};

/// A suspension, a transfer and a close that is due: what a doubt must stop. Each entry has this reason.
fn everything(reason: &str) -> String {
    let reason = format!(", reason: {reason}");
    let claim = format!(", numbers: [\"{}\"]{reason}", phone(2));
    let close = format!(", close: {{confirm: a4}}{reason}");
    state(
        &(entry(1, "suspended", &reason)
            + &entry(2, "active", &reason)
            + &entry(3, "active", &claim)
            + &entry(4, "closed", &close)),
    )
}

/// Four accounts with everything to do. Account 4 is empty and suspended already.
async fn eventful() -> Setup {
    let setup = Setup::new(fleet(4, 2), &everything("once")).await;
    setup.suspend_elsewhere(4);
    setup
}

/// A daemon that finds Twilio at `url`, waits for nothing, and waits a second for an answer.
async fn daemon(setup: &Setup, url: &str) -> Daemon {
    started(setup, command(setup, url)).await
}

fn command(setup: &Setup, url: &str) -> Command {
    let mut command =
        setup.command(&["run", "--interval", "100ms", "--close-after", "0s", "--request-timeout", "1s"]);
    command.env("SUBACCOUNTD_TWILIO_URL", url);
    command
}

async fn started(setup: &Setup, command: Command) -> Daemon {
    Daemon::start(command, &setup.dir.path().join(".log")).await
}

/// Waits until a pass failed with an error that contains `words`. The daemon is alive, not ready, and did nothing.
async fn fails_harmlessly(setup: &Setup, daemon: &mut Daemon, words: &str) {
    let mut error = String::new();
    eventually(&format!("a pass fails with `{words}`"), async || {
        error = match daemon.get("/status").await {
            (200, text) => {
                serde_json::from_str::<serde_json::Value>(&text).unwrap()["lastPass"]["error"].to_string()
            }
            _ => String::new(),
        };
        error.contains(words)
    })
    .await;
    assert_eq!(daemon.get("/livez").await.0, 200, "{words}");
    let (ready, why) = daemon.get("/readyz").await;
    assert_eq!(ready, 503, "{words}");
    assert!(why.contains(words), "{words}: {why}");
    assert_eq!(setup.posts(), Vec::<String>::new(), "{words}");
    assert!(daemon.runs(), "{words}");
}

/// Waits until all is done, once and without a loss.
async fn converges(setup: &Setup, daemon: &Daemon) {
    daemon.settled().await;
    assert_eq!(daemon.get("/readyz").await.0, 200);
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    assert_eq!(setup.status_of(4), AccountStatus::Closed);
    assert_eq!((setup.owner(1), setup.owner(2)), (ac(1), ac(3)));
    assert_eq!(setup.posts().len(), 3, "{:?}", setup.posts());
    assert!(setup.sim.world().released().is_empty());
}

/// A host that must get nothing.
struct Forbidden(TcpListener);

impl Forbidden {
    async fn new() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    async fn saw_nothing(self) {
        let connected = timeout(Duration::from_millis(50), self.0.accept()).await;
        assert!(connected.is_err(), "the credentials were sent elsewhere");
    }
}
