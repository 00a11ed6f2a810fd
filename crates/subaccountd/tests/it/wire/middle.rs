//! A server between the daemon and the simulator, which may spoil the answers as no fault of the simulator does, and may
//! speak TLS.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::generate_simple_self_signed;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::support::Setup;

/// The name of Twilio in tests with TLS, which no name server knows.
pub(super) const NAME: &str = "twilio.test";

/// The harm that is done to answers about the account list. All others pass.
#[derive(Clone, Copy)]
pub(super) enum Harm {
    Nothing,
    /// This body comes in the place of the list.
    Body(&'static str),
    /// This status, with this body.
    Refusal(&'static str, &'static str),
    /// Each page names another next page.
    Endless,
    /// The answer comes byte by byte, with this pause after each.
    Slow(Duration),
}

pub(super) struct Middle {
    pub(super) address: SocketAddr,
    spoiler: Arc<Spoiler>,
}

struct Spoiler {
    sim: SocketAddr,
    harm: Mutex<Harm>,
    /// The number of pages of endless lists so far.
    pages: AtomicUsize,
}

impl Middle {
    pub(super) async fn before(setup: &Setup, harm: Harm) -> Self {
        Self::listen(setup, harm, None).await
    }

    /// The same with TLS for [`NAME`], and the certificate to trust.
    pub(super) async fn with_tls(setup: &Setup) -> (Self, PathBuf) {
        let host = generate_simple_self_signed([NAME.to_owned()]).unwrap();
        let bundle = setup.dir.path().join(".bundle.pem");
        fs::write(&bundle, host.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(host.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![host.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self::listen(setup, Harm::Nothing, Some(acceptor)).await, bundle)
    }

    async fn listen(setup: &Setup, harm: Harm, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let spoiler = Arc::new(Spoiler {
            sim: setup.sim.address(),
            harm: Mutex::new(harm),
            pages: AtomicUsize::default(),
        });
        let serving = spoiler.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (spoiler, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    let Some(tls) = tls else { return spoiler.answer(client).await };
                    // A client may give up.
                    if let Ok(client) = tls.accept(client).await {
                        spoiler.answer(client).await;
                    }
                });
            }
        });
        Self { address, spoiler }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn set(&self, harm: Harm) {
        *self.spoiler.harm.lock().unwrap() = harm;
    }

    pub(super) fn pages(&self) -> usize {
        self.spoiler.pages.load(Ordering::SeqCst)
    }
}

impl Spoiler {
    /// Answers one request, and ends the connection. The client may end it before.
    async fn answer(&self, mut client: impl AsyncRead + AsyncWrite + Unpin) {
        let Some(request) = read_request(&mut client).await else { return };
        let harm = *self.harm.lock().unwrap();
        let is_spoilt = request.starts_with("GET /2010-04-01/Accounts.json");
        match if is_spoilt { harm } else { Harm::Nothing } {
            Harm::Nothing => write(&mut client, &forwarded(&request, self.sim).await).await,
            Harm::Body(body) => write(&mut client, &json("200 OK", body)).await,
            Harm::Refusal(status, body) => write(&mut client, &json(status, body)).await,
            Harm::Endless => {
                let page = self.pages.fetch_add(1, Ordering::SeqCst) + 1;
                let next = format!("/2010-04-01/Accounts.json?Page={page}&PageToken=PA{page}");
                let body = format!(r#"{{"accounts": [], "next_page_uri": "{next}"}}"#);
                write(&mut client, &json("200 OK", &body)).await;
            }
            Harm::Slow(pause) => {
                for byte in forwarded(&request, self.sim).await {
                    write(&mut client, &[byte]).await;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        let _ = client.shutdown().await;
    }
}

/// The client may have ended the connection.
async fn write(client: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    let _ = client.write_all(bytes).await;
    let _ = client.flush().await;
}

/// The head and the body of one request; none when the client ended before.
pub(super) async fn read_request(client: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    while !is_complete(&request) {
        if client.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(request).ok()
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// The answer of the simulator on a connection of its own.
async fn forwarded(request: &str, sim: SocketAddr) -> Vec<u8> {
    let mut sim = TcpStream::connect(sim).await.unwrap();
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    sim.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    sim.read_to_end(&mut answer).await.unwrap();
    answer
}

fn json(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json");
    format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}
