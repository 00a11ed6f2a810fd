//! Trust: what an attacker tried between the proof and the send, in what is remembered, and in time.

mod decisions;
mod lag;
mod limits;
mod looks;
mod number_lists;
mod suspensions;
mod time;
mod transfers;
mod unconfirmed;
mod unreadable;
