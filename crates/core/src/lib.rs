//! The pure core of `subaccountd`: it decides, and nothing else. No I/O, no clock, no dice: what it needs to know comes in
//! as values, what it wants done goes out as values, and [`execute`] alone calls out, through ports.
//!
//! # What always holds
//!
//! - **No account is closed** unless the state, without any fault, says `closed` and confirms the live name; the account
//!   rested suspended for long enough since that decision, by Twilio's clock; and its whole number list was seen twice,
//!   the second time right before, with nothing in it but what `close.release` names. Emptying an account and closing it
//!   are never in one plan. Only `plan::close` makes an [`Action::Close`].
//! - **No number is released** but those. Every number stays in exactly one account, whatever fails on the way.
//! - **The main account's status is never touched**, nor that of an account that the state does not list. Absence is not
//!   an action kind: the plan walks what is desired, never what was observed.
//! - **Not known is a value.** A list that could not be read is not empty, a status that is none of the three is not one
//!   of them, a write without an answer is neither done nor undone.
//! - **A fault costs the smallest thing that it makes doubtful**, and while there is one, nothing is done that cannot be
//!   undone. A faulty entry is absent, its account paused for numbers.
//! - **The brake refuses an action kind whole**, alone, and counts what may have happened as happened: after a crash the budgets
//!   are no larger. Only [`approve`] makes an [`ApprovedPlan`], and only such a plan can be executed.
//! - **A suspension made by others is information.** It is reported, not fought; so is whatever others undo twice.
//! - **A converged fleet gets no write**, and when nothing goes wrong a fleet converges, or what is left is held with a
//!   reason, a message that names the targets, and a remedy.
//! - **The same facts give the same plan**, and all that one pass knows of another are the facts of [`History`].
//!
//! # The modules, in reading order
//!
//! 1. The nouns: `sid`, `phone`, `status` with the table of transitions, `action` (what may be written), `clock`.
//! 2. [`manifest`] reads YAML into [`desired`] and every fault with its place; `manifest::schema` is its JSON Schema.
//! 3. `observed`: what one pass saw, with the resource references of its numbers. [`reads`]: which number lists it needs.
//! 4. [`history`]: what past passes saw and did. [`events`]: what an observation adds to it.
//! 5. [`plan`](mod@plan): actions, and what is held and why. [`guard`]: the brake.
//! 6. [`remote`] and [`record`]: the ports. [`execute`]: from an approved plan to outcomes.
//! 7. [`report`]: one pass as a value, from which everything is shown. [`text`]: words for people.
//!
//! # Example
//!
//! A state that suspends an account which is active at Twilio:
//!
//! ```
//! use subaccountd_core::{
//!     Account, AccountSid, History, LiveStatus, Now, Observed, Policy, Status,
//!     manifest::{Source, parse},
//!     plan,
//! };
//!
//! let main: AccountSid = "AC00000000000000000000000000000000".parse()?;
//! let customer: AccountSid = "AC00000000000000000000000000000001".parse()?;
//! let text = format!(
//!     "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {{sid: {main}}}\n\
//!      subaccounts: [{{sid: {customer}, status: suspended}}]\n"
//! );
//! let parsed = parse(&[Source { name: "state.yaml".to_owned(), content: Ok(text.into_bytes()) }]);
//! assert!(parsed.faults.is_empty());
//!
//! let account = |sid, name: &str| Account {
//!     sid,
//!     owner: Some(main),
//!     friendly_name: name.to_owned(),
//!     status: LiveStatus::Known(Status::Active),
//!     date_updated: None,
//! };
//! let observed = Observed::new(main, [account(main, "us"), account(customer, "acme")]);
//! let noon = "2026-06-01T12:00:00Z".parse()?;
//! let now = Now::new(noon, Some(noon));
//! let plan = plan(&parsed.desired, &observed, &History::default(), &Policy::default(), now)?;
//! assert_eq!(plan.actions[0].action.to_string(), format!("suspend {customer}"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod clock;
mod condition;
pub mod desired;
mod digest;
pub mod events;
pub mod execute;
pub mod guard;
pub mod history;
pub mod manifest;
mod observed;
pub mod outcome;
pub mod pass;
mod phone;
pub mod plan;
pub mod reads;
pub mod record;
pub mod remote;
pub mod report;
mod resource_refs;
mod sid;
mod status;
pub mod text;

pub use action::{Action, ActionKind, Close, Target, Transfer, TransferResources};
pub use clock::{CLOCK_TOLERANCE, Now, Stamp, whole_seconds};
pub use condition::{Condition, ConditionReason, ConditionStatus};
pub use desired::{CloseTerms, Desired, DesiredStatus, Doubt, Entry, Pause};
pub use digest::hex;
pub use guard::{ApprovedPlan, Budget, Budgets, Guardrails, Limit, Limits, approve};
pub use history::History;
pub use observed::{
    Account, AccountList, Doubts, LiveStatus, Number, NumberList, NumberLocation, Observed, UnreadableRow,
};
pub use outcome::{Outcome, Receipt, Refusal, Skip, SkipCause, UnknownOutcome};
pub use pass::Pass;
pub use phone::{NotE164, PhoneNumber};
pub use plan::{Held, Plan, PlanError, Planned, Policy, Reactivation, Reason, plan};
pub use report::Report;
pub use resource_refs::{ResourceRef, ResourceRefs};
pub use sid::{AccountSid, AddressSid, BundleSid, IdentitySid, NotASid, NumberSid};
pub use status::{Status, Transition, transition};
