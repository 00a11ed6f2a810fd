//! The only place of the daemon where a clock is read.

use jiff::Timestamp;

/// Now, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the edge at which the clock is read")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
