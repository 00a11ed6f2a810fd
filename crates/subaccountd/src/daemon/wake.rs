//! Wakes: a signal to look at the state, without a description of the change. Wakes that come together count as one.

use tokio::sync::watch;

/// The side that wakes.
#[derive(Debug, Clone)]
pub(crate) struct Waker(watch::Sender<()>);

/// The side that is woken. Each clone tracks the wakes that it has seen.
#[derive(Debug, Clone)]
pub(crate) struct Wake(watch::Receiver<()>);

/// Both sides.
pub(crate) fn channel() -> (Waker, Wake) {
    let (waker, wake) = watch::channel(());
    (Waker(waker), Wake(wake))
}

impl Waker {
    pub(crate) fn wake(&self) {
        self.0.send_replace(());
    }
}

impl Wake {
    /// Waits for a wake since the last look.
    pub(crate) async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            // Without a waker the interval still begins passes.
            std::future::pending::<()>().await;
        }
    }

    /// Forgets earlier wakes.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }
}
