//! The JSON Schema: it is committed, and it answers as the parser does.

use std::{env, fs, path::Path};

use subaccountd_core::spec::schema::json_schema;

/// `UPDATE_SCHEMA=1 cargo nextest run -p subaccountd-core` writes it anew.
#[test]
fn the_committed_schema_is_what_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/schema/desired-state.v1.schema.json");
    if env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, json_schema()).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), json_schema(), "run it again with UPDATE_SCHEMA=1");
}
