//! Where credentials go, and where they never go (I9, I10), on real sockets.

use std::{
    fmt::Write,
    fs, io,
    os::fd::AsRawFd,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{
    BASE64, Reply, Server, TOKEN, account_json, accounts_page, client, client_with, client_with_file, config,
    error, forbidden, hasty_client, main, ok, outcome, raw, reply, saw_no_request, send, sub, words,
};
use subaccountd_core::{
    Action,
    outcome::{Outcome, Skip, SkipCause},
    remote::{Apply, ErrorKind, Observe, WriteSlot},
};
use subaccountd_twilio::{Client, Config, ConfigError, NoTelemetry, TokenSource};

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_host_is_named() {
    for status in [301, 302, 303, 307, 308] {
        let (elsewhere, address) = forbidden().await;
        let location = format!("Location: http://{address}/2010-04-01/Accounts.json?token=5ecre7\r\n");
        let server = Server::script([Reply::Whole(raw(status, &location, ""))]).await;
        let client = client(&server);
        let failed = client.accounts().await.unwrap_err();
        assert_eq!(failed.kind, ErrorKind::Unreadable);
        assert!(words(&failed).contains("redirect to 127.0.0.1, not followed"), "{failed}");
        let written = outcome(&client, &Action::Suspend(sub())).await;
        assert!(matches!(written, Outcome::Unknown(_)), "{written:?}");
        assert!(saw_no_request(elsewhere).await);
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_page_uri_of_another_origin_or_path_gets_no_credentials() {
    for uri in [
        "http://{address}/2010-04-01/Accounts.json?Page=1",
        "//{address}/2010-04-01/Accounts.json?Page=1",
        r"\\\\{address}/2010-04-01/Accounts.json",
        "{own}@{address}/2010-04-01/Accounts.json",
        "https://{address}/2010-04-01/Accounts.json",
        "/2010-04-01/Other.json",
        "/2010-04-01/Accounts/../../evil.json",
        "ftp://{address}/",
    ] {
        let (elsewhere, address) = forbidden().await;
        let own = Arc::new(Mutex::new(String::new()));
        let (uri, url) = (uri.replace("{address}", &address), Arc::clone(&own));
        let server = Server::start(move |_, _| {
            let uri = uri.replace("{own}", &url.lock().unwrap());
            ok(&accounts_page(&[account_json(main(), "active")], Some(&uri)))
        })
        .await;
        own.lock().unwrap().clone_from(&server.url);
        let failed = client(&server).accounts().await.unwrap_err();
        assert_eq!(failed.kind, ErrorKind::Unreadable);
        assert!(words(&failed).contains("`next_page_uri` has another"), "{failed}");
        assert!(saw_no_request(elsewhere).await);
        assert_eq!(server.seen().len(), 1, "nor was it asked again");
    }
}

#[tokio::test]
async fn a_token_that_was_replaced_is_used_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, "first\n").unwrap();
    let server = Server::script([ok(&account_json(main(), "active"))]).await;
    let client = client_with_file(&server, path.clone());
    client.account(main()).await.unwrap();
    fs::write(dir.path().join("new"), "other\n").unwrap();
    fs::rename(dir.path().join("new"), &path).unwrap();
    client.account(main()).await.unwrap();
    let sent: Vec<_> = server.seen().into_iter().filter_map(|seen| seen.authorization).collect();
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0], sent[1]);
}

/// Answers 401 to the first request and puts another token into the file before it does.
async fn rotating(path: std::path::PathBuf, to: &'static str, then: Reply) -> Server {
    Server::start(move |n, _| {
        if n > 0 {
            return then.clone();
        }
        fs::write(&path, to).unwrap();
        error(401, 20003, "Authenticate")
    })
    .await
}

#[tokio::test]
async fn a_read_is_asked_once_more_after_a_401_when_the_file_holds_another_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, "first").unwrap();
    let server = rotating(path.clone(), "other", ok(&account_json(sub(), "suspended"))).await;
    client_with_file(&server, path).account(sub()).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_look_in_the_place_of_a_write_is_not_made_again_after_a_401() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, "first").unwrap();
    let server = rotating(path.clone(), "other", ok(&account_json(main(), "active"))).await;
    let client = client_with_file(&server, path);
    let failed = client.place().await.unwrap().account(sub()).await.unwrap_err();
    assert_eq!((failed.kind, failed.code), (ErrorKind::Unreadable, Some(20003)));
    // The other request checks the main account.
    assert_eq!(server.targets(), [sub(), main()].map(|sid| format!("GET /2010-04-01/Accounts/{sid}.json")));
}

