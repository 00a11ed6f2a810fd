//! The running simulator: a listener, its connections, and the handle for tests. Stopping resets every connection.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Bytes, to_bytes},
    extract::Request,
    http::response::Parts,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Mutex,
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{
    control,
    faults::{Fault, Faults, inject::Line},
    http::{
        api,
        observe::{AccountsSeen, NumbersSeen, Observer, WriteSeen},
        requests::RequestRecord,
    },
    shared::Shared,
    world::{
        Unknown, World,
        account::Account,
        call::{Call, CallStatus},
        number::Number,
    },
};

const BACKLOG: u32 = 1024;

/// The handle of a running simulator. Clones control the same simulator; it stops with [`Sim::stop`], or when the last clone
/// is dropped.
///
/// The guards of [`Sim::world`] and [`Sim::faults`] block the server: drop them before awaiting anything.
#[derive(Clone)]
pub struct Sim(Arc<Running>);

struct Running {
    shared: Arc<Shared>,
    /// Port 0 of a simulator without a port.
    address: SocketAddr,
    app: Router,
    listening: Mutex<Listening>,
    /// True while requests in process are refused.
    refuses: AtomicBool,
}

/// The reason why a request in process got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nobody listens.
    Refused,
    /// The connection was cut.
    Cut,
}

/// The port: listening, or reserved for later.
#[derive(Default)]
struct Listening {
    accepting: Option<Accepting>,
    reserved: Option<TcpSocket>,
}

/// The task that accepts connections. It ends when it is cancelled, after the last connection.
struct Accepting {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Accepting {
    fn begin(listener: TcpListener, app: &Router, shared: &Shared) -> Self {
        let cancel = shared.stopping.child_token();
        let task = shared.tasks.spawn(accept(listener, app.clone(), cancel.clone()));
        Self { cancel, task }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
    }
}

impl Sim {
    /// Starts a simulator on a free port of 127.0.0.1.
    pub async fn start(world: World) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::serve(listener, world, Faults::default())
    }

