//! The documents name tests, reasons and metrics that exist.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::{bare, code, output, stdout};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// All Rust sources, one after the other.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *text += &fs::read_to_string(path).unwrap();
        }
    }
}

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// The texts between back-ticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_test_that_the_safety_document_names_exists() {
    let mut all = String::new();
    sources(&Path::new(ROOT).join("crates"), &mut all);
    let safety = document("docs/SAFETY.md");
    let is_test = |name: &&str| {
        name.matches('_').count() > 2
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
    };
    let names: Vec<_> = quoted(&safety).into_iter().filter(is_test).collect();
    assert!(names.len() > 40, "{}", names.len());
    let missing: Vec<_> = names.into_iter().filter(|name| !all.contains(&format!("fn {name}("))).collect();
    assert_eq!(missing, Vec::<&str>::new());
    for file in quoted(&safety).into_iter().filter(|name| name.starts_with("crates/") && name.contains(".rs"))
    {
        assert!(Path::new(ROOT).join(file).exists(), "{file}");
    }
}

#[test]
fn the_operations_document_has_a_section_for_every_held_reason_and_a_row_for_every_refusal() {
    let operations = document("docs/OPERATIONS.md");
    for reason in subaccountd_core::Reason::ALL {
        assert!(operations.contains(&format!("\n### {reason}\n")), "{reason}");
    }
    // The codes of the facts under "refused for good" and "needs something in the state".
    let codes = [
        20003, 20005, 20006, 20403, 10001, 90010, 20008, 21476, 20429, 20409, 20500, 20503, 20504, 20404,
        21475, 21477, 21478, 21479, 21470, 21471, 21472, 21473, 21474, 22121, 22350, 21634, 21613, 21615,
        21631, 21649, 21650, 21651,
    ];
    let rows: String = operations.lines().filter(|line| line.starts_with("| ")).collect();
    for code in codes {
        assert!(rows.contains(&code.to_string()), "{code}");
    }
}

#[test]
fn every_metric_of_the_documents_exists() {
    let mut all = String::new();
    sources(&Path::new(ROOT).join("crates/subaccountd/src"), &mut all);
    for name in ["README.md", "docs/OPERATIONS.md", "docs/ARCHITECTURE.md"] {
        for metric in quoted(&document(name))
            .into_iter()
            .filter(|word| word.starts_with("subaccountd_") && !word.contains('{'))
        {
            let short = metric.trim_start_matches("subaccountd_");
            assert!(
                all.contains(&format!("\"{short}\""))
                    || all.contains(&format!("\"{metric}\""))
                    || metric == "subaccountd_core"
                    || metric == "subaccountd_twilio",
                "{name}: {metric}"
            );
        }
    }
}

/// The fenced blocks of `language` in a document.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[tokio::test]
async fn every_state_that_a_document_shows_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for name in ["README.md", "docs/OPERATIONS.md", "docs/ARCHITECTURE.md", "deploy/kubernetes/README.md"] {
        let text = document(name);
        for block in blocks(&text, "yaml").into_iter().filter(|block| block.contains("kind: DesiredState")) {
            let path = dir.path().join("state.yaml");
            fs::write(&path, block).unwrap();
            let ended = output(bare(&["validate", path.to_str().unwrap()])).await;
            assert_eq!(code(&ended), 0, "{name}: {}", stdout(&ended));
            seen += 1;
        }
    }
    assert!(seen > 0);
}
