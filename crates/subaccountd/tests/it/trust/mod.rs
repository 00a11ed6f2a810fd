//! Attacks on the running daemon: each test tries to get a write past a guard, or to keep the daemon from its work.

mod clock;
mod faults;
mod firewall;
mod journal;
mod lag;
mod limits;
mod memory;
mod outage;
mod people;
mod proof;
mod rows;
mod steps;
mod stranded;
mod views;
