//! The auth token: replaced, gone, and in a file that hangs.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use twilio_sim::AccountStatus;

use super::{command, started};
use crate::{
    leaks,
    support::{Daemon, Setup, TOKEN, ac, entry, eventually, fleet, state},
};

const NEXT: &str = "the-next-token-that-nobody-may-see";

type Spoil = fn(&Path);

/// A command whose token is in a file, and that file.
fn with_token_file(setup: &Setup) -> (Command, PathBuf) {
    let token = setup.dir.path().join(".token");
    fs::write(&token, TOKEN).unwrap();
    let mut command = command(setup, &setup.sim.url());
    command.env("TWILIO_AUTH_TOKEN_FILE", &token).env_remove("TWILIO_AUTH_TOKEN");
    (command, token)
}

/// Replaces a file as a secret store does.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// A daemon in sync, whose state then asks for a suspension.
async fn running(setup: &Setup) -> (Daemon, PathBuf) {
    let (command, token) = with_token_file(setup);
    let daemon = started(setup, command).await;
    daemon.settled().await;
    (daemon, token)
}

async fn valid(daemon: &Daemon) -> f64 {
    daemon.metric("subaccountd_credentials_valid").await
}

#[tokio::test]
async fn rotated_token_is_used_when_its_file_has_it() {
    leaks::know_token(NEXT);
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (mut daemon, token) = running(&setup).await;
    // The old token ends before the file has the new one.
    setup.sim.edit_account(&ac(0), |main| main.auth_token = NEXT.to_owned()).unwrap();
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("the token is refused", async || valid(&daemon).await == 0.0).await;
    eventually("the error says so", async || {
        let error = daemon.status().await["lastPass"]["error"].to_string();
        error.contains("HTTP 401, Twilio error 20003")
            && error.contains("check `TWILIO_ACCOUNT_SID` and the auth token")
    })
    .await;
    assert_eq!(setup.posts(), Vec::<String>::new());
    assert_eq!(daemon.get("/livez").await.0, 200);
    replace(&token, NEXT);
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    daemon.settled().await;
    assert_eq!((setup.posts().len(), valid(&daemon).await), (1, 1.0));
    // The file has the new token before the old one ends: no request fails.
    let failed = daemon.metric("subaccountd_passes_total{result=\"failed\"}").await;
    replace(&token, TOKEN);
    setup.sim.edit_account(&ac(0), |main| main.auth_token = TOKEN.to_owned()).unwrap();
    daemon.more_passes(3).await;
    assert!(daemon.metric("subaccountd_passes_total{result=\"failed\"}").await <= failed + 1.0);
    assert!(daemon.runs());
}

#[tokio::test]
async fn token_file_that_is_unusable_stops_every_request_and_is_named() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (mut daemon, token) = running(&setup).await;
    setup.write(&state(&entry(1, "suspended", ", paused: true")));
    let spoilt: [(Spoil, &str); 3] = [
        (|token| fs::remove_file(token).unwrap(), "cannot be read (No such file or directory"),
        (|token| fs::write(token, "\n").unwrap(), "is empty: write the main account's auth token into it"),
        (|token| fs::write(token, "x".repeat(5_000)).unwrap(), "is longer than 4 KiB"),
    ];
    for (spoil, words) in spoilt {
        spoil(&token);
        eventually(words, async || {
            let error = daemon.status().await["lastPass"]["error"].to_string();
            error.contains(words) && error.contains(token.to_str().unwrap())
        })
        .await;
        let requests = setup.sim.requests().len();
        daemon.more_passes(2).await;
        assert_eq!(setup.sim.requests().len(), requests, "{words}");
        assert_eq!(daemon.get("/livez").await.0, 200);
        assert!(daemon.runs());
    }
    setup.write(&state(&entry(1, "suspended", "")));
    replace(&token, TOKEN);
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
}

/// A pipe without a writer: to open it does not return, as on a file system whose server is gone.
fn hang(token: &Path) {
    let pipe = token.with_extension("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::rename(pipe, token).unwrap();
}

async fn fails_to_read(daemon: &Daemon, token: &Path) {
    let words =
        format!("the auth token file {} was not read within 1s: check its file system", token.display());
    eventually("a pass fails", async || {
        daemon.status().await["lastPass"]["error"].to_string().contains(&words)
    })
    .await;
}

#[tokio::test]
async fn token_file_that_hangs_stops_every_request_until_it_answers() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (mut daemon, token) = running(&setup).await;
    hang(&token);
    fails_to_read(&daemon, &token).await;
    setup.write(&state(&entry(1, "suspended", "")));
    let requests = setup.sim.requests().len();
    daemon.more_passes(2).await;
    assert_eq!(setup.sim.requests().len(), requests);
    assert_eq!(daemon.get("/livez").await.0, 200);
    assert!(daemon.runs());
    // The call that hangs returns, and the file is a file again.
    let mut pipe = fs::File::options().write(true).open(&token).unwrap();
    replace(&token, TOKEN);
    pipe.write_all(TOKEN.as_bytes()).unwrap();
    drop(pipe);
    daemon.settled().await;
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    assert_eq!(setup.posts().len(), 1);
}

#[tokio::test]
async fn token_file_that_hangs_does_not_outlive_sigterm() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (mut daemon, token) = running(&setup).await;
    hang(&token);
    fails_to_read(&daemon, &token).await;
    let begin = Instant::now();
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0), "nothing was in flight: {}", daemon.log());
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}
