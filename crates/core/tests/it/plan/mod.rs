//! The plan: a state, the fleet that fits it, one thing changed, and what comes of it.

mod accounts;
mod allowances;
mod any;
mod calls;
mod closes;
mod creates;
mod guard;
mod memory;
mod noticing;
mod numbers;
mod obstacles;
mod releases;
mod settings;
mod transfer_defaults;
mod unnamed;
mod whole;
mod windows;
