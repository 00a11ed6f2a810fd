//! The auth token and SIDs with what editors, shells and secret stores put around them.

use std::fs;

use super::{in_sync, wrong_usage};
use crate::support::{Daemon, Setup, TOKEN, ac, code, entry, eventually, output, state, stderr};

/// Texts around a value that are not part of it.
const AROUND: [(&str, &str); 6] = [
    ("", "\n"),
    ("", "\r\n"),
    (" ", " \t"),
    ("\u{feff}", ""),
    ("\u{feff}\n", "\n\n"),
    ("\u{a0}", "\u{200b}"),
];

/// Texts that are pasted in the place of a token, and words of the error.
fn pasted() -> Vec<(String, &'static str)> {
    vec![
        (format!("\"{TOKEN}\""), "has quotes around it: remove them"),
        (format!("'{TOKEN}'\n"), "has quotes around it: remove them"),
        (format!("\u{201c}{TOKEN}\u{201d}"), "has quotes around it: remove them"),
        (format!("{TOKEN} {TOKEN}"), "contains white space: remove it"),
        (format!("{TOKEN}\nsecond-line"), "contains white space: remove it"),
        (format!("TWILIO_AUTH_TOKEN={TOKEN}"), "begins with a name and `=`: leave only the value"),
        (format!("export TWILIO_AUTH_TOKEN={TOKEN}\n"), "begins with a name and `=`: leave only the value"),
        (format!("authToken: {TOKEN}"), "begins with a name and `:`: leave only the value"),
        (format!("{{\"token\":\"{TOKEN}\"}}"), "is JSON: leave only the value of the token"),
        ("${TWILIO_AUTH_TOKEN}".to_owned(), "is a placeholder that was not filled in: give the token itself"),
        ("{{ .Values.token }}".to_owned(), "is a placeholder that was not filled in: give the token itself"),
        (format!("{}:{TOKEN}", ac(0)), "begins with a SID: leave only the token"),
        (ac(0), "is a SID: set the auth token"),
        (format!("{TOKEN}\u{0}"), "contains a character that no token has: copy it again"),
        (format!("{TOKEN}\u{e9}"), "contains a character that no token has: copy it again"),
    ]
}

fn with_token_file(setup: &Setup, text: &str) -> std::process::Command {
    let file = setup.dir.path().join(".token");
    fs::write(&file, text).unwrap();
    let mut command = setup.command(&["plan"]);
    command.env("TWILIO_AUTH_TOKEN_FILE", file).env_remove("TWILIO_AUTH_TOKEN");
    command
}

#[tokio::test]
async fn white_space_and_a_byte_order_mark_around_a_token_or_sid_are_not_part_of_it() {
    let setup = in_sync().await;
    for (before, after) in AROUND {
        let around = |value: &str| format!("{before}{value}{after}");
        let mut variable = setup.command(&["plan"]);
        variable.env("TWILIO_AUTH_TOKEN", around(TOKEN)).env("TWILIO_ACCOUNT_SID", around(&ac(0)));
        let mut flag = setup.command(&["plan", "--only", &around(&ac(1)), "--account-sid", &around(&ac(0))]);
        flag.env_remove("TWILIO_ACCOUNT_SID");
        let explain = setup.command(&["explain", &around(&ac(1))]);
        for command in [variable, flag, explain, with_token_file(&setup, &around(TOKEN))] {
            let ended = output(command).await;
            assert_eq!(code(&ended), 0, "{before:?} {after:?}: {}", stderr(&ended));
        }
    }
}

#[tokio::test]
async fn token_that_was_pasted_with_more_is_told_before_the_first_request_and_not_shown() {
    let setup = in_sync().await;
    for (text, words) in pasted() {
        // An environment cannot hold a zero byte.
        if !text.contains('\u{0}') {
            let mut variable = setup.command(&["plan"]);
            variable.env("TWILIO_AUTH_TOKEN", &text);
            let error = wrong_usage(&setup, variable).await;
            assert!(error.contains(&format!("the auth token in `TWILIO_AUTH_TOKEN` {words}")), "{error}");
        }
        let error = wrong_usage(&setup, with_token_file(&setup, &text)).await;
        assert!(error.contains(&format!(".token {words}")), "{error}");
    }
}

