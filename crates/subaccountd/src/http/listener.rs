//! A listener and its clients: the number of their connections is limited, and one that is slow or idle is closed.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use hyper::{
    body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use rustix::process::{Resource, getrlimit};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    task::AbortHandle,
    time::{Instant, Sleep, sleep},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::debug;

/// The most connections of one listener.
const MAX_CONNECTIONS: u64 = 256;
/// The longest time from the first byte of a request to the end of its head.
const MAX_HEAD: Duration = Duration::from_secs(10);
/// The longest time between two requests, and before the first.
const MAX_IDLE: Duration = Duration::from_secs(75);
/// The longest time in which a client takes no byte of its answer.
const MAX_STALL: Duration = Duration::from_secs(10);
/// The most bytes of the head of a request.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The pause after a connection that could not be accepted, which is when descriptors are short.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Serves `app` on `listener` until `stopping`, and then the requests that have begun.
pub(super) async fn serve(listener: TcpListener, app: Router, stopping: CancellationToken) {
    let clients = Clients::new();
    let draining = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                debug!(%error, "a connection to the endpoints could not be accepted");
                sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        let activity = Arc::new(Activity::new());
        let connection = connection(stream, app.clone(), activity.clone());
        clients.add(activity, draining.watch(connection));
    }
    drop(listener);
    draining.shutdown().await;
}

fn connection<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    app: Router,
    activity: Arc<Activity>,
) -> http1::Connection<
    TokioIo<ClientStream<S>>,
    impl HttpService<Incoming, ResBody = Answer, Future: Send> + Send,
> {
    let stream = ClientStream::new(stream, activity.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, answering) = (app.clone(), Answering::begin(&activity));
        async move {
            let answer = app.oneshot(request).await?;
            Ok::<_, Infallible>(answer.map(|body| Answer { body, _answering: answering }))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(MAX_IDLE).max_buf_size(MAX_HEAD_BYTES);
    http.serve_connection(TokioIo::new(stream), service)
}

/// The most connections: a quarter of the descriptors, because there are two listeners, and half is for everything else.
fn max_connections() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from((descriptors / 4).clamp(2, MAX_CONNECTIONS)).unwrap_or(usize::MAX)
}

/// The connections of a listener.
struct Clients {
    max: usize,
    all: Arc<Mutex<BTreeMap<u64, Client>>>,
}

struct Client {
    activity: Arc<Activity>,
    task: AbortHandle,
}

impl Clients {
    fn new() -> Self {
        Self { max: max_connections(), all: Arc::default() }
    }

