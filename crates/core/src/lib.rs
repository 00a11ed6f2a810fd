//! The pure core of `subaccountd`.

mod action;
mod clock;
pub mod desired;
mod digest;
pub mod execute;
pub mod guard;
pub mod history;
mod notice;
mod observed;
mod phone;
pub mod plan;
pub mod reads;
pub mod record;
pub mod remote;
pub mod report;
mod sid;
pub mod spec;
mod status;

pub use action::{Action, Close, Needs, Object, Transfer, Verb};
pub use clock::{Now, whole_seconds};
pub use desired::{CloseTerms, Desired, Entry, Goal};
pub use digest::hex;
pub use guard::{ApprovedPlan, Budget, Budgets, Limit, Limits, approve};
pub use history::History;
pub use notice::notice;
pub use observed::{Account, Holdings, LiveStatus, Number, Observed, Whereabouts};
pub use phone::{NotE164, PhoneNumber};
pub use plan::{Held, Plan, Planned, Policy, Reactivation, Reason, Unplannable, plan};
pub use report::Report;
pub use sid::{AccountSid, AddressSid, BundleSid, IdentitySid, NotASid, NumberSid};
pub use status::{Status, Transition, transition};