#[tokio::test]
async fn token_file_that_becomes_a_pasted_line_stops_every_request_until_it_is_a_token() {
    let setup = in_sync().await;
    let mut run = with_token_file(&setup, TOKEN);
    let file = setup.dir.path().join(".token");
    run = {
        let mut daemon = setup.command(&["run", "--interval", "100ms"]);
        daemon.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        daemon.env_remove("TWILIO_AUTH_TOKEN");
        daemon
    };
    let daemon = Daemon::start(run, &setup.dir.path().join(".log")).await;
    daemon.settled().await;
    fs::write(&file, format!("TWILIO_AUTH_TOKEN={TOKEN}")).unwrap();
    eventually("the error says so", async || {
        daemon.status().await["lastPass"]["error"].to_string().contains("begins with a name and `=`")
    })
    .await;
    let requests = setup.sim.requests().len();
    daemon.more_passes(2).await;
    assert_eq!(setup.sim.requests().len(), requests);
    fs::write(&file, format!("\u{feff}{TOKEN}\n")).unwrap();
    daemon.settled().await;
}

#[tokio::test]
async fn token_in_the_place_of_the_sid_is_not_shown() {
    let setup = in_sync().await;
    for swapped in [TOKEN, "0123456789abcdef0123456789abcdef", "\"ACCOUNT\""] {
        let mut command = setup.command(&["plan"]);
        command.env("TWILIO_ACCOUNT_SID", swapped);
        let error = wrong_usage(&setup, command).await;
        assert!(error.contains("TWILIO_ACCOUNT_SID") && !error.contains(swapped), "{error}");
    }
    for (text, words) in [
        (format!("\"{}\"", ac(0)), "remove the quotes"),
        (format!("TWILIO_ACCOUNT_SID={}", ac(0)), "leave only the SID"),
        (format!("export TWILIO_ACCOUNT_SID={}", ac(0)), "leave only the SID"),
    ] {
        let mut command = setup.command(&["plan"]);
        command.env("TWILIO_ACCOUNT_SID", &text);
        let error = wrong_usage(&setup, command).await;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn setting_that_is_missing_names_the_variable_that_was_misspelt() {
    let setup = in_sync().await;
    for (missing, misspelt) in [
        ("TWILIO_ACCOUNT_SID", "TWILIO_ACOUNT_SID"),
        ("TWILIO_ACCOUNT_SID", "TWILLIO_ACCOUNT_SID"),
        ("TWILIO_ACCOUNT_SID", "TWILIO_SID"),
        ("TWILIO_AUTH_TOKEN", "TWILIO_TOKEN"),
        ("TWILIO_AUTH_TOKEN", "TWILIO_AUTHTOKEN"),
        ("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FIEL"),
        ("TWILIO_AUTH_TOKEN", "twilio_auth_token"),
    ] {
        let mut command = setup.command(&["plan"]);
        command.env_remove(missing).env(misspelt, TOKEN);
        let error = wrong_usage(&setup, command).await;
        assert!(error.contains(&format!("`{misspelt}` is set")), "{error}");
        assert!(error.contains(missing), "{error}");
    }
    let mut empty = setup.command(&["plan"]);
    empty.env("TWILIO_AUTH_TOKEN", " \n");
    let error = wrong_usage(&setup, empty).await;
    assert!(error.contains("auth token not set: `TWILIO_AUTH_TOKEN` is empty"), "{error}");
    // What has nothing to do with it is not named.
    let mut other = setup.command(&["plan"]);
    other
        .env_remove("TWILIO_AUTH_TOKEN")
        .env_remove("TWILIO_ACCOUNT_SID")
        .env("TWILIO_PHONE_NUMBER", "+15105550101")
        .env("TWILIO_MESSAGING_SERVICE_SID", "MG00000000000000000000000000000001");
    let error = wrong_usage(&setup, other).await;
    assert!(!error.contains("TWILIO_PHONE") && !error.contains("TWILIO_MESSAGING"), "{error}");
}

#[tokio::test]
async fn empty_token_file_variable_leaves_the_token_of_the_other() {
    let setup = Setup::new(crate::support::fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let mut command = setup.command(&["plan"]);
    command.env("TWILIO_AUTH_TOKEN_FILE", "");
    let ended = output(command).await;
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
}
