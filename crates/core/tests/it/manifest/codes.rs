//! The codes: each has an explanation, and examples that match it.

use subaccountd_core::manifest::{DiagnosticCode, Source, parse};

/// Codes without an example in YAML: no text can show them.
const WITHOUT_EXAMPLE: [DiagnosticCode; 3] =
    [DiagnosticCode::UnreadableFile, DiagnosticCode::NotUtf8, DiagnosticCode::ManyFaults];

fn codes(sources: &[Source]) -> Vec<DiagnosticCode> {
    parse(sources).faults.iter().map(|fault| fault.code).collect()
}

fn source(content: Result<Vec<u8>, String>) -> Source {
    Source { name: "state.yaml".to_owned(), content }
}

/// The codes of an example; what begins with a dash is the list of subaccounts of a state.
fn codes_of(example: &str) -> Vec<DiagnosticCode> {
    let head = "apiVersion: subaccountd/v1\nkind: DesiredState\n";
    let main = "mainAccount: {sid: AC00000000000000000000000000000000}\n";
    let text = match example.strip_prefix("- ") {
        Some(_) => format!("{head}{main}subaccounts:\n{example}"),
        None => example.to_owned(),
    };
    codes(&[source(Ok(text.into_bytes()))])
}

#[test]
fn wrong_example_of_each_code_has_that_fault_and_the_right_one_has_none() {
    for code in DiagnosticCode::ALL.iter().copied().filter(|code| !WITHOUT_EXAMPLE.contains(code)) {
        let examples: Vec<&str> = code.explanation().split("```yaml\n").skip(1).collect();
        let examples: Vec<&str> = examples.iter().filter_map(|text| text.split("```").next()).collect();
        let [wrong, right] = examples[..] else { panic!("{code} has {} examples", examples.len()) };
        let found = codes_of(wrong);
        assert!(!found.is_empty() && found.iter().all(|found| *found == code), "{code}: {found:?}");
        assert_eq!(codes_of(right), [], "{code}");
    }
}

#[test]
fn fault_without_an_example_has_its_code() {
    assert_eq!(codes(&[source(Err("permission denied".to_owned()))]), [DiagnosticCode::UnreadableFile]);
    assert_eq!(codes(&[source(Ok(b"reason: M\xfcller\n".to_vec()))]), [DiagnosticCode::NotUtf8]);
    for code in WITHOUT_EXAMPLE {
        assert!(!code.explanation().contains("```yaml"), "{code}");
    }
}

#[test]
fn a_thousand_faults_are_kept_and_the_last_counts_the_others() {
    let text = "mainAccount: {sid: AC00000000000000000000000000000000}\nkind: DesiredState\n\
                apiVersion: subaccountd/v1\nsubaccounts:\n"
        .to_owned();
    let with =
        |faults: usize| parse(&[source(Ok(format!("{text}{}", "- 1\n".repeat(faults)).into_bytes()))]).faults;
    assert!(with(1000).iter().all(|fault| fault.code == DiagnosticCode::WrongType));
    let faults = with(5000);
    assert_eq!(faults.len(), 1000);
    let last = faults.last().unwrap();
    assert_eq!((last.code, last.line), (DiagnosticCode::ManyFaults, 1004));
    assert_eq!(last.message, "4001 more faults after this one are not shown");
}

#[test]
fn codes_are_numbered_without_a_gap_and_each_has_its_own_explanation() {
    for (n, code) in (1..).zip(DiagnosticCode::ALL) {
        assert_eq!(code.as_str(), format!("SD{n:03}"));
        let explanation = code.explanation();
        assert!(explanation.starts_with(&format!("# {code}: {}\n\n", code.title())), "{code}");
        assert!(!code.title().is_empty() && explanation.ends_with('\n'), "{code}");
        assert!(explanation.lines().all(|line| line.chars().count() <= 120), "{code}");
        assert_eq!(
            DiagnosticCode::ALL.iter().filter(|other| other.title() == code.title()).count(),
            1,
            "{code}"
        );
    }
}

#[test]
fn a_code_is_found_in_either_case_and_near_misses_by_their_number() {
    assert_eq!(DiagnosticCode::from_text("sd014"), Some(DiagnosticCode::UnknownKey));
    assert_eq!(DiagnosticCode::from_text("SD14"), None);
    for text in ["14", "SD14", "sd-014", "E0014"] {
        assert_eq!(DiagnosticCode::near(text), Some(DiagnosticCode::UnknownKey), "{text}");
    }
    for text in ["", "SD", "SD000", "SD999", "SD0x4", "99999999999999999999999"] {
        assert_eq!(DiagnosticCode::near(text), None, "{text}");
    }
}

#[test]
fn a_fault_is_serialized_as_the_status_shows_it() {
    let faults = parse(&[source(Ok(b"apiVersion: v1\nkind: DesiredState\n".to_vec()))]).faults;
    let json = serde_json::to_value(&faults).unwrap();
    let keys: Vec<_> = json[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["column", "file", "help", "line", "message"]);
}
