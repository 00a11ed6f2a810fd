//! The number of faults, and their places in annotations.

use serde_json::Value;

use super::{folder, validate};
use crate::support::{Setup, code, entry, fleet, output, state, stdout};

#[tokio::test]
async fn the_first_thousand_faults_are_shown_and_all_are_counted() {
    let faulty = |count: u64| (1..=count).map(|n| entry(n, "actve", "")).collect::<String>();
    for (count, shown, last) in
        [(1_000, 1_000, ""), (1_001, 1_001, "1 more fault "), (2_500, 1_001, "1,500 more faults ")]
    {
        let text = state(&faulty(count));
        let dir = folder(&[("desired.yaml", &text)]);
        let checked = output(validate(dir.path(), &["desired.yaml", "-o", "json"])).await;
        let faults: Value = serde_json::from_str(&stdout(&checked)).unwrap();
        let faults = faults["faults"].as_array().unwrap();
        assert_eq!(faults.len(), shown, "of {count}");
        assert_eq!(faults[999]["line"], 1_004, "the first ones in order");
        let told = faults.get(1_000).map_or("", |fault| fault["message"].as_str().unwrap());
        assert!(told.starts_with(last), "{told}");
        let checked = output(validate(dir.path(), &["desired.yaml"])).await;
        assert_eq!(code(&checked), 1);
        let words = format!("{} faults", subaccountd_core::text::grouped(usize::try_from(count).unwrap()));
        assert!(stdout(&checked).lines().last().unwrap().starts_with(&words), "{words}");
    }
    // So many that not each is kept whole while they are read, and the first one is found last.
    let mut text = state(&faulty(23_000));
    text = text.replace("kind: DesiredState", "kind: DesiredState\nx-note: &same {a: b}");
    text = text.replacen(&entry(1, "actve", ""), &entry(23_000, "active", ""), 1);
    let setup = Setup::new(fleet(1, 0), &text).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.first_pass().await;
    assert_eq!(daemon.metric("subaccountd_desired_state_faults").await, 23_000.0);
    assert_eq!(daemon.status().await["desiredState"]["faults"].as_array().unwrap().len(), 1_001);
}

#[tokio::test]
async fn places_of_annotations_are_relative_to_the_checkout() {
    let text = state(&entry(1, "actve", ""));
    let dir = folder(&[("deploy/state/a.yaml", &text)]);
    let annotated = async |from: &str, path: &str, workspace: Option<&std::path::Path>| {
        let mut command = validate(&dir.path().join(from), &["-o", "github", path]);
        command.envs(workspace.map(|workspace| ("GITHUB_WORKSPACE", workspace)));
        let shown = stdout(&output(command).await);
        shown.split(',').next().unwrap().to_owned()
    };
    let place = "::error file=deploy/state/a.yaml";
    let checkout = Some(dir.path());
    assert_eq!(annotated("", "./deploy/state", checkout).await, place);
    assert_eq!(annotated("", "deploy/./state/a.yaml", checkout).await, place);
    assert_eq!(annotated("deploy", "state", checkout).await, place);
    assert_eq!(annotated("deploy/state", ".", checkout).await, place);
    assert_eq!(annotated("deploy/state", "../state", checkout).await, place);
    let absolute = dir.path().join("deploy/state").display().to_string();
    assert_eq!(annotated("", &absolute, checkout).await, place);
    assert_eq!(annotated("", "./deploy/state", None).await, place);
}
