//! Waking: a poke says *wake*, never *what*. Pokes that come together are one.

use tokio::sync::watch;

/// The side that pokes.
#[derive(Debug, Clone)]
pub(crate) struct Poker(watch::Sender<()>);

/// The side that is woken. A clone of its own remembers of its own what it has seen.
#[derive(Debug, Clone)]
pub(crate) struct Wake(watch::Receiver<()>);

pub(crate) fn wake() -> (Poker, Wake) {
    let (poker, wake) = watch::channel(());
    (Poker(poker), Wake(wake))
}

impl Poker {
    pub(crate) fn poke(&self) {
        self.0.send_replace(());
    }
}

impl Wake {
    /// Waits for a poke since the last look.
    pub(crate) async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody can poke any more: the interval still wakes.
            std::future::pending::<()>().await;
        }
    }

    /// Whether there was a poke since the last look.
    pub(crate) fn was_poked(&self) -> bool {
        self.0.has_changed().unwrap_or_default()
    }

    /// Forgets earlier pokes.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }
}