    /// Starts a simulator on `listener`, inside a tokio runtime.
    pub fn serve(listener: TcpListener, world: World, faults: Faults) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(world, faults));
        let app = control::routes().fallback(api::answer).with_state(Arc::clone(&shared));
        let accepting = Some(Accepting::begin(listener, &app, &shared));
        let listening = Mutex::new(Listening { accepting, reserved: None });
        Ok(Self(Arc::new(Running { shared, address, app, listening, refuses: AtomicBool::default() })))
    }

    /// A simulator without a port, which [`Sim::exchange`] asks. Its clock begins at `time` and goes on with the one of the
    /// tokio runtime, which may be paused.
    pub fn in_process(world: World, time: Timestamp) -> Self {
        let shared = Arc::new(Shared::new(world, Faults::default()).with_clock(time));
        let app = api::only(Arc::clone(&shared));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self(Arc::new(Running {
            shared,
            address,
            app,
            listening: Mutex::default(),
            refuses: AtomicBool::default(),
        }))
    }

    /// The answer to `request`, as a connection of its own would bring it.
    ///
    /// # Errors
    /// No whole answer came.
    pub async fn exchange(&self, request: Request) -> Result<(Parts, Bytes), NoAnswer> {
        if self.0.refuses.load(Ordering::SeqCst) {
            return Err(NoAnswer::Refused);
        }
        let line = self.0.shared.stopping.child_token();
        let app = self.0.app.clone().layer(Extension(Line(line.clone())));
        let answer = async {
            let (parts, body) =
                app.oneshot(request).await.unwrap_or_else(|never| match never {}).into_parts();
            let bytes = to_bytes(body, usize::MAX).await.map_err(|_| NoAnswer::Cut)?;
            Ok((parts, bytes))
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = line.cancelled() => Err(NoAnswer::Cut),
        }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The base URL on which it listens, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Stops listening, resets every connection, and waits until all tasks have ended.
    pub async fn stop(&self) {
        let Shared { stopping, tasks, .. } = &*self.0.shared;
        stopping.cancel();
        tasks.close();
        tasks.wait().await;
    }

    /// Refuses new connections and resets the open ones, until [`Sim::resume_listening`]. The port stays reserved, and late
    /// writes still take effect.
    pub async fn pause_listening(&self) -> io::Result<()> {
        self.0.refuses.store(true, Ordering::SeqCst);
        let mut listening = self.0.listening.lock().await;
        if let Some(Accepting { cancel, task }) = listening.accepting.take() {
            cancel.cancel();
            // The task has no result, and a panic was already reported.
            let _ = task.await;
            listening.reserved = Some(reserve(self.0.address)?);
        }
        Ok(())
    }

    /// Listens again on the same port.
    pub async fn resume_listening(&self) -> io::Result<()> {
        self.0.refuses.store(false, Ordering::SeqCst);
        let mut listening = self.0.listening.lock().await;
        if let Some(socket) = listening.reserved.take() {
            let listener = socket.listen(BACKLOG)?;
            listening.accepting = Some(Accepting::begin(listener, &self.0.app, &self.0.shared));
        }
        Ok(())
    }

    /// The time as this Twilio has it, in whole seconds.
    pub fn now(&self) -> Timestamp {
        self.0.shared.now()
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

    /// Calls `observe` for every write from now on: when it arrives, and right before and after its effect, with the current
    /// world. The world is locked meanwhile, so `observe` must not call [`Sim::world`].
    pub fn observe_writes(&self, observe: impl Fn(&WriteSeen, &World) + Send + Sync + 'static) {
        self.0.shared.set_observer(Observer::new(observe));
    }

    /// Calls `observe` for every page of a number list that is sent from now on.
    pub fn observe_numbers(&self, observe: impl Fn(&NumbersSeen) + Send + Sync + 'static) {
        self.0.shared.list_observers().observe_numbers(observe);
    }

    /// Calls `observe` for every page of the account list that is sent from now on.
    pub fn observe_accounts(&self, observe: impl Fn(&AccountsSeen) + Send + Sync + 'static) {
        self.0.shared.list_observers().observe_accounts(observe);
    }

    /// The latest 100,000 requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.0.shared.log().records()
    }

    /// Clears the requests and their counts.
    pub fn clear_requests(&self) {
        self.0.shared.log().clear();
    }

    /// The number of POST and DELETE requests so far.
    pub fn writes(&self) -> u64 {
        self.0.shared.log().writes()
    }

    /// The number of writes of [`FaultKind::Late`](crate::FaultKind::Late) that have not taken effect yet.
    pub fn late_writes(&self) -> usize {
        self.0.shared.late_writes.load(Ordering::SeqCst)
    }

    /// The most requests that were in flight at one time.
    pub fn max_in_flight(&self) -> usize {
        self.0.shared.log().max_in_flight()
    }

    /// Edits an account as in the Console, dated now: see [`World::edit_account`].
    pub fn edit_account(&self, sid: &str, edit: impl FnOnce(&mut Account)) -> Result<(), Unknown> {
        let now = self.0.shared.now();
        self.world().edit_account(sid, now, edit)
    }

    /// Edits a number as in the Console, dated now: see [`World::edit_number`].
    pub fn edit_number(&self, sid_or_phone: &str, edit: impl FnOnce(&mut Number)) -> Result<(), Unknown> {
        let now = self.0.shared.now();
        self.world().edit_number(sid_or_phone, now, edit)
    }

    /// Begins a call now, in an account of any status: see [`World::begin_call`].
    pub fn begin_call(&self, sid: &str, owner: &str, status: CallStatus) -> Result<(), Unknown> {
        let now = self.0.shared.now();
        let unknown = |name: &str| Unknown(name.to_owned());
        let sid = sid.parse().map_err(|_| unknown(sid))?;
        let owner = owner.parse().map_err(|_| unknown(owner))?;
        self.world().begin_call(Call::new(sid, owner, status, now), now)
    }

    /// Edits a call, dated now: see [`World::edit_call`].
    pub fn edit_call(&self, sid: &str, edit: impl FnOnce(&mut Call)) -> Result<(), Unknown> {
        let now = self.0.shared.now();
        self.world().edit_call(sid, now, edit)
    }
}

/// Binds a port without listening on it, so that connections are refused.
fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, app: Router, cancel: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, app.clone(), cancel.child_token()));
            }
            // Out of file descriptors: wait until some are closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Serves one connection until it ends or its `line` is cancelled, which resets it instead of closing it.
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
