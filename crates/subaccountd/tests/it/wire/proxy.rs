//! A forward proxy, as companies have one, that knows every name.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, split},
    net::{TcpListener, TcpStream},
};

use super::middle::read_request;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The server that it leads each name to.
    server: Option<SocketAddr>,
    /// The status line of its answer to each CONNECT; none lets the connection through.
    refuses: Option<&'static str>,
    /// The heads of all requests to the proxy.
    heads: Vec<String>,
    /// Everything that clients sent through it.
    seen: Vec<u8>,
}

impl Proxy {
    /// Leads each name to `server`.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::<Mutex<State>>::default());
        state.lock().unwrap().server = Some(server);
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, shared.clone()));
            }
        });
        Self { address, state }
    }

    /// Leads each name to another server from now on.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        self.state.lock().unwrap().server = Some(server);
    }

    /// Answers each CONNECT with this status from now on, or lets it through.
    pub(crate) fn refuse(&self, status: Option<&'static str>) {
        self.state.lock().unwrap().refuses = status;
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.state.lock().unwrap().heads.clone()
    }

    pub(crate) fn seen(&self) -> Vec<u8> {
        self.state.lock().unwrap().seen.clone()
    }
}

async fn connect(mut client: TcpStream, state: Arc<Mutex<State>>) {
    let Some(head) = read_request(&mut client).await else { return };
    let (refuses, server) = {
        let mut state = state.lock().unwrap();
        state.heads.push(head);
        (state.refuses, state.server.unwrap())
    };
    if let Some(status) = refuses {
        let page = "<html><body>Ask your administrator.</body></html>";
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
        let _ = client.write_all(answer.as_bytes()).await;
        return;
    }
    let server = TcpStream::connect(server).await.unwrap();
    // Either side may end it.
    let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (split(client), split(server));
    tokio::select! {
        () = forward(&mut from_client, &mut to_server, &state) => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
    let _ = to_client.shutdown().await;
}

/// Forwards and keeps what a client sends.
async fn forward(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    state: &Mutex<State>,
) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        state.lock().unwrap().seen.extend(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
