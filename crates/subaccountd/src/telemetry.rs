//! Logging to standard error.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::settings::{LogFormat, LoggingArgs},
    output::progress::AboveLine,
};

/// Starts logging as `logging` says.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn start(logging: &LoggingArgs) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&logging.log).with_context(|| {
        format!("--log `{}` is not a filter: write a level or target=level, as in info", logging.log)
    })?;
    let tty = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| AboveLine);
    match logging.log_format.unwrap_or(if tty { LogFormat::Text } else { LogFormat::Json }) {
        LogFormat::Text => {
            let colour = tty && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            builder.with_ansi(colour).with_target(false).init();
        }
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
        }
    }
    Ok(())
}
