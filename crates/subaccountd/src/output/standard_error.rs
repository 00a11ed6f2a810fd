//! Standard error, written by a thread of its own: log lines, diagnostics and progress.
//!
//! A reader that is slow, absent or gone costs lines, which are counted, and nothing else: no caller waits for it, unless it
//! asks to, and no failure reaches a caller.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Write},
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use prometheus::IntCounter;
use tracing::warn;

use super::printed::{Printed, log_without_commands};

/// The most bytes that wait to be written. A log line beyond them is dropped.
const MAX_WAITING: usize = 1024 * 1024;
/// The pause after a descriptor that takes nothing at the moment, as a terminal that another process made non-blocking.
const AGAIN_AFTER: Duration = Duration::from_millis(10);
/// The sequence that moves to the beginning of the line and clears it.
const CLEAR: &str = "\r\x1b[K";

/// The lines that were dropped, because standard error could not be written or was not read.
pub(crate) static DROPPED_LINES: LazyLock<IntCounter> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the name is a constant, and a test registers it")]
    IntCounter::new(
        "subaccountd_log_lines_dropped_total",
        "Log lines that were lost, because standard error could not be written or was not read.",
    )
    .expect("a valid metric")
});

static WRITER: LazyLock<Arc<StandardError>> = LazyLock::new(StandardError::start);
static LONGEST_WAIT: OnceLock<Duration> = OnceLock::new();

/// Limits each later [`drain`] to `wait`, for a command that must not depend on who reads its messages.
pub(crate) fn wait_at_most(wait: Duration) {
    // The first command that says so is the only one.
    let _ = LONGEST_WAIT.set(wait);
}

/// Writes `text`, without waiting for it.
pub(crate) fn say(text: &Printed) {
    WRITER.offer(text.as_bytes(), usize::MAX);
}

/// Shows `line` below all other text, in place of an earlier one; `None` removes it.
pub(crate) fn show_progress(line: Option<String>) {
    let mut waiting = WRITER.lock();
    waiting.progress = line;
    waiting.is_drawn = false;
    WRITER.changed.notify_all();
}

/// Waits until everything was written, or `limit` is over.
pub(crate) fn drain_within(limit: Duration) {
    WRITER.drain(Some(limit));
}

/// Waits until everything was written, for as long as this command may.
pub(crate) fn drain() {
    WRITER.drain(LONGEST_WAIT.get().copied());
}

/// The log as a stream: each write is one line.
pub(crate) struct LogLines;

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITER.offer(&log_without_commands(bytes), MAX_WAITING);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// See the module.
struct StandardError {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    texts: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// The progress, and whether the terminal shows it as it is.
    progress: Option<String>,
    is_drawn: bool,
    /// True while the thread writes.
    is_busy: bool,
    /// True when no thread writes: everything is dropped.
    is_closed: bool,
}

impl Waiting {
    fn is_written(&self) -> bool {
        self.texts.is_empty() && !self.is_busy && self.is_drawn
    }
}

