//! `status --wait`: until a revision is loaded and its pass left nothing to do, for pipelines.

use std::time::Duration;
use subaccountd_core::text::sanitize;

use tokio::time::{Instant, sleep, timeout_at};

use super::{Exit, Reply, StatusDocument, ask, eprint, print, shown, table};
use crate::{cli::StatusFormat, http::client::DaemonClient};

/// The pause between two requests.
const PAUSE: Duration = Duration::from_secs(1);

/// The progress of the daemon towards the revision.
#[derive(Debug, PartialEq, Eq)]
enum WaitProgress {
    /// Not there yet; the text names what is missing.
    Waits(String),
    /// The revision is loaded and nothing is left to do.
    Applied,
    /// Nothing more is done, and something is held.
    Held,
    /// Waiting cannot help.
    Stuck(String),
}

pub(super) async fn wait(
    client: &DaemonClient,
    revision: Option<&str>,
    timeout: Duration,
    output: StatusFormat,
    style: table::TableStyle,
) -> anyhow::Result<Exit> {
    let deadline = Instant::now() + timeout;
    let mut told = String::new();
    loop {
        let asked = timeout_at(deadline, ask(client)).await;
        let waits = match asked {
            Ok(Ok(Reply::Status(asked))) => match progress(&asked.document, revision) {
                WaitProgress::Waits(words) => words,
                WaitProgress::Applied => {
                    print(&shown(&asked, output, style))?;
                    return Ok(Exit::Done);
                }
                WaitProgress::Held => {
                    print(&shown(&asked, output, style))?;
                    eprint(&format!(
                        "subaccountd: {} held: see the reasons and remedies with `-o wide`\n",
                        asked.document.plan.held.len()
                    ));
                    return Ok(Exit::Held);
                }
                WaitProgress::Stuck(why) => {
                    print(&shown(&asked, output, style))?;
                    anyhow::bail!("{why}");
                }
            },
            Ok(Ok(Reply::NotYet)) => "the daemon has not read its state yet".to_owned(),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("{} did not answer in time", client.url()),
        };
        if waits != told {
            eprint(&format!("subaccountd: waiting: {waits}\n"));
            told = waits;
        }
        anyhow::ensure!(
            Instant::now() + PAUSE < deadline,
            "timed out after {timeout:?}: {told}; raise `--timeout`, or run `subaccountd status`"
        );
        sleep(PAUSE).await;
    }
}

fn progress(document: &StatusDocument, revision: Option<&str>) -> WaitProgress {
    let state = &document.desired_state;
    if let Some(revision) = revision
        && !is_of(document, revision)
    {
        let has = state.revision.as_deref().unwrap_or("no revision");
        let digest: String = state.sha256.chars().take(12).collect();
        let words = format!("the daemon has {has} (SHA-256 {digest}…), not {revision}");
        return WaitProgress::Waits(sanitize(&words));
    }
    if !state.faults.is_empty() {
        return WaitProgress::Stuck(format!(
            "{} in the state: see them with `subaccountd validate`",
            table::faults(document)
        ));
    }
    let pass = &document.last_pass;
    let todo = document.plan.actions.len();
    match (pass.result.as_deref(), &pass.error) {
        (None, _) => WaitProgress::Waits("the first pass has not ended yet".to_owned()),
        // The plan in the document is still that of the previous state.
        _ if pass.started_at.zip(state.loaded_at).is_some_and(|(pass, state)| pass < state) => {
            WaitProgress::Waits("the pass for this state has not ended yet".to_owned())
        }
        (_, Some(error)) => WaitProgress::Waits(sanitize(&format!("the last pass was aborted: {error}"))),
        (Some(_), None) if todo > 0 && document.mode == "dry-run" => WaitProgress::Stuck(format!(
            "{todo} to do, and the daemon is in dry-run mode: nothing will be done"
        )),
        (Some(_), None) if todo > 0 => WaitProgress::Waits(format!("{todo} to do")),
        (Some("success"), None) if document.plan.held.is_empty() => WaitProgress::Applied,
        (Some("success"), None) => WaitProgress::Held,
        (Some(_), None) => WaitProgress::Waits("a write failed; the next pass retries".to_owned()),
    }
}

/// Returns true when the git commit or the digest of the state begins with `revision`, or when its revision is this word.
fn is_of(document: &StatusDocument, revision: &str) -> bool {
    if !revision.bytes().all(|b| b.is_ascii_hexdigit()) {
        return document.desired_state.revision.as_deref() == Some(revision);
    }
    let begins =
        |whole: &str| whole.get(..revision.len()).is_some_and(|it| it.eq_ignore_ascii_case(revision));
    let state = &document.desired_state;
    begins(&state.sha256) || state.revision.as_deref().is_some_and(begins)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(change: &serde_json::Value) -> StatusDocument {
        let mut text = json!({"mode": "enforce", "desiredState": {"sha256": "abcdef0123", "revision": "1234567890", "faults": []},
            "lastPass": {"result": "success", "error": null}, "plan": {"actions": [], "held": []}});
        for (key, value) in change.as_object().into_iter().flatten() {
            text[key] = value.clone();
        }
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn revision_matches_by_its_prefix() {
        let document = document(&json!({}));
        for yes in ["1234567", "1234567890", "ABCDEF0", "abcdef0123"] {
            assert_eq!(progress(&document, Some(yes)), WaitProgress::Applied, "{yes}");
        }
        for no in ["2345678", "12345678901", "abcdef01234"] {
            assert!(matches!(progress(&document, Some(no)), WaitProgress::Waits(_)), "{no}");
        }
    }

    #[test]
    fn wait_ends_once_nothing_more_can_be_done() {
        let is = |change: serde_json::Value| progress(&document(&change), None);
        let waits = |change| matches!(is(change), WaitProgress::Waits(_));
        let stuck = |change| matches!(is(change), WaitProgress::Stuck(_));
        assert!(waits(json!({"lastPass": {"result": null}})));
        assert!(waits(json!({"lastPass": {"result": "failed", "error": "away"}})));
        assert!(waits(
            json!({"lastPass": {"result": "failed"}, "plan": {"held": [{"reason": "RefusedByTwilio"}]}})
        ));
        assert!(waits(json!({"plan": {"actions": [{"kind": "suspend"}], "held": [{}]}})));
        assert!(stuck(json!({"mode": "dry-run", "plan": {"actions": [{"kind": "suspend"}]}})));
        assert!(stuck(json!({"desiredState": {"faults": [{}]}})));
        let of_times = |started: &str, loaded: &str| {
            json!({"desiredState": {"sha256": "ab", "loadedAt": loaded, "faults": []},
                "lastPass": {"result": "success", "startedAt": started}})
        };
        let (sooner, later) = ("2026-11-01T00:00:00.1Z", "2026-11-01T00:00:00.2Z");
        assert!(waits(of_times(sooner, later)), "the plan is that of the state before");
        assert_eq!(is(of_times(later, sooner)), WaitProgress::Applied);
        assert_eq!(is(of_times(later, later)), WaitProgress::Applied);
        assert_eq!(is(json!({"plan": {"held": [{}]}})), WaitProgress::Held);
        assert_eq!(is(json!({"mode": "dry-run"})), WaitProgress::Applied);
    }
}
