//! Progress: one line on the terminal for work that takes more than a moment, gone before anything else is printed.
//!
//! There is one line at most, without colour. A log line goes above it.

use std::{
    io::{self, IsTerminal},
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use subaccountd_core::text::count;
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval, sleep},
};

use super::standard_error;

/// The time before the line is shown: work that ends sooner shows nothing.
const AFTER: Duration = Duration::from_secs(1);
/// The time between two drawings of the line.
const EVERY: Duration = Duration::from_millis(200);
/// The longest time for clearing the line before a signal ends the process.
const MAX_LAST_WORDS: Duration = Duration::from_millis(200);
/// The columns that stay free. The characters that Ctrl-C shows behind the line must not begin another one,
/// which would stay on the terminal.
const ROOM: u16 = 4;

/// Waits for `reading`, which writes nothing to Twilio, and shows how many requests it has made.
///
/// Once the line is shown, SIGINT and SIGTERM clear it, and then end the process as they do without it.
pub(crate) async fn while_reading<F: Future>(requests: &AtomicU64, reading: F) -> F::Output {
    let listen = || {
        // Without a thread a signal ends the process as ever, and the line stays.
        let _ = end_cleanly();
    };
    shown("reading the fleet", requests, listen, reading).await
}

/// Waits for `pass`, which may write, and shows how many requests it has made. Signals are left to the command.
pub(crate) async fn while_passing<F: Future>(requests: &AtomicU64, pass: F) -> F::Output {
    shown("reconciling the fleet", requests, || {}, pass).await
}

async fn shown<F: Future>(what: &str, requests: &AtomicU64, begins: impl FnOnce(), work: F) -> F::Output {
    let mut work = pin!(work);
    if !has_terminal() {
        return work.await;
    }
    let (begin, before) = (Instant::now(), requests.load(Ordering::Relaxed));
    tokio::select! {
        done = &mut work => return done,
        () = sleep(AFTER) => {}
    }
    begins();
    let line = ProgressLine;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => line.say(&words(what, requests.load(Ordering::Relaxed) - before, begin.elapsed())),
        }
    }
}

fn words(what: &str, requests: u64, took: Duration) -> String {
    let (minutes, seconds) = (took.as_secs() / 60, took.as_secs() % 60);
    let requests = count(usize::try_from(requests).unwrap_or(usize::MAX), "request");
    format!("{what}: {requests}, {minutes:02}:{seconds:02}")
}

/// Returns true when standard error is a terminal whose line can be drawn anew.
fn has_terminal() -> bool {
    let can_move = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    can_move && io::stderr().is_terminal()
}

/// The right to draw the line; dropping it clears the terminal.
struct ProgressLine;

impl ProgressLine {
    #[expect(clippy::unused_self, reason = "it is the right to draw")]
    fn say(&self, words: &str) {
        let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| width.0);
        let line = words.chars().take(width.saturating_sub(ROOM).into()).collect();
        standard_error::show_progress(Some(line));
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        standard_error::show_progress(None);
        standard_error::drain();
    }
}

/// Ends the process by a signal as without the line, once the line is cleared. A thread of its own waits for the signal,
/// because the main one may wait for the terminal.
fn end_cleanly() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let ended = move || {
        let kind = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
            }
        });
        standard_error::show_progress(None);
        standard_error::drain_within(MAX_LAST_WORDS);
        signal_hook::low_level::emulate_default_handler(kind.as_raw_value())
    };
    thread::Builder::new().name("signals".to_owned()).spawn(ended).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_has_the_work_its_requests_and_its_time() {
        let told = |requests, seconds| words("reading the fleet", requests, Duration::from_secs(seconds));
        assert_eq!(told(0, 1), "reading the fleet: 0 requests, 00:01");
        assert_eq!(told(1, 5), "reading the fleet: 1 request, 00:05");
        assert_eq!(told(999, 59), "reading the fleet: 999 requests, 00:59");
        assert_eq!(told(1_234, 61), "reading the fleet: 1,234 requests, 01:01");
        assert_eq!(told(1_234_567, 7_261), "reading the fleet: 1,234,567 requests, 121:01");
    }
}
