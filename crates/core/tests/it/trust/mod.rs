//! Trust: what an attacker tried between the proof and the send, in what is remembered, and in time.

mod decisions;
mod holdings;
mod lag;
mod limits;
mod looks;
mod suspensions;
mod time;
mod transfers;
mod unconfirmed;
mod unreadable;
