//! The core from outside.

mod example;
mod schema;
