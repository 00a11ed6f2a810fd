//! The binary from outside: real processes, real sockets, real files, real signals, and a simulated Twilio.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::float_cmp, reason = "metrics that count are whole")]

mod account_page;
mod commands;
mod completions;
mod creates;
mod daemon;
mod docs;
mod ended_calls;
mod endpoints;
mod freeze;
mod gates;
mod guide;
mod hang;
mod import;
mod journal;
mod journal_file;
mod leaks;
mod loading;
mod log_fields;
mod namespace;
mod notifications;
mod number_settings;
mod printed;
mod progress;
mod releases;
mod resync;
mod revision;
mod safety;
mod service_manager;
mod settings;
mod shown;
mod signals;
mod snapshots;
mod state_files;
mod status;
mod streams;
mod support;
mod terminal;
mod troubles;
mod trust;
mod unknowns;
mod unnamed_numbers;
mod watching;
mod wire;
