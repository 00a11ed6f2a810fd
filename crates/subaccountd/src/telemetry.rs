//! Logging to standard error.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    cli::settings::{LogFormat, LoggingArgs},
    output::progress::AboveLine,
};

/// Starts logging as `logging` says.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn start(logging: &LoggingArgs) -> anyhow::Result<()> {
    let filter: Targets = logging.log.parse().with_context(|| {
        format!("--log `{}` is not a filter: write a level or target=level, as in info", logging.log)
    })?;
    let tty = io::stderr().is_terminal();
    let layer = fmt::layer().with_writer(|| AboveLine);
    let layer = match logging.log_format.unwrap_or(if tty { LogFormat::Text } else { LogFormat::Json }) {
        LogFormat::Text => {
            let colour = tty && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            layer.with_ansi(colour).with_target(false).boxed()
        }
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    Ok(())
}
