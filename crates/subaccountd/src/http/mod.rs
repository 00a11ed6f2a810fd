//! The endpoints that the daemon serves, and the client that commands ask them with.

pub(crate) mod access;
pub(crate) mod client;
mod document;
mod listener;
pub(crate) mod server;
pub(crate) mod status_page;
