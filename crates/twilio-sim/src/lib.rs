//! A simulator of Twilio's Accounts and IncomingPhoneNumbers resources: a [`World`] that enforces Twilio's rules, and an HTTP door to it.
//!
//! The world alone is a value without I/O: it can be built, asked and changed in memory. [`Sim`] serves it over HTTP as Twilio
//! does, with [`Switches`] for what Twilio does not document and [`Faults`] for what goes wrong on the way.
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
#![doc = concat!("```text\n", include_str!("control.txt"), "```")]

mod account;
mod answer;
mod builder;
mod console;
mod control;
mod digest;
mod entry;
mod error;
mod faults;
mod http;
mod inbound;
mod json;
mod lag;
mod late;
mod number;
mod observe;
mod operation;
mod operations;
mod paging;
mod params;
mod requests;
mod row;
mod rules;
mod server;
mod settings;
mod shared;
mod sid;
mod spoil;
mod switches;
mod when;
mod wire;
mod world;
pub mod world_file;

pub use account::{Account, AccountStatus};
pub use builder::{WorldBuilder, WorldError};
pub use error::ApiError;
pub use faults::{Fault, FaultKind, Faults};
pub use number::{AddressRequirements, Number, NumberType, Origin};
pub use observe::{Moment, WriteSeen};
pub use operation::Operation;
pub use requests::RequestRecord;
pub use row::RowPatch;
pub use rules::TransferPapers;
pub use server::Sim;
pub use settings::Settings;
pub use sid::{AccountSid, NumberSid, SidError};
pub use switches::{ClosedNumbers, Fate, NoSid, SuspendedNumbers, SwitchError, Switches, Verdict};
pub use world::{Release, Unknown, World};
