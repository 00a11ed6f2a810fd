//! The HTTP client to Twilio behind the ports of `subaccountd-core`: [`Client`] implements `Observe` and `Apply`.
//!
//! It makes no decisions about the fleet. Modules in reading order: requests (`request`, `origin`, `route`), transport (`credentials`,
//! `token_text`, `gate`, `authorities`, `connect`, `transport`, `limit`, `retry`, `client`), answers (`wire`, `rows`, `pages`, `error`), and the two ports
//! (`observe`, `apply`, and `calls` for both).
//!
//! # Example
//!
//! The accounts of a simulated Twilio:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use subaccountd_core::remote::Observe;
//! use subaccountd_twilio::{Client, Config, NoTelemetry, Retry, TokenSource};
//! use twilio_sim::{Sim, World};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = Sim::start(World::generated(3, 0)).await?;
//! let config = Config {
//!     base_url: sim.url(),
//!     account_sid: "AC00000000000000000000000000000000".parse()?,
//!     token: TokenSource::Fixed("demo-token".into()),
//!     request_timeout: Duration::from_secs(5),
//!     max_in_flight: 4,
//!     retry: Retry::default(),
//! };
//! let client = Client::new(config, Arc::new(NoTelemetry))?;
//! assert_eq!(client.accounts().await?.accounts.len(), 4, "three customers, and the main account");
//! # Ok(())
//! # }
//! ```

mod apply;
mod authorities;
mod calls;
mod client;
mod connect;
mod credentials;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod limit;
mod observe;
mod origin;
mod pages;
mod request;
mod response_body;
mod retry;
mod route;
mod rows;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod telemetry;
mod token_text;
mod transport;
mod wire;

pub use apply::Slot;
pub use client::{Client, Config, ConfigError};
pub use credentials::{TokenError, TokenSource};
pub use origin::BadUrl;
pub use retry::Retry;
pub use secrecy::SecretString;
pub use telemetry::{NoTelemetry, Operation, RequestOutcome, Telemetry};
pub use token_text::{MalformedToken, trimmed};