#[tokio::test]
async fn a_write_is_not_sent_again_after_a_401_and_the_next_one_uses_the_other_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, "first").unwrap();
    let server = rotating(path.clone(), "other", ok(&account_json(sub(), "suspended"))).await;
    let client = client_with_file(&server, path);
    let Outcome::Skipped(skip) = outcome(&client, &Action::Suspend(sub())).await else { panic!("skipped") };
    assert_eq!(skip.cause, SkipCause::TokenRotated);
    assert_eq!(server.seen().len(), 1);
    assert!(matches!(outcome(&client, &Action::Suspend(sub())).await, Outcome::Done(_)));
    let seen = server.seen();
    assert_ne!(seen[0].authorization, seen[1].authorization);
}

#[tokio::test]
async fn a_write_is_skipped_when_the_token_file_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, "first").unwrap();
    let server = Server::script([ok(&account_json(sub(), "suspended"))]).await;
    let client = client_with_file(&server, path.clone());
    // The file is now the end of a pipe, which gives the token late.
    let (end, mut pipe) = io::pipe().unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(format!("/proc/self/fd/{}", end.as_raw_fd()), &path).unwrap();
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(2_100));
        io::Write::write_all(&mut pipe, b"other").unwrap();
    });
    let Outcome::Skipped(skip) = outcome(&client, &Action::Suspend(sub())).await else { panic!("skipped") };
    assert_eq!(skip.cause, SkipCause::ProofTooOld);
    assert!(skip.message.ends_with("was not read within 500ms: check its file system"), "{}", skip.message);
    assert!(server.seen().is_empty());
    late.join().unwrap();
}

#[tokio::test]
async fn a_401_stands_when_the_token_is_the_same_or_the_new_one_is_no_better() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    for (to, requests) in [("first\n", 1), ("other", 2), ("", 1)] {
        fs::write(&path, "first").unwrap();
        let server = rotating(path.clone(), to, error(401, 20003, "Authenticate")).await;
        let failed = client_with_file(&server, path.clone()).accounts().await.unwrap_err();
        assert_eq!((failed.kind, failed.code), (ErrorKind::Credentials, Some(20003)));
        assert_eq!(server.seen().len(), requests, "{to}");
    }
}