    /// Serves `connection`, in the place of the one that is idle for the longest time when there are too many.
    fn add<E>(
        &self,
        activity: Arc<Activity>,
        connection: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let mut all = lock(&self.all);
        while all.len() >= self.max {
            let Some(idle) = all.iter().min_by_key(|(_, client)| client.activity.last()).map(|(id, _)| *id)
            else {
                break;
            };
            if let Some(client) = all.remove(&idle) {
                client.task.abort();
            }
        }
        let id = all.last_key_value().map_or(0, |(id, _)| id + 1);
        let served = Arc::clone(&self.all);
        let task = tokio::spawn(async move {
            // A client that breaks its connection is no error of the daemon.
            let _ = connection.await;
            lock(&served).remove(&id);
        });
        all.insert(id, Client { activity, task: task.abort_handle() });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last activity on a connection.
struct Activity(Mutex<Seen>);

struct Seen {
    is_answering: bool,
    at: Instant,
}

impl Activity {
    fn new() -> Self {
        Self(Mutex::new(Seen { is_answering: false, at: Instant::now() }))
    }

    /// The time of it. A connection without a request in process is before all others.
    fn last(&self) -> (bool, Instant) {
        let seen = lock(&self.0);
        (seen.is_answering, seen.at)
    }

    fn note(&self) {
        lock(&self.0).at = Instant::now();
    }

    fn is_answering(&self) -> bool {
        lock(&self.0).is_answering
    }

    fn set_answering(&self, is_answering: bool) {
        *lock(&self.0) = Seen { is_answering, at: Instant::now() };
    }
}

/// A request in process, until it is dropped.
struct Answering(Arc<Activity>);

impl Answering {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.set_answering(true);
        Self(activity.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.set_answering(false);
    }
}

/// The body of an answer; the request is in process until it is dropped.
struct Answer {
    body: Body,
    _answering: Answering,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The connection of a client that must send its requests, and take its answers, in time.
struct ClientStream<S> {
    stream: S,
    activity: Arc<Activity>,
    /// The end of the time for the head that has begun.
    head_due: Option<Pin<Box<Sleep>>>,
    /// The end of the time in which some of the answer must be taken.
    taken_due: Option<Pin<Box<Sleep>>>,
}

impl<S> ClientStream<S> {
    fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity, head_due: None, taken_due: None }
    }

    fn wrote(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.taken_due = None;
            self.activity.note();
            return written;
        }
        late(&mut self.taken_due, MAX_STALL, cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Waits for the end of a time, which begins with the first call.
fn late(due: &mut Option<Pin<Box<Sleep>>>, within: Duration, cx: &mut Context<'_>) -> Poll<()> {
    due.get_or_insert_with(|| Box::pin(sleep(within))).as_mut().poll(cx)
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if self.activity.is_answering() {
            self.head_due = None;
            return read;
        }
        if read.is_ready() {
            if into.filled().len() > before {
                self.activity.note();
                self.head_due.get_or_insert_with(|| Box::pin(sleep(MAX_HEAD)));
            }
            return read;
        }
        if let Some(due) = &mut self.head_due {
            ready!(due.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        // So that the answers of many slow clients share one body.
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        task::JoinHandle,
    };

    use super::*;

    const LARGE: usize = 1024 * 1024;

    /// A client, and the end of its connection: the time from the begin.
    fn client() -> (DuplexStream, JoinHandle<Duration>) {
        let app = Router::new()
            .route("/", get(|| async { "ok" }))
            .route("/large", get(|| async { "x".repeat(LARGE) }));
        let (client, stream) = duplex(1024);
        let begin = Instant::now();
        let served = connection(stream, app, Arc::new(Activity::new()));
        let ended = tokio::spawn(async move {
            let _ = served.await;
            begin.elapsed()
        });
        (client, ended)
    }

    async fn answered(client: &mut DuplexStream) {
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut answer = [0; 512];
        let read = client.read(&mut answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 200"));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_client_is_closed_after_75_s() {
        let (client, ended) = client();
        assert_eq!(ended.await.unwrap(), MAX_IDLE);
        drop(client);
        let (mut client, ended) = self::client();
        sleep(Duration::from_mins(1)).await;
        answered(&mut client).await;
        sleep(Duration::from_mins(1)).await;
        answered(&mut client).await;
        assert_eq!(ended.await.unwrap(), Duration::from_mins(2) + MAX_IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn head_that_is_late_closes_the_connection_however_it_comes() {
        let (mut client, ended) = client();
        sleep(Duration::from_secs(20)).await;
        client.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        assert_eq!(ended.await.unwrap(), Duration::from_secs(20) + MAX_HEAD);
        let (mut client, ended) = self::client();
        answered(&mut client).await;
        let trickle = async {
            for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" {
                sleep(Duration::from_secs(1)).await;
                if client.write_all(&[*byte]).await.is_err() {
                    break;
                }
            }
        };
        let (ended, ()) = tokio::join!(ended, trickle);
        assert_eq!(ended.unwrap(), Duration::from_secs(1) + MAX_HEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_takes_nothing_is_closed_and_one_that_takes_little_is_not() {
        let ask = b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let (mut client, ended) = client();
        client.write_all(ask).await.unwrap();
        assert_eq!(ended.await.unwrap(), MAX_STALL);
        let (mut client, ended) = self::client();
        client.write_all(ask).await.unwrap();
        let (mut all, mut some) = (0, [0; 1024]);
        while let Ok(read @ 1..) = client.read(&mut some).await {
            all += read;
            sleep(Duration::from_secs(5)).await;
        }
        assert!(all > LARGE, "{all}");
        assert!(ended.await.unwrap() > Duration::from_hours(1));
    }

    #[tokio::test(start_paused = true)]
    async fn longest_idle_client_makes_room_for_a_new_one() {
        let clients = Clients { max: 2, all: Arc::default() };
        let add = || {
            let (activity, (held, ended)) =
                (Arc::new(Activity::new()), tokio::sync::oneshot::channel::<()>());
            clients.add(activity.clone(), async move {
                let _held = held;
                std::future::pending::<Result<(), Infallible>>().await
            });
            (activity, ended)
        };
        let (first, first_ended) = add();
        sleep(Duration::from_secs(1)).await;
        let (_second, second_ended) = add();
        sleep(Duration::from_secs(1)).await;
        // The first is answered now, and so it is not idle.
        let answering = Answering::begin(&first);
        let (_third, third_ended) = add();
        assert!(second_ended.await.is_err());
        drop(answering);
        sleep(Duration::from_secs(1)).await;
        first.note();
        let _fourth = add();
        assert!(third_ended.await.is_err());
        assert_eq!(clients.all.lock().unwrap().len(), 2);
        drop(first_ended);
    }
}
