//! The codes: each has an explanation, and examples that match it.

use subaccountd_core::manifest::{DiagnosticCode, Source, Unread, parse};

/// Codes without an example in YAML: no text can show them.
const WITHOUT_EXAMPLE: [DiagnosticCode; 4] = [
    DiagnosticCode::UnreadableFile,
    DiagnosticCode::NotUtf8,
    DiagnosticCode::ManyFaults,
    DiagnosticCode::ManyItems,
];

fn codes(sources: &[Source]) -> Vec<DiagnosticCode> {
    parse(sources).faults.iter().map(|fault| fault.code).collect()
}

fn source(content: Result<Vec<u8>, Unread>) -> Source {
    Source { name: "state.yaml".to_owned(), content }
}

/// The codes of an example; what begins with a dash is the list of subaccounts of a state, and lists of the whole state stand
/// beside its main account.
fn codes_of(example: &str) -> Vec<DiagnosticCode> {
    let head = "apiVersion: subaccountd/v1\nkind: DesiredState\n";
    let main = "mainAccount: {sid: AC00000000000000000000000000000000}\n";
    let text = match example.strip_prefix("- ") {
        Some(_) => format!("{head}{main}subaccounts:\n{example}"),
        None if ["windows:", "allowances:"].iter().any(|key| example.starts_with(key)) => {
            format!("{head}{main}{example}")
        }
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
    assert_eq!(
        codes(&[source(Err("permission denied".to_owned().into()))]),
        [DiagnosticCode::UnreadableFile]
    );
    assert_eq!(codes(&[source(Ok(b"reason: M\xfcller\n".to_vec()))]), [DiagnosticCode::NotUtf8]);
    let windows = "  - {schedule: '0 18 * * 5', duration: 1h}\n".repeat(101);
    assert_eq!(codes_of(&format!("windows:\n{windows}")), [DiagnosticCode::ManyItems]);
    for code in WITHOUT_EXAMPLE {
        assert!(!code.explanation().contains("```yaml"), "{code}");
    }
}

#[test]
fn a_thousand_faults_are_kept_and_one_more_counts_the_others() {
    let text = "mainAccount: {sid: AC00000000000000000000000000000000}\nkind: DesiredState\n\
                apiVersion: subaccountd/v1\nsubaccounts:\n"
        .to_owned();
    let with = |faults: usize| parse(&[source(Ok(format!("{text}{}", "- 1\n".repeat(faults)).into_bytes()))]);
    assert!(with(1000).faults.iter().all(|fault| fault.code == DiagnosticCode::WrongType));
    // With the last number not every one is kept whole while they are read.
    for (count, told) in
        [(1001, "1 more fault after this one is"), (90_000, "89,000 more faults after this one are")]
    {
        let read = with(count);
        assert_eq!((read.faults.len(), read.fault_count), (1001, count));
        let (last, first) = read.faults.split_last().unwrap();
        assert!(first.iter().map(|fault| fault.line).eq(5..1005), "the first ones, in order");
        assert_eq!((last.code, last.line), (DiagnosticCode::ManyFaults, 1004));
        assert_eq!(last.message, format!("{told} not shown"));
    }
}

#[test]
fn faults_that_an_alias_repeats_are_counted_once() {
    let head = "apiVersion: subaccountd/v1\nkind: DesiredState\n\
                mainAccount: {sid: AC00000000000000000000000000000000}\n";
    let items = "1, ".repeat(9_000);
    let text =
        format!("{head}x-a: &a [{items}]\nsubaccounts: *a\n---\n{head}x-a: &a [{items}]\nsubaccounts: *a\n");
    let again = format!(
        "{head}x-a: &a [{items}]\nsubaccounts: [{{numbers: *a}}, {{numbers: *a}}, {{numbers: *a}}]\n"
    );
    let count = |text: String| parse(&[source(Ok(text.into_bytes()))]).fault_count;
    assert_eq!(count(text), 2 * 9_000 + 1, "the second main account is one more");
    assert_eq!(count(again), 9_000 + 3 * 2, "each entry lacks its SID and status");
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
