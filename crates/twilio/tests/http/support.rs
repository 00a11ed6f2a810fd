//! A simulated Twilio of the test: a listener that answers each request with any given bytes.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use subaccountd_core::{
    AccountSid, Action, CallEnd, CallSid, CallStatus, Close, EndCalls, LiveStatus, Status,
    outcome::Outcome,
    remote::{Apply, RemoteError, Sent, WriteSlot},
};
use subaccountd_twilio::{
    Client, Config, NoTelemetry, Operation, RequestOutcome, Retry, Telemetry, TokenSource,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Barrier,
};

pub(crate) const TOKEN: &str = "5ecre7-auth-token-of-the-main-account";
pub(crate) const BASE64: &str =
    "QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDo1ZWNyZTctYXV0aC10b2tlbi1vZi10aGUtbWFpbi1hY2NvdW50";

/// A received request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The connection it came on, counted from 0.
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

/// An answer to send.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// An answer, and the connection stays open.
    Whole(Vec<u8>),
    /// These bytes, then the end of the connection.
    BrokenOff(Vec<u8>),
    /// These bytes, then nothing more, on an open connection.
    Stalled(Vec<u8>),
    /// An answer after the barrier's number of requests has arrived.
    Together(Arc<Barrier>, Vec<u8>),
    /// The connection is reset.
    Reset,
    /// An answer, and then a reset as soon as the next request on this connection begins to arrive.
    ThenReset(Vec<u8>),
}

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers request number `n`, from 0, with `answer(n, request)`.
    pub(crate) async fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Self { url, seen: Arc::clone(&seen) };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                tokio::spawn(async move { converse(stream, connection, &*answer, &seen).await });
            }
        });
        server
    }

    /// Gives these replies one after the other, the last one again and again.
    pub(crate) async fn script(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        Self::start(move |n, _| replies[n.min(replies.len() - 1)].clone()).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect()
    }

    pub(crate) fn posts(&self) -> usize {
        self.seen().iter().filter(|seen| seen.method == "POST").count()
    }
}