impl StandardError {
    fn start() -> Arc<Self> {
        let waiting = Waiting { is_drawn: true, ..Waiting::default() };
        let this = Arc::new(Self { waiting: Mutex::new(waiting), changed: Condvar::new() });
        let writer = this.clone();
        let started = thread::Builder::new()
            .name("standard-error".to_owned())
            .spawn(move || writer.write_all_to(&mut io::stderr()));
        this.lock().is_closed = started.is_err();
        this
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds `text` to what waits, unless that is more than `most` bytes.
    fn offer(&self, text: &[u8], most: usize) {
        let mut waiting = self.lock();
        if waiting.is_closed || waiting.bytes + text.len() > most {
            drop(waiting);
            return DROPPED_LINES.inc_by(lines(text));
        }
        waiting.bytes += text.len();
        waiting.texts.push_back(text.into());
        self.changed.notify_all();
    }

    fn drain(&self, limit: Option<Duration>) {
        let begin = Instant::now();
        let mut waiting = self.lock();
        while !waiting.is_written() && !waiting.is_closed {
            let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
            if left == Some(Duration::ZERO) {
                return;
            }
            let woken = self.changed.wait_timeout(waiting, left.unwrap_or(Duration::from_secs(1)));
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes what is offered, for ever.
    fn write_all_to(&self, out: &mut impl Write) {
        let mut terminal = Terminal::default();
        loop {
            let (text, progress) = self.next();
            let lost = terminal.show(out, &text, progress.as_deref());
            if lost {
                DROPPED_LINES.inc_by(lines(&text));
            }
            let mut waiting = self.lock();
            waiting.is_busy = false;
            let has_caught_up = waiting.texts.is_empty();
            self.changed.notify_all();
            drop(waiting);
            if has_caught_up && !lost {
                terminal.tell_of_dropped_lines();
            }
        }
    }

    /// The next text, if there is one, and the progress to show below it.
    fn next(&self) -> (Box<[u8]>, Option<String>) {
        let mut waiting = self.lock();
        while waiting.texts.is_empty() && waiting.is_drawn {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let text = waiting.texts.pop_front().unwrap_or_default();
        waiting.bytes -= text.len();
        waiting.is_busy = true;
        waiting.is_drawn = true;
        (text, waiting.progress.clone())
    }
}

/// The knowledge of what the terminal, or the file, shows.
#[derive(Default)]
struct Terminal {
    /// True when the last line is a progress line.
    has_progress: bool,
    /// True when a line broke off.
    is_torn: bool,
    /// The dropped lines that were told.
    told: u64,
}

impl Terminal {
    /// Writes `text`, and `progress` below it. Returns true when it could not be written.
    fn show(&mut self, out: &mut impl Write, text: &[u8], progress: Option<&str>) -> bool {
        let mut bytes = Vec::with_capacity(text.len() + 8);
        if self.is_torn {
            bytes.push(b'\n');
        }
        if self.has_progress || progress.is_some() {
            bytes.extend(CLEAR.as_bytes());
        }
        bytes.extend(text);
        bytes.extend(progress.unwrap_or_default().as_bytes());
        self.has_progress = progress.is_some();
        let written = write_patiently(out, &bytes);
        self.is_torn = written < bytes.len() && (written > 0 || self.is_torn);
        written < bytes.len() && !text.is_empty()
    }

    fn tell_of_dropped_lines(&mut self) {
        let (now, told) = (DROPPED_LINES.get(), self.told);
        self.told = now;
        if now > told {
            warn!(
                dropped = now - told,
                "log lines were lost, because standard error could not be written or was not read: check what collects it"
            );
        }
    }
}

/// Writes `bytes`, and returns how many were written before an error.
fn write_patiently(out: &mut impl Write, bytes: &[u8]) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match out.write(&bytes[written..]) {
            Ok(0) => break,
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(AGAIN_AFTER),
            Err(_) => break,
        }
    }
    written
}

fn lines(text: &[u8]) -> u64 {
    u64::try_from(String::from_utf8_lossy(text).lines().count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that takes `room` bytes, and then fails.
    struct Disk {
        written: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            self.room -= taken;
            self.written.extend(&bytes[..taken]);
            if taken == 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn line_after_a_torn_one_begins_on_its_own_line() {
        let mut disk = Disk { written: Vec::new(), room: 10 };
        let mut terminal = Terminal::default();
        assert!(!terminal.show(&mut disk, b"first\n", None));
        assert!(terminal.show(&mut disk, b"second\n", None));
        assert!(terminal.show(&mut disk, b"third\n", None));
        disk.room = 100;
        assert!(!terminal.show(&mut disk, b"fourth\n", None));
        assert!(!terminal.show(&mut disk, b"fifth\n", None));
        assert_eq!(String::from_utf8(disk.written).unwrap(), "first\nseco\nfourth\nfifth\n");
    }

    #[test]
    fn text_goes_above_the_progress() {
        let mut disk = Disk { written: Vec::new(), room: 1000 };
        let mut terminal = Terminal::default();
        terminal.show(&mut disk, b"", Some("1 of 2"));
        terminal.show(&mut disk, b"a line\n", Some("1 of 2"));
        terminal.show(&mut disk, b"", None);
        terminal.show(&mut disk, b"another\n", None);
        let expected = format!("{CLEAR}1 of 2{CLEAR}a line\n1 of 2{CLEAR}another\n");
        assert_eq!(String::from_utf8(disk.written).unwrap(), expected);
    }
}
