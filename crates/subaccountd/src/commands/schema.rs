//! `schema`: prints the JSON Schema of the desired state.

use subaccountd_core::manifest::schema::json_schema;

use super::{Exit, print};
use crate::output::printed::Printed;

pub(super) fn schema() -> anyhow::Result<Exit> {
    print(&Printed::own(json_schema()))?;
    Ok(Exit::Done)
}