async fn converse(
    mut stream: TcpStream,
    connection: usize,
    answer: &(dyn Fn(usize, &Seen) -> Reply + Send + Sync),
    seen: &Mutex<Vec<Seen>>,
) {
    while let Some(request) = read_request(&mut stream, connection).await {
        let n = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        match answer(n, &request) {
            Reply::Whole(bytes) => stream.write_all(&bytes).await.unwrap_or_default(),
            Reply::Together(barrier, bytes) => {
                barrier.wait().await;
                stream.write_all(&bytes).await.unwrap_or_default();
            }
            Reply::BrokenOff(bytes) => {
                stream.write_all(&bytes).await.unwrap_or_default();
                return;
            }
            Reply::Stalled(bytes) => {
                stream.write_all(&bytes).await.unwrap_or_default();
                let _ = stream.read(&mut [0]).await;
                return;
            }
            Reply::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Reply::ThenReset(bytes) => {
                stream.write_all(&bytes).await.unwrap_or_default();
                if let Some(request) = read_request(&mut stream, connection).await {
                    seen.lock().unwrap().push(request);
                    stream.set_zero_linger().unwrap();
                }
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream, connection: usize) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let header = |name: &str| {
        let value = |line: &str| {
            line.split_once(':').map(|(key, value)| (key.to_lowercase(), value.trim().to_owned()))
        };
        text.lines().filter_map(value).find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let mut line = text.split(' ');
    Some(Seen {
        connection,
        method: line.next()?.to_owned(),
        target: line.next()?.to_owned(),
        authorization: header("authorization"),
        body: String::from_utf8(bytes[head + 4..head + 4 + length].to_vec()).unwrap(),
    })
}

/// An answer with a request id and Twilio's clock at `Sat, 21 Nov 2026 09:00:00 GMT`.
pub(crate) fn raw(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Status\r\nTwilio-Request-Id: RQ1\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub(crate) fn reply(status: u16, body: &str) -> Reply {
    Reply::Whole(raw(status, "", body))
}

pub(crate) fn ok(body: &str) -> Reply {
    reply(200, body)
}

/// Twilio's error body.
pub(crate) fn error(status: u16, code: u32, message: &str) -> Reply {
    reply(
        status,
        &format!(r#"{{"code": {code}, "message": "{message}", "more_info": "x", "status": {status}}}"#),
    )
}

/// An account as Twilio shows it, with its auth token.
pub(crate) fn account_json(sid: AccountSid, status: &str) -> String {
    format!(
        r#"{{"sid": "{sid}", "owner_account_sid": "{}", "friendly_name": "acme", "status": "{status}", "type": "Full",
            "auth_token": "5ecre7-of-a-subaccount", "date_updated": "Thu, 30 Jul 2015 20:00:00 +0000"}}"#,
        main()
    )
}

pub(crate) fn number_json(n: u32, holder: AccountSid) -> String {
    format!(
        r#"{{"sid": "PN{n:032}", "account_sid": "{holder}", "phone_number": "+1510555{n:04}",
            "address_requirements": "none", "bundle_sid": ""}}"#
    )
}

/// A page of accounts; `next` is the URI of the one after it.
pub(crate) fn accounts_page(accounts: &[String], next: Option<&str>) -> String {
    page("accounts", accounts, next)
}

pub(crate) fn numbers_page(numbers: &[String], next: Option<&str>) -> String {
    page("incoming_phone_numbers", numbers, next)
}

pub(crate) fn page(key: &str, rows: &[String], next: Option<&str>) -> String {
    let next = next.map_or_else(|| "null".to_owned(), |next| format!("\"{next}\""));
    format!(r#"{{"page": 0, "page_size": 50, "{key}": [{}], "next_page_uri": {next}}}"#, rows.join(","))
}

pub(crate) fn account_sid(n: u32) -> AccountSid {
    format!("AC{n:032}").parse().unwrap()
}

pub(crate) fn main() -> AccountSid {
    account_sid(0)
}

pub(crate) fn sub() -> AccountSid {
    account_sid(1)
}

pub(crate) fn close(sid: AccountSid) -> Action {
    let account = subaccountd_core::Account {
        sid,
        owner: Some(main()),
        friendly_name: "acme".to_owned(),
        status: LiveStatus::Known(Status::Suspended),
        date_created: None,
        date_updated: None,
    };
    Action::Close(Close { account, listed: [].into(), at_risk: Vec::new() })
}

/// The end of one call of account 1, which is in progress.
pub(crate) fn end_call() -> Action {
    let Action::Close(Close { account, .. }) = close(sub()) else { unreachable!("it is a close") };
    let call = CallEnd { sid: call_sid(1), status: CallStatus::InProgress };
    Action::EndCalls(EndCalls { account, calls: vec![call] })
}

pub(crate) fn call_sid(n: u32) -> CallSid {
    format!("CA{n:032}").parse().unwrap()
}

/// Counts the measurements.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) ended: Mutex<Vec<(Operation, RequestOutcome)>>,
    pub(crate) limits: Mutex<Vec<usize>>,
}

impl Telemetry for Counts {
    fn request_ended(&self, operation: Operation, outcome: RequestOutcome, _: Duration) {
        self.ended.lock().unwrap().push((operation, outcome));
    }

    fn in_flight_limit(&self, limit: usize) {
        self.limits.lock().unwrap().push(limit);
    }
}

/// Quick to repeat, slow to give up.
pub(crate) fn config(url: &str) -> Config {
    Config {
        base_url: url.to_owned(),
        account_sid: main(),
        token: TokenSource::Fixed(TOKEN.into()),
        request_timeout: Duration::from_secs(10),
        max_in_flight: 8,
        retry: Retry { repeats: 3, base: Duration::from_millis(1), cap: Duration::from_millis(20) },
    }
}

pub(crate) fn client_with(config: Config) -> Client {
    Client::new(config, Arc::new(NoTelemetry)).unwrap()
}

pub(crate) fn client(server: &Server) -> Client {
    client_with(config(&server.url))
}

/// A client that times out after `timeout`, without retries.
pub(crate) fn hasty_client(server: &Server, timeout: Duration) -> Client {
    let config = config(&server.url);
    client_with(Config { request_timeout: timeout, retry: Retry { repeats: 0, ..config.retry }, ..config })
}

pub(crate) fn client_with_file(server: &Server, path: PathBuf) -> Client {
    client_with(Config { token: TokenSource::File(path), ..config(&server.url) })
}

/// A client with telemetry.
pub(crate) fn counted_client(url: &str) -> (Client, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    (Client::new(config(url), Arc::clone(&counts) as Arc<dyn Telemetry>).unwrap(), counts)
}

/// Sends the write of `action`.
pub(crate) async fn send(client: &Client, action: &Action) -> Sent {
    client.place().await.unwrap().send(action).await
}

/// The outcome of the write of `action`, which does not stop the pass.
pub(crate) async fn outcome(client: &Client, action: &Action) -> Outcome {
    let Sent { outcome, stop } = send(client, action).await;
    assert_eq!(stop, None, "{outcome:?}");
    outcome
}

/// A listener that must receive no request, and its address.
pub(crate) async fn forbidden() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Returns true when no request arrived.
pub(crate) async fn saw_no_request(listener: TcpListener) -> bool {
    tokio::time::timeout(Duration::from_millis(30), listener.accept()).await.is_err()
}

/// The words of an error, which must hold no secret.
pub(crate) fn words(error: &RemoteError) -> String {
    let words = format!("{error} {error:?}");
    assert!(!words.contains("5ecre7") && !words.contains(BASE64), "{words}");
    words
}
