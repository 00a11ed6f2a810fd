//! The HTTP client to Twilio behind the ports of `subaccountd-core`: [`Client`] implements `Observe` and `Apply`.
//!
//! It talks and never decides. Modules in reading order: what is asked (`request`, `origin`), how it travels
//! (`credentials`, `gate`, `connect`, `transport`, `limit`, `retry`, `client`), what comes back (`wire`, `rows`, `pages`, `error`), and the two
//! ports (`observe`, `apply`).

mod apply;
mod client;
mod connect;
mod credentials;
mod error;
mod gate;
mod limit;
mod observe;
mod origin;
mod pages;
mod request;
mod response_body;
mod retry;
mod rows;
mod telemetry;
mod transport;
mod wire;

pub use apply::Slot;
pub use client::{Client, Config, ConfigError};
pub use credentials::{TokenError, TokenSource};
pub use origin::BadUrl;
pub use retry::Retry;
pub use secrecy::SecretString;
pub use telemetry::{NoTelemetry, Operation, RequestOutcome, Telemetry};
