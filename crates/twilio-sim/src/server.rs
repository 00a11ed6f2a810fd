//! The running simulator: a listener, its connections, and the handle that tests steer it with. Stopping cuts every connection.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, MutexGuard},
    time::Duration,
};

use axum::{Extension, Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{
    account::Account,
    control,
    faults::{Fault, Faults},
    http,
    number::Number,
    requests::RequestRecord,
    shared::Shared,
    spoil::Line,
    world::{Unknown, World},
};

/// A simulator that listens. Clones steer the same one; it stops with [`Sim::stop`] or when the last clone is dropped.
///
/// The guards of [`Sim::world`] and [`Sim::faults`] hold up the server: drop them before awaiting anything.
#[derive(Clone)]
pub struct Sim(Arc<Running>);

struct Running {
    shared: Arc<Shared>,
    address: SocketAddr,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

impl Sim {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start(world: World) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::serve(listener, world, Faults::default())
    }

    /// Serves on a listener, inside a tokio runtime.
    pub fn serve(listener: TcpListener, world: World, faults: Faults) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (shared, stopping, tasks) =
            (Arc::new(Shared::new(world, faults)), CancellationToken::new(), TaskTracker::new());
        let app = control::routes().fallback(http::answer).with_state(Arc::clone(&shared));
        tasks.spawn(accept(listener, app, stopping.clone(), tasks.clone()));
        Ok(Self(Arc::new(Running { shared, address, stopping, tasks })))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Where it listens, as a base URL without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Stops listening, cuts every connection and waits until all is gone.
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// The world, locked.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.shared.world()
    }

    /// The faults, locked.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.0.shared.faults()
    }

    /// Adds a fault.
    pub fn inject(&self, fault: Fault) {
        self.faults().add(fault);
    }

    /// The latest 100,000 requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.0.shared.log().records()
    }

    /// Forgets the requests and their counts.
    pub fn clear_requests(&self) {
        self.0.shared.log().clear();
    }

    /// How many POST and DELETE requests came in.
    pub fn writes(&self) -> u64 {
        self.0.shared.log().writes()
    }

    /// The most requests that were in flight at one time.
    pub fn max_in_flight(&self) -> usize {
        self.0.shared.log().max_in_flight()
    }

    /// Edits an account as a person would in the Console, dated now: see [`World::edit_account`].
    pub fn edit_account(&self, sid: &str, edit: impl FnOnce(&mut Account)) -> Result<(), Unknown> {
        let now = self.0.shared.now();
        self.world().edit_account(sid, now, edit)
    }

    /// Edits a number as a person would in the Console, dated now: see [`World::edit_number`].
    pub fn edit_number(&self, sid_or_phone: &str, edit: impl FnOnce(&mut Number)) -> Result<(), Unknown> {
        let now = self.0.shared.now();
        self.world().edit_number(sid_or_phone, now, edit)
    }
}

async fn accept(listener: TcpListener, app: Router, stopping: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(connection(stream, app.clone(), stopping.child_token()));
            }
            // Out of file descriptors: others have to be closed first.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Serves one connection until it ends or its line is cut; then it is reset rather than closed.
async fn connection(stream: TcpStream, app: Router, line: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let app = app.layer(Extension(Line(line.clone())));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        app.clone().oneshot(request.map(axum::body::Body::new) as Request)
    });
    let mut serving =
        http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = &mut serving => {}
        () = line.cancelled() => {
            let _ = serving.into_parts().io.into_inner().set_zero_linger();
        }
    }
}
