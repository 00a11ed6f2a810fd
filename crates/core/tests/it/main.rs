//! The core from outside.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod convergence;
mod crash;
mod creates;
mod desired;
mod ended_calls;
mod example;
mod execute;
mod faults;
mod generated;
mod history;
mod manifest;
mod outage;
mod outcome;
mod pass;
mod plan;
mod report;
mod resync;
mod schema;
mod size;
mod storm;
mod support;
mod trust;
