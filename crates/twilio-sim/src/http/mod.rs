//! Twilio's API over HTTP.

pub(crate) mod addresses;
pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod calls;
pub(crate) mod inbound;
pub(crate) mod observe;
pub(crate) mod operation;
pub(crate) mod operations;
pub(crate) mod paging;
pub(crate) mod params;
pub(crate) mod requests;
pub(crate) mod wire;
