//! The pure core of `subaccountd`.

mod action;
mod observed;
mod phone;
pub mod remote;
mod sid;
mod status;

pub use action::{Action, Close, Needs, Object, Transfer, Verb};
pub use observed::{Account, Holdings, LiveStatus, Number, Observed, Whereabouts};
pub use phone::{NotE164, PhoneNumber};
pub use sid::{AccountSid, AddressSid, BundleSid, IdentitySid, NotASid, NumberSid};
pub use status::{Status, Transition, transition};
