//! The simulator over HTTP: what a client of Twilio sees of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod accounts;
mod addresses;
mod calls;
mod client;
mod conformance;
mod faults;
mod lag;
mod late;
mod numbers;
mod observing;
mod paging;
mod program;
mod settings;
mod steering;
mod switches;
