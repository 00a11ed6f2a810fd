//! A simulator of Twilio's Accounts, IncomingPhoneNumbers, Calls and Addresses resources: a [`World`] that enforces Twilio's
//! rules, and an HTTP server for it.
//!
//! The world is a value without I/O: it can be built, queried and changed in memory. [`Sim`] serves it over HTTP as Twilio
//! does, with [`Behavior`] for undocumented behavior and [`Faults`] for failures on the way.
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
//! The control API at `/_sim/…` changes it without the rules of Twilio's API:
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
    observe::{AccountRow, AccountsSeen, Moment, NumbersSeen, WriteSeen},
    operation::Operation,
    requests::RequestRecord,
};
pub use server::{NoAnswer, Sim};
pub use world::{
    Release, Unknown, World,
    account::{Account, AccountStatus},
    address::Address,
    behavior::{
        AccountNames, Behavior, BehaviorError, CallEffect, ClosedNumbers, EmergencyRemoval, NamedSettings,
        NoSid, NumberTypes, Policy, SuspendedNumbers, TransferEffect,
    },
    builder::{WorldBuilder, WorldError},
    call::{Call, CallDirection, CallStatus},
    error::ApiError,
    number::{AddressRequirements, EmergencyAddressStatus, Number, NumberType, Origin},
    settings::Settings,
    sid::{AccountSid, AddressSid, CallSid, NumberSid, SidError},
    transfer_resources::TransferResources,
    world_file,
};
