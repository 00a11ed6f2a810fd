//! Calls into the file system: one at a time on a blocking thread, each given up when it makes no progress.
//!
//! A file system that hangs blocks one thread at most: until a call that was given up returns, no other one begins.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// The longest time for which a call into the file system may make no progress.
const MAX_SILENCE: Duration = Duration::from_secs(10);

/// The reason why a call was given up, or was not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer from the file system within {} s", MAX_SILENCE.as_secs())]
pub(crate) struct NoAnswer;

/// The right to call into the file system, shared by its clones.
#[derive(Debug, Clone)]
pub(crate) struct FileAccess {
    place: Arc<Semaphore>,
    /// Set until a call that was given up returns.
    stuck: Arc<AtomicBool>,
    /// The longest time for which a call may make no progress.
    silence: Duration,
}

/// The steps that a call has made: a slow file system is not one that hangs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps(Arc<AtomicU64>);

impl FileAccess {
    pub(crate) fn new() -> Self {
        Self::with_silence(MAX_SILENCE)
    }

    /// The right to other calls, which may make no progress for as long as `silence`.
    pub(crate) fn with_silence(silence: Duration) -> Self {
        Self { place: Arc::new(Semaphore::new(1)), stuck: Arc::default(), silence }
    }

    /// Makes `call` on a blocking thread. The answer of a call that was given up is dropped.
    ///
    /// # Errors
    /// When `call` makes no progress for too long, or an earlier one that was given up has not returned.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Steps) -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        #[cfg(feature = "simulation")]
        if crate::simulation::local_time().is_some() {
            return Ok(call(&Steps::default()));
        }
        let place = Arc::clone(&self.place);
        let place = if self.stuck.load(Ordering::SeqCst) {
            place.try_acquire_owned().map_err(|_| NoAnswer)?
        } else {
            let place = timeout(self.silence, place.acquire_owned()).await;
            // The caller of the outstanding call may have stopped waiting for it.
            let place = place.inspect_err(|_| self.stuck.store(true, Ordering::SeqCst));
            place.map_err(|_| NoAnswer)?.map_err(|_| NoAnswer)?
        };
        let (progress, stuck) = (Steps::default(), Arc::clone(&self.stuck));
        let steps = progress.clone();
        let mut call = spawn_blocking(move || {
            let answer = call(&steps);
            stuck.store(false, Ordering::SeqCst);
            drop(place);
            answer
        });
        loop {
            let before = progress.steps();
            match timeout(self.silence, &mut call).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failed)) => match failed.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime ends, and the caller with it.
                    Err(_) => return Err(NoAnswer),
                },
                Err(_) if progress.steps() != before => {}
                Err(_) => {
                    self.stuck.store(true, Ordering::SeqCst);
                    return Err(NoAnswer);
                }
            }
        }
    }

    /// Waits until no call is outstanding.
    pub(crate) async fn is_free(&self) {
        let _ = self.place.acquire().await;
    }
}

impl Steps {
    /// Records a step.
    pub(crate) fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn steps(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A reader that records each read as a step.
pub(crate) struct Noted<'a, R>(pub(crate) R, pub(crate) &'a Steps);

impl<R: Read> Read for Noted<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.1.step();
        self.0.read(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;
    use tokio::{
        task::{JoinHandle, yield_now},
        time::{Instant, advance},
    };

    use super::*;

    /// Lets `MAX_SILENCE` pass: while a blocking call is outstanding, paused time does not advance by itself.
    async fn silence(of: &JoinHandle<Result<u32, NoAnswer>>) {
        while !of.is_finished() {
            advance(Duration::from_secs(1)).await;
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_is_given_up_and_is_the_only_one_until_it_returns() {
        let files = FileAccess::new();
        let (answer, hangs) = mpsc::channel::<u32>();
        let begin = Instant::now();
        let call = {
            let files = files.clone();
            tokio::spawn(async move { files.run(move |_| hangs.recv().unwrap()).await })
        };
        silence(&call).await;
        assert_eq!(call.await.unwrap(), Err(NoAnswer));
        assert!(begin.elapsed() <= MAX_SILENCE + Duration::from_secs(2), "{:?}", begin.elapsed());
        let again = files.run(|_| panic!("a second thread would hang too")).now_or_never();
        assert_eq!(again, Some(Err::<(), _>(NoAnswer)), "an earlier call is known to hang");
        answer.send(7).unwrap();
        files.is_free().await;
        assert_eq!(files.run(|_| 8).await, Ok(8), "the late 7 is dropped");
        assert_eq!(NoAnswer.to_string(), "no answer from the file system within 10 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_call_is_waited_for_while_it_makes_progress() {
        let files = FileAccess::new();
        let (go, steps) = mpsc::channel::<()>();
        let (made, step_made) = mpsc::channel();
        let call = tokio::spawn(async move {
            let walk = move |progress: &Steps| {
                for () in steps {
                    progress.step();
                    made.send(()).unwrap();
                }
            };
            files.run(walk).await
        });
        for _ in 0..5 {
            yield_now().await;
            go.send(()).unwrap();
            step_made.recv().unwrap();
            advance(MAX_SILENCE).await;
        }
        yield_now().await;
        assert!(!call.is_finished(), "it made a step within every {MAX_SILENCE:?}");
        drop(go);
        assert_eq!(call.await.unwrap(), Ok(()));
    }
}
