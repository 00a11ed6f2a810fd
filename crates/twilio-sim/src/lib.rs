//! A simulator of Twilio's Accounts and IncomingPhoneNumbers resources: a [`World`] that enforces Twilio's rules, and an HTTP door to it.
//!
//! The world alone is a value without I/O: it can be built, asked and changed in memory. [`Sim`] serves it over HTTP as Twilio
//! does, with [`Behavior`] for what Twilio does not document and [`Faults`] for what goes wrong on the way.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use twilio_sim::{Fault, Operation, Sim, World};
//!
//! let sim = Sim::start(World::generated(3, 10)).await?;
//! sim.inject(Fault::reset_after().on(Operation::UpdateNumber).times(1));
//! println!("{}/2010-04-01/Accounts.json", sim.url());
//! assert_eq!(sim.world().owner_of("+15105550001").map(|sid| sid.as_str()), Some("AC00000000000000000000000000000001"));
//! # Ok(()) }
//! ```
//!
//! Over HTTP it is steered at `/_sim/…`, where no rule of the API stops an edit:
//!
#![doc = concat!("```text\n", include_str!("control/control.txt"), "```")]

mod control;
mod digest;
mod faults;
mod http;
mod server;
mod shared;
mod world;

pub use faults::{Fault, FaultKind, Faults, row::RowPatch};
pub use http::{
    observe::{Moment, WriteSeen},
    operation::Operation,
    requests::RequestRecord,
};
pub use server::{NoAnswer, Sim};
pub use world::{
    Release, Unknown, World,
    account::{Account, AccountStatus},
    behavior::{Behavior, BehaviorError, ClosedNumbers, NoSid, Policy, SettingFate, SuspendedNumbers},
    builder::{WorldBuilder, WorldError},
    error::ApiError,
    number::{AddressRequirements, Number, NumberType, Origin},
    rules::TransferPapers,
    settings::Settings,
    sid::{AccountSid, NumberSid, SidError},
    world_file,
};
