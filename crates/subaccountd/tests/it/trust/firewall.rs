//! A firewall between the daemon and the simulator, which drops the existing connections silently.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub(super) struct Firewall {
    address: SocketAddr,
    drops: watch::Sender<()>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// The number of connections that were made.
    connections: AtomicUsize,
    /// The number of requests on dropped connections.
    lost: AtomicUsize,
}

impl Firewall {
    /// Forwards to `server`.
    pub(super) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (drops, counts) = (watch::Sender::new(()), Arc::<Counts>::default());
        let (dropping, counting) = (drops.clone(), counts.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counting.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(forward(client, server, dropping.subscribe(), counting.clone()));
            }
        });
        Self { address, drops, counts }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops forwarding on the existing connections, and ends none.
    pub(super) fn drop_connections(&self) {
        self.drops.send_replace(());
    }

    pub(super) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    pub(super) fn lost(&self) -> usize {
        self.counts.lost.load(Ordering::SeqCst)
    }
}

async fn forward(
    mut client: TcpStream,
    server: SocketAddr,
    mut drops: watch::Receiver<()>,
    counts: Arc<Counts>,
) {
    let mut server = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        _ = drops.changed() => {}
    }
    let mut buffer = [0; 4096];
    while let Ok(1..) = client.read(&mut buffer).await {
        if buffer.starts_with(b"GET ") || buffer.starts_with(b"POST ") {
            counts.lost.fetch_add(1, Ordering::SeqCst);
        }
    }
}
