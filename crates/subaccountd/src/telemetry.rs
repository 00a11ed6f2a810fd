//! Logging to standard error.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    cli::settings::{LogFormat, LoggingArgs},
    output::standard_error::LogLines,
};

/// Starts logging with these settings.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn start(logging: &LoggingArgs) -> anyhow::Result<()> {
    let filter = filter(&logging.log).with_context(|| {
        format!("`--log {}` is not a filter: write a level or `target=level`, as in `info`", logging.log)
    })?;
    let tty = io::stderr().is_terminal();
    let layer = fmt::layer().with_writer(|| LogLines);
    let layer = match logging.log_format.unwrap_or(if tty { LogFormat::Text } else { LogFormat::Json }) {
        LogFormat::Text => {
            let colour = crate::output::terminal::colour(&io::stderr());
            layer.with_ansi(colour).with_target(false).boxed()
        }
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    Ok(())
}

/// Reads levels and `target=level`, separated by commas. A word that is neither is an error: it would log nothing.
pub(crate) fn filter(text: &str) -> Option<Targets> {
    let is_target = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':'))
    };
    let level = |word: &str| word.parse::<LevelFilter>().ok().filter(|_| !word.is_empty());
    let mut parts = text.split(',').map(str::trim).filter(|part| !part.is_empty()).peekable();
    parts.peek()?;
    let mut filter = Targets::new();
    for part in parts {
        filter = match part.split_once('=') {
            Some((target, word)) if is_target(target) => filter.with_target(target, level(word)?),
            Some(_) => return None,
            None => filter.with_default(level(part)?),
        };
    }
    Some(filter)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn filter_takes_levels_and_targets_with_levels() {
        let filter = filter("subaccountd_twilio=debug, warn,").unwrap();
        assert!(filter.would_enable("subaccountd_twilio::client", &Level::DEBUG));
        assert!(filter.would_enable("subaccountd", &Level::WARN));
        assert!(!filter.would_enable("subaccountd", &Level::INFO));
        assert!(!super::filter("off").unwrap().would_enable("subaccountd", &Level::ERROR));
    }

    #[test]
    fn filter_that_would_log_nothing_by_mistake_is_refused() {
        for text in [
            "==",
            "inof",
            "\"info\"",
            "'info'",
            "*",
            "[span]=debug",
            "subaccountd=",
            "subaccountd=loud",
            "=info",
        ] {
            assert!(filter(text).is_none(), "{text}");
        }
    }
}
