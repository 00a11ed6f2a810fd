//! The watch on the mark of a freeze: wakes the loop when it comes or goes. It only shows the change sooner; each write
//! looks at the mark by itself.

use std::time::Duration;

use tokio::{task::JoinHandle, time::sleep};

use super::wake::Waker;
use crate::journal::FreezeMark;

/// The time between two looks. They work on file systems that report no changes of other machines.
const BETWEEN: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct FreezeWatch {
    mark: FreezeMark,
    waker: Waker,
}

impl FreezeWatch {
    pub(super) const fn new(mark: FreezeMark, waker: Waker) -> Self {
        Self { mark, waker }
    }

    /// Looks until the task is aborted.
    pub(super) fn spawn(self) -> JoinHandle<()> {
        tokio::spawn(async move {
            // A mark that was there before the first look leads to one look at the state.
            let mut was_set = false;
            loop {
                sleep(BETWEEN).await;
                let is_set = self.mark.is_set();
                if is_set != was_set {
                    self.waker.wake();
                }
                was_set = is_set;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::wake;

    #[tokio::test(start_paused = true)]
    async fn mark_wakes_when_it_comes_and_when_it_goes() {
        let dir = tempfile::tempdir().unwrap();
        let mark = FreezeMark::new(dir.path());
        let (waker, mut wake) = wake::channel();
        let watching = FreezeWatch::new(mark.clone(), waker).spawn();
        let woken =
            async |wake: &mut wake::Wake| tokio::time::timeout(BETWEEN * 3, wake.woken()).await.is_ok();
        assert!(!woken(&mut wake).await);
        mark.set("audit").unwrap();
        assert!(woken(&mut wake).await);
        assert!(!woken(&mut wake).await, "it stays set");
        mark.remove().unwrap();
        assert!(woken(&mut wake).await);
        watching.abort();
    }
}