#[tokio::test]
async fn a_token_file_that_is_gone_stops_the_pass_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, "first").unwrap();
    let server = Server::script([ok("{}")]).await;
    let client = client_with_file(&server, path.clone());
    fs::remove_file(&path).unwrap();
    let failed = client.accounts().await.unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Credentials);
    assert!(words(&failed).contains("cannot be read (No such file"), "{failed}");
    let sent = send(&client, &Action::Suspend(sub())).await;
    assert!(matches!(&sent.stop, Some(error) if error.kind == ErrorKind::Credentials), "{sent:?}");
    assert!(matches!(sent.outcome, Outcome::Skipped(Skip { cause: SkipCause::PassAborted, .. })), "{sent:?}");
    assert!(server.seen().is_empty());
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_or_shown_for_any_answer() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let account = account_json(main(), "active");
    let mut shown = String::new();
    for answer in [
        ok(&accounts_page(std::slice::from_ref(&account), None)),
        ok(&account),
        ok(&format!("\"{TOKEN}\"")),
        ok(&format!(r#"{{"accounts": ["{TOKEN}"]}}"#)),
        ok(&format!(r#"{{"accounts": [{{"sid": ["{TOKEN}"]}}]}}"#)),
        reply(400, &account),
        reply(500, &account),
        error(401, 20003, "Authenticate"),
        Reply::BrokenOff(raw(200, "", &account)[..300].to_vec()),
        Reply::Stalled(raw(200, "", &account)[..300].to_vec()),
    ] {
        let server = Server::script([answer]).await;
        let client = hasty_client(&server, Duration::from_millis(100));
        let (listed, read) = (client.accounts().await, client.account(main()).await);
        let written = send(&client, &Action::Suspend(sub())).await;
        writeln!(shown, "{client:?} {listed:?} {read:?} {written:?}").unwrap();
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("twilio.request_id=\"RQ1\"") && logged.contains("duration_ms="), "{logged}");
    for secret in ["5ecre7", BASE64] {
        assert!(!logged.contains(secret), "{logged}");
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let refused = Client::new(config("http://api.twilio.com"), Arc::new(NoTelemetry)).unwrap_err();
    assert!(refused.to_string().contains("would send the auth token unencrypted: use `https`"), "{refused}");
}

#[tokio::test]
async fn invalid_configuration_is_an_error_with_its_fix() {
    for (config, words) in [
        (Config { max_in_flight: 0, ..config("http://localhost") }, "set it to at least 1"),
        (Config { request_timeout: Duration::ZERO, ..config("http://localhost") }, "set it to some seconds"),
        (
            Config { token: TokenSource::Fixed("".into()), ..config("http://localhost") },
            "the auth token is empty",
        ),
        (config("http://localhost/2010-04-01"), "end it after the host"),
    ] {
        let refused = Client::new(config, Arc::new(NoTelemetry)).unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

/// Runs the ignored test `name` in a process of its own with `variables`.
pub(crate) fn run_alone(name: &str, variables: &[(&str, &str)]) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
fn missing_certificates_are_an_error_for_https_with_the_fix_and_loopback_works() {
    run_alone(
        "secrets::inside_without_certificates",
        &[("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")],
    );
}

#[test]
#[ignore = "needs an environment without certificates: run by the test above"]
fn inside_without_certificates() {
    let refused = Client::new(config("https://api.twilio.com"), Arc::new(NoTelemetry)).unwrap_err();
    assert!(matches!(refused, ConfigError::Tls(_)));
    assert!(refused.to_string().contains("install ca-certificates, or set SSL_CERT_FILE"), "{refused}");
    client_with(config("http://127.0.0.1:1"));
}

#[test]
fn plain_http_goes_past_a_proxy() {
    let proxy = "http://127.0.0.1:9";
    run_alone(
        "secrets::inside_behind_a_proxy",
        &[("http_proxy", proxy), ("HTTP_PROXY", proxy), ("ALL_PROXY", proxy)],
    );
}

#[tokio::test]
#[ignore = "needs a proxy in the environment: run by the test above"]
async fn inside_behind_a_proxy() {
    let server = Server::script([ok(&account_json(main(), "active"))]).await;
    client(&server).account(main()).await.unwrap();
}

#[test]
fn https_goes_through_a_proxy_that_never_sees_the_token() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let seen = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = [0; 4096];
        let length = io::Read::read(&mut stream, &mut seen).unwrap();
        io::Write::write_all(&mut stream, b"HTTP/1.1 502 No\r\n\r\n").unwrap();
        String::from_utf8_lossy(&seen[..length]).into_owned()
    });
    run_alone("secrets::inside_behind_an_https_proxy", &[("https_proxy", &proxy), ("HTTPS_PROXY", &proxy)]);
    let seen = seen.join().unwrap();
    assert!(seen.starts_with("CONNECT twilio.invalid:443 ") && !seen.contains(BASE64), "{seen}");
}

#[tokio::test]
#[ignore = "needs a proxy in the environment: run by the test above"]
async fn inside_behind_an_https_proxy() {
    let mut config = config("https://twilio.invalid");
    config.retry.repeats = 0;
    let written = outcome(&client_with(config), &Action::Suspend(sub())).await;
    assert!(matches!(written, Outcome::Skipped(Skip { cause: SkipCause::ConnectFailed, .. })), "{written:?}");
}

#[tokio::test]
async fn a_stalled_handshake_is_a_failed_connection() {
    let (listener, address) = forbidden().await;
    let config =
        Config { request_timeout: Duration::from_millis(60), ..config(&format!("https://{address}")) };
    let client = client_with(config);
    let written = outcome(&client, &Action::Suspend(sub())).await;
    assert!(matches!(written, Outcome::Skipped(Skip { cause: SkipCause::ConnectFailed, .. })), "{written:?}");
    drop(listener);
}
