//! Notifications: what a receiver gets, and what a failing one costs.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::{Daemon, Setup, ac, code, entry, eventually, fleet, output, state, stderr};

/// A part of the address that is secret.
const SECRET: &str = "T0-secret-of-the-hook";

/// A receiver that answers with `status`, and keeps what it got.
struct Receiver {
    got: Arc<Mutex<Vec<Value>>>,
    url: String,
}

impl Receiver {
    async fn start(status: StatusCode) -> Self {
        let got: Arc<Mutex<Vec<Value>>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/{SECRET}", listener.local_addr().unwrap());
        let answer = async move |State(got): State<Arc<Mutex<Vec<Value>>>>,
                                 headers: HeaderMap,
                                 body: Bytes|
                    -> Response {
            assert_eq!(headers[header::CONTENT_TYPE], "application/json");
            got.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            (status, [(header::LOCATION, "/elsewhere")]).into_response()
        };
        let app = Router::new().fallback(answer).with_state(got.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { got, url }
    }

    fn got(&self) -> Vec<Value> {
        self.got.lock().unwrap().clone()
    }

    /// The file with its address.
    fn file(&self, setup: &Setup) -> PathBuf {
        let file = setup.dir.path().join("notify-url");
        fs::write(&file, format!("{}\n", self.url)).unwrap();
        file
    }
}

async fn counted(daemon: &Daemon, result: &str) -> f64 {
    daemon.metric(&format!("subaccountd_notifications_total{{result=\"{result}\"}}")).await
}

#[tokio::test]
async fn pass_with_news_is_told_once_and_shortly_after_another_is_not() {
    let entries = entry(1, "suspended", ", reason: \"unpaid <script>\"") + &entry(9, "active", "");
    let setup = Setup::new(fleet(2, 0), &state(&entries)).await;
    let receiver = Receiver::start(StatusCode::OK).await;
    let file = receiver.file(&setup);
    let daemon = setup.daemon(&["--interval", "100ms", "--notify-url-file", file.to_str().unwrap()]).await;
    eventually("a message", async || counted(&daemon, "sent").await == 1.0).await;
    setup.write(&state(&(entry(1, "active", "") + &entry(2, "activ", ""))));
    daemon.more_passes(5).await;
    let got = receiver.got();
    assert_eq!(got.len(), 1, "the next one comes 10 s later: {got:?}");
    let message = &got[0];
    assert_eq!(message["mainAccount"], ac(0));
    assert_eq!(message["held"][0]["reason"], "UnknownAccount");
    let text = message["text"].as_str().unwrap();
    assert!(text.contains(&ac(0)) && text.contains(&format!("UnknownAccount {}", ac(9))), "{text}");
    assert!(!message.to_string().contains("script"), "{message}");
    eventually("the next message", async || receiver.got().len() == 2).await;
    let next = &receiver.got()[1];
    assert_eq!(
        (&next["faults"], next["noLongerHeld"].as_array().unwrap().len()),
        (&Value::from(1), 1),
        "{next}"
    );
    assert!(
        next["applied"].as_array().unwrap().iter().any(|action| action["kind"] == "reactivate"),
        "{next}"
    );
    assert!(!daemon.log().contains(SECRET), "{}", daemon.log());
}

#[tokio::test]
async fn receiver_that_fails_or_redirects_is_tried_three_times_and_stops_nothing() {
    for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::TEMPORARY_REDIRECT] {
        let setup = Setup::new(fleet(1, 0), &state(&entry(9, "active", ""))).await;
        let receiver = Receiver::start(status).await;
        let file = receiver.file(&setup);
        let daemon =
            setup.daemon(&["--interval", "100ms", "--notify-url-file", file.to_str().unwrap()]).await;
        eventually("given up", async || counted(&daemon, "failed").await == 1.0).await;
        assert_eq!(receiver.got().len(), 3, "{status}");
        assert_eq!(counted(&daemon, "sent").await, 0.0);
        daemon.more_passes(1).await;
        let log = daemon.log();
        assert!(log.contains("notification not sent after 3 tries"), "{log}");
        assert!(!log.contains(SECRET), "{log}");
    }
}

#[tokio::test]
async fn address_that_is_not_allowed_ends_the_start_and_is_not_shown() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let file = setup.dir.path().join("notify-url");
    fs::write(&file, format!("http://hooks.example.com/{SECRET}")).unwrap();
    let mut command = setup.command(&["run", "--listen", "127.0.0.1:0", "--status-listen", "none"]);
    command.env("SUBACCOUNTD_NOTIFY_URL_FILE", &file);
    let ended = output(command).await;
    assert_eq!(code(&ended), 1);
    assert!(stderr(&ended).contains("use https"), "{}", stderr(&ended));
    assert!(
        !stderr(&ended).contains(SECRET) && !stderr(&ended).contains("hooks.example"),
        "{}",
        stderr(&ended)
    );
}
