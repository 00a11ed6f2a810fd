//! The user guide: its links and its states are valid, and its tour works as written.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{bare, code, output, stderr, stdout};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn markdown_in(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(Path::new(ROOT).join(folder)).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The text of a page, with the files that mdBook includes.
fn page(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut page = String::new();
    for line in text.lines() {
        match line.strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) {
            Some(included) => page += &include(path, included),
            None => page += line,
        }
        page.push('\n');
    }
    page
}

/// A file, or the part between two marks of it.
fn include(from: &Path, included: &str) -> String {
    let (name, mark) = included.split_once(':').map_or((included, None), |(name, mark)| (name, Some(mark)));
    let text =
        fs::read_to_string(from.with_file_name(name)).unwrap_or_else(|error| panic!("{included}: {error}"));
    let Some(mark) = mark else { return text };
    let after = text.split(&format!("ANCHOR: {mark} -->")).nth(1).unwrap_or_else(|| panic!("{included}"));
    after.split("<!-- ANCHOR_END").next().unwrap().to_owned()
}

/// The text outside of blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The anchors of the headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let name = |heading: &str| {
        let kept = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
        let text: String =
            heading.trim_start_matches('#').trim().chars().filter(|letter| kept(*letter)).collect();
        text.to_lowercase().replace(' ', "-")
    };
    headings.map(name).collect()
}

/// The targets of the links of a text, as written.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains(' ')).map(ToOwned::to_owned).collect()
}

/// The problem of a link from the page at `path`, if there is one.
fn broken(path: &Path, text: &str, link: &str) -> Option<String> {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { path.to_owned() } else { path.parent().unwrap().join(file) };
    if !target.exists() {
        return Some(format!("{}: {link} leads nowhere", path.display()));
    }
    let anchor = anchor?;
    let there = if file.is_empty() { text.to_owned() } else { page(&target) };
    (!anchors(&prose(&there)).contains(anchor))
        .then(|| format!("{}: {link}: no such heading", path.display()))
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for folder in [
        "",
        "docs",
        "docs/adr",
        "docs/guide/src",
        "deploy/kubernetes",
        "deploy/helm/subaccountd",
        "deploy/compose",
        "deploy/systemd",
        "deploy/prometheus",
        "deploy/grafana",
    ] {
        for path in markdown_in(folder) {
            let text = prose(&page(&path));
            let all = links(&text);
            seen += all.len();
            wrong.extend(all.iter().filter_map(|link| broken(&path, &text, link)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen > 80, "{seen}");
}

#[test]
fn a_broken_link_is_found() {
    let path = Path::new(ROOT).join("README.md");
    for link in ["docs/NOTHING.md", "docs/OPERATIONS.md#nothing", "#nothing"] {
        assert!(broken(&path, "# A heading", link).is_some(), "{link}");
    }
    assert_eq!(broken(&path, "# A heading", "#a-heading"), None);
}

/// A link of the book to a file outside of it would be broken in the book.
#[test]
fn the_guide_has_every_page_and_stays_within_itself() {
    let summary = fs::read_to_string(Path::new(ROOT).join("docs/guide/src/SUMMARY.md")).unwrap();
    let listed: BTreeSet<_> = links(&summary).into_iter().collect();
    for path in markdown_in("docs/guide/src") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name == "SUMMARY.md" || listed.contains(name), "{name} is in no summary");
        for link in links(&prose(&page(&path))) {
            assert!(link.starts_with('#') || !link.contains('/'), "{name}: {link}");
        }
    }
}

#[tokio::test]
async fn every_state_that_the_guide_shows_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = 0;
    // The page of faults shows faulty ones, which the tests of the core cover.
    for path in markdown_in("docs/guide/src").iter().filter(|path| !path.ends_with("faults.md")) {
        let text = page(path);
        // A state is a block of its own, or text that a script writes.
        let blocks = text.split("```").skip(1).step_by(2).flat_map(|block| block.split("END'\n"));
        for state in blocks.filter_map(|block| Some(&block[block.find("apiVersion: subaccountd/v1")?..])) {
            let state = state.split("\nEND\n").next().unwrap();
            fs::write(dir.path().join("state.yaml"), state).unwrap();
            let ended = output(bare(&["validate", dir.path().join("state.yaml").to_str().unwrap()])).await;
            assert_eq!(code(&ended), 0, "{}: {}", path.display(), stdout(&ended));
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen}");
}

/// The blocks of the tour: a script, and its expected lines.
fn steps(text: &str) -> Vec<(String, Vec<String>)> {
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        let (kind, body) = block.split_once('\n').unwrap();
        match kind {
            "sh" => steps.push((body.to_owned(), Vec::new())),
            "text" => steps.last_mut().unwrap().1.extend(body.lines().map(ToOwned::to_owned)),
            _ => {}
        }
    }
    steps
}

/// Returns true when a line of `printed` has the parts of `line` between its `…`, in order.
fn is_printed(printed: &str, line: &str) -> bool {
    printed.lines().any(|printed| {
        let mut rest = Some(printed);
        for part in line.split('…') {
            rest = rest.and_then(|rest| rest.find(part).map(|at| &rest[at + part.len()..]));
        }
        rest.is_some()
    })
}

/// Free ports.
fn free_ports(count: usize) -> Vec<String> {
    let taken: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    taken.iter().map(|listener| listener.local_addr().unwrap().port().to_string()).collect()
}

/// The folder of `twilio-sim`, which cargo builds beside the program when the whole workspace is built.
fn folder_of_programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_subaccountd")).parent().unwrap().to_owned();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--package", "twilio-sim"]).current_dir(ROOT);
    assert!(folder.join("twilio-sim").exists() || cargo.status().unwrap().success());
    folder
}

#[tokio::test]
async fn tour_of_the_guide_prints_what_the_guide_shows() {
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(Path::new(ROOT).join("docs/guide/src/start.md")).unwrap();
    let steps = steps(&text);
    assert!(steps.len() > 6, "{}", steps.len());
    let ports = free_ports(3);
    // A step that ends badly does not end the tour; one that hangs does.
    let marked = |(number, (commands, _)): (usize, &(String, Vec<String>))| {
        format!("{commands}\necho '--- end of step {number}'\n")
    };
    let script = format!("exec 2>&1\n{}", steps.iter().enumerate().map(marked).collect::<String>());
    let script = script.replace("4010", &ports[0]).replace("8080", &ports[1]).replace("8081", &ports[2]);
    let mut bash = Command::new("timeout");
    bash.args(["--kill-after=5", "60", "bash", "--noprofile", "--norc", "-c", &script])
        .current_dir(dir.path());
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder_of_programs().display());
    bash.env_clear().env("PATH", path).env("SUBACCOUNTD_LISTEN", format!("127.0.0.1:{}", ports[1]));
    bash.env("SUBACCOUNTD_STATUS_LISTEN", format!("127.0.0.1:{}", ports[2])).stdin(Stdio::null());
    let tour = output(bash).await;
    let printed = stdout(&tour);
    assert_eq!(code(&tour), 0, "{printed}{}", stderr(&tour));
    let mut rest = printed.as_str();
    for (number, (commands, lines)) in steps.iter().enumerate() {
        let (here, after) = rest.split_once(&format!("--- end of step {number}\n")).unwrap();
        for line in lines {
            assert!(is_printed(here, line), "{commands}printed\n{here}and not `{line}`");
        }
        rest = after;
    }
}
