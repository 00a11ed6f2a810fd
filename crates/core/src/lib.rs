//! The pure core of `subaccountd`, which makes all decisions. It has no I/O, no clock and no randomness: facts come in as
//! values, actions go out as values, and only [`execute`] calls out, through ports.
//!
//! # Invariants
//!
//! - **An account is closed** only when the state has no fault, its desired status is `closed` and its live name is
//!   confirmed; when it was suspended for the whole cooling-off period since that decision, by Twilio's clock; and when its
//!   whole number list was read twice, the second time right before the close, with only numbers that `close.release`
//!   names. One plan never both empties and closes an account. Only `plan::close` makes an [`Action::Close`].
//! - **A number is released** only with such a close. Every other number stays in exactly one account, even after failures.
//! - **The status of the main account is never changed**, nor that of an account that the state does not list. The plan walks
//!   the desired state, never the observation, so that nothing is destroyed because it is missing.
//! - **Unknown is a value.** A list that could not be read is not empty, an unknown status is none of the three, and a write
//!   without an answer is neither done nor undone.
//! - **A fault costs the smallest thing that it makes doubtful**, and while there is any fault, nothing irreversible is done.
//!   A faulty entry is absent, and its account is paused for numbers.
//! - **The brake holds an action kind as a whole**, and no other kind, and counts writes that may have happened as done: a
//!   crash does not enlarge a budget. Only [`approve`] makes an [`ApprovedPlan`], and only such a plan can be executed.
//! - **A call is ended** only in an account whose desired state asks for it, that was fetched right before and is suspended as
//!   planned; never an emergency call, nor a call of its family.
//! - **An external suspension is reported**, not reverted. So is a write that was reverted externally twice.
//! - **A fleet in sync gets no write.** Without failures, every fleet converges, or the difference is held with a reason, a
//!   message that names the targets, and a remedy.
//! - **An account is created at most once for an entry**, whatever was lost: the intent is durable before the request, and
//!   only `plan::creates` makes an [`Action::Create`].
//! - **The same facts give the same plan.** One pass only knows the facts in [`History`] about another.
//!
//! # The modules, in reading order
//!
//! 1. The basic types: `sid`, `phone`, `friendly_name`, `status` with the table of transitions, `call`, `action` with the
//!    possible writes, `clock`; `number_setting` and its neighbours, the settings of a number.
//! 2. [`manifest`] reads YAML into [`desired`] and its faults; `manifest::schema` is its JSON Schema.
//! 3. `observed`: the observation of one pass, with the resource references of its numbers. [`reads`]: the number lists that
//!    it needs.
//! 4. [`history`]: the facts of past passes. [`events`]: the facts that a pass adds.
//! 5. [`plan`](mod@plan): actions and held items. [`guard`]: the brake.
//! 6. [`remote`] and [`record`]: the ports. [`execute`]: from an approved plan to outcomes.
//! 7. [`report`]: one pass as a value, the source of every output. [`text`]: text for people.
//!
//! # Example
//!
//! A state that suspends an active account:
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
//!     date_created: None,
//!     date_updated: None,
//! };
//! let observed = Observed::new(main, [account(main, "us"), account(customer, "acme")]);
//! let noon = "2026-06-01T12:00:00Z".parse()?;
//! let now = Now::new(noon, Some(noon));
//! let plan = plan(&parsed.desired, &observed, &History::default(), &Policy::default(), now)?;
//! assert_eq!(plan.actions[0].action.to_string(), format!("suspend {customer}"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account_ref;
mod action;
mod address;
pub mod allowance;
mod call;
pub mod claim;
mod clock;
mod condition;
pub mod desired;
mod digest;
mod emergency_status;
pub mod events;
pub mod execute;
mod freeze;
mod friendly_name;
pub mod guard;
pub mod history;
mod kept_lists;
pub mod manifest;
mod number_id;
mod number_setting;
mod number_settings;
mod number_type;
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
mod schedule;
mod shown_settings;
mod sid;
mod status;
pub mod text;
pub mod window;

pub use account_ref::AccountRef;
pub use action::{
    Action, ActionKind, Close, Configure, Create, EndCalls, Release, Target, Transfer, TransferResources,
};
pub use address::Address;
pub use call::{Call, CallDirection, CallEnd, CallStatus, endable, subscriber};
pub use claim::{Claim, ClaimDetails};
pub use clock::{CLOCK_TOLERANCE, Now, Stamp, whole_seconds};
pub use condition::{Condition, ConditionReason, ConditionStatus};
pub use desired::{CloseTerms, Desired, DesiredStatus, Doubt, Entry, Pause, ReleaseTerms, Unpinned};
pub use digest::hex;
pub use emergency_status::EmergencyStatus;
pub use freeze::Freeze;
pub use friendly_name::{FriendlyName, NotKept, folded};
pub use guard::{ApprovedPlan, Budget, Budgets, Guardrails, Limit, Limits, approve};
pub use history::History;
pub use kept_lists::KeptLists;
pub use number_id::{NotANumberId, NumberId};
pub use number_setting::{NumberSetting, SettingFormat, SettingSet};
pub use number_settings::NumberSettings;
pub use number_type::NumberType;
pub use observed::{
    Account, AccountList, CallList, Doubts, LiveStatus, Number, NumberList, NumberLocation, Observed,
    UnreadableRow,
};
pub use outcome::{Outcome, Receipt, Refusal, Skip, SkipCause, UnknownOutcome};
pub use pass::Pass;
pub use phone::{NotE164, PhoneNumber};
pub use plan::{Held, NotKnown, Plan, PlanError, Planned, Policy, Reactivation, Reason, plan};
pub use report::Report;
pub use resource_refs::{ResourceRef, ResourceRefs};
pub use schedule::Schedule;
pub use shown_settings::{SettingDifference, ShownSetting, ShownSettings};
pub use sid::{
    AccountSid, AddressSid, ApplicationSid, BundleSid, CallSid, IdentitySid, NotASid, NumberSid, TrunkSid,
};
pub use status::{Status, Transition, transition};
