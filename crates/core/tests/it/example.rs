//! The example in the repository teaches the format, so it must be right.

use subaccountd_core::{
    Status,
    manifest::{Source, parse},
};

#[test]
fn the_example_has_no_fault_and_shows_every_status() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/desired-state.example.yaml");
    let content = std::fs::read(path).map_err(|error| error.to_string());
    let reading = parse(&[Source { name: path.to_owned(), content: content.map_err(Into::into) }]);
    assert_eq!(reading.faults, []);
    for status in Status::ALL {
        assert!(reading.desired.accounts().any(|entry| entry.desired_status.status() == status), "{status}");
    }
    assert_eq!(reading.desired.claims().count(), 4);
}
