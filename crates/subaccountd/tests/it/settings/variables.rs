//! Variables: empty, with blanks around, misspelt, and wrong.

use super::{in_sync, wrong_usage};
use crate::support::{bare, code, output, stderr, stdout};

/// The variables of the settings of `run`, as its help lists them.
async fn of_run() -> Vec<String> {
    let help = stdout(&output(bare(&["run", "--help"])).await);
    let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn empty_variable_counts_as_not_set() {
    let setup = in_sync().await;
    let names = of_run().await;
    assert!(names.len() >= 20, "{names:?}");
    let in_use = ["TWILIO_ACCOUNT_SID", "SUBACCOUNTD_TWILIO_URL", "SUBACCOUNTD_DESIRED"];
    for empty in ["", " ", "\n"] {
        let mut command = setup.command(&["plan"]);
        for name in names.iter().filter(|name| !in_use.contains(&name.as_str())) {
            command.env(name, empty);
        }
        let state_home = setup.dir.path().join(".state");
        command.env("STATE_DIRECTORY", state_home);
        let ended = output(command).await;
        assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    }
    let mut command = setup.command(&["plan"]);
    command.env("TWILIO_ACCOUNT_SID", "");
    let error = wrong_usage(&setup, command).await;
    assert!(
        error.contains("main account not set") && error.contains("`TWILIO_ACCOUNT_SID` is empty"),
        "{error}"
    );
    // A flag wins over an empty variable, as over any other.
    let mut command = setup.command(&["plan", "--max-closes", "1"]);
    command.env("SUBACCOUNTD_MAX_CLOSES", "");
    assert_eq!(code(&output(command).await), 0);
}

#[tokio::test]
async fn blanks_around_a_variable_are_not_part_of_its_value() {
    let setup = in_sync().await;
    for (name, value) in [
        ("SUBACCOUNTD_MAX_CLOSES", "5%\n"),
        ("SUBACCOUNTD_MAX_RELEASED_NUMBERS", " 5"),
        ("SUBACCOUNTD_CLOSE_AFTER", "72h\r\n"),
        ("SUBACCOUNTD_REACTIVATION", "\u{feff}strict"),
        ("SUBACCOUNTD_LOG_FORMAT", "json\n"),
        ("SUBACCOUNTD_LOG", " warn "),
        ("SUBACCOUNTD_VERBS", " suspend , close\n"),
        ("SUBACCOUNTD_MAX_IN_FLIGHT", "4 "),
    ] {
        let mut command = setup.command(&["plan"]);
        command.env(name, value);
        let ended = output(command).await;
        assert_eq!(code(&ended), 0, "{name}={value:?}: {}", stderr(&ended));
    }
    for (name, value) in [
        ("SUBACCOUNTD_TWILIO_URL", setup.sim.url()),
        ("SUBACCOUNTD_DESIRED", setup.state_path().display().to_string()),
        ("SUBACCOUNTD_JOURNAL_DIR", "none".to_owned()),
    ] {
        let mut command = setup.command(&["plan"]);
        command.env(name, format!("{value}\n"));
        let ended = output(command).await;
        assert_eq!(code(&ended), 0, "{name}: {}", stderr(&ended));
    }
    for args in [["plan", "--verbs", "reactivate, suspend"], ["import", "--status", "active, suspended"]] {
        assert_eq!(code(&setup.run(&args).await), 0, "{args:?}");
    }
}

#[tokio::test]
async fn variable_is_as_explicit_as_a_flag_for_a_plan_from_a_snapshot() {
    let setup = in_sync().await;
    let taken = setup.dir.path().join("snapshot.json");
    let out = taken.to_str().unwrap();
    assert_eq!(code(&setup.run(&["snapshot", "--out", out, "--verbs", "reactivate"]).await), 0);
    setup.write(&crate::support::state(&crate::support::entry(1, "suspended", "")));
    let plan = async |verbs: &str| {
        let mut command = setup.command(&["plan", "--from", out]);
        command.env("SUBACCOUNTD_VERBS", verbs);
        stdout(&output(command).await)
    };
    assert!(plan("").await.contains("NotAllowed"), "the snapshot's own");
    assert!(!plan(" suspend\n").await.contains("NotAllowed"));
}

#[tokio::test]
async fn wrong_variable_is_named_and_no_flag_that_was_not_given() {
    let setup = in_sync().await;
    for (name, value, flag) in [
        ("SUBACCOUNTD_INTERVAL", "soon", "--interval"),
        ("SUBACCOUNTD_MAX_CLOSES", "101%", "--max-closes"),
        ("SUBACCOUNTD_VERBS", "suspend,destroy", "--verbs"),
        ("SUBACCOUNTD_LOG_FORMAT", "xml\n", "--log-format"),
        ("SUBACCOUNTD_STATUS_LISTEN", "8081", "--status-listen"),
        ("SUBACCOUNTD_DRY_RUN", "perhaps", "--dry-run"),
        ("SUBACCOUNTD_MAX_RELEASED_NUMBERS", "many", "--max-released-numbers"),
        ("TWILIO_ACCOUNT_SID", "AC1", "--account-sid"),
        ("SUBACCOUNTD_TWILIO_URL", "ftp://x", "--twilio-url"),
        ("SUBACCOUNTD_LOG", "==", "--log"),
    ] {
        let mut command = setup.command(&["run"]);
        command.env(name, value);
        let error = wrong_usage(&setup, command).await;
        assert!(error.contains(name) && !error.contains(&format!("{flag} ")), "{name}: {error}");
        assert!(
            !error.contains(&format!("{flag}'")) && !error.contains(&format!("{flag}`")),
            "{name}: {error}"
        );
        // The same value in the flag names the flag.
        let mut command = setup.command(&["run", &format!("{flag}={value}")]);
        command.env_remove(name);
        let error = wrong_usage(&setup, command).await;
        assert!(error.contains(flag) && !error.contains(name), "{flag}: {error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn variable_that_is_no_text_is_named() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let setup = in_sync().await;
    for name in ["SUBACCOUNTD_INTERVAL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"] {
        let mut command = setup.command(&["run"]);
        command.env(name, OsStr::from_bytes(b"\xff5s"));
        let error = wrong_usage(&setup, command).await;
        assert!(error.contains(name) && error.contains("not text"), "{name}: {error}");
    }
}

#[tokio::test]
async fn unknown_variable_suggests_the_near_one() {
    let setup = in_sync().await;
    for (misspelt, meant) in [
        ("SUBACCOUNTD_MAX_CLOSE", "SUBACCOUNTD_MAX_CLOSES"),
        ("SUBACCOUNTD_DRYRUN", "SUBACCOUNTD_DRY_RUN"),
        ("SUBACCOUNTD_STATUS_LISTN", "SUBACCOUNTD_STATUS_LISTEN"),
        ("SUBACCOUNTD_JOURNALDIR", "SUBACCOUNTD_JOURNAL_DIR"),
        ("subaccountd_dry_run", "SUBACCOUNTD_DRY_RUN"),
        ("Subaccountd_Max_Close", "SUBACCOUNTD_MAX_CLOSES"),
    ] {
        let mut command = setup.command(&["plan"]);
        command.env(misspelt, "1");
        let error = wrong_usage(&setup, command).await;
        let words = format!("{misspelt} is not a setting: did you mean `{meant}`?");
        assert!(error.contains(&words), "{error}");
    }
    let mut command = setup.command(&["plan"]);
    command.env("SUBACCOUNTD_COLOUR_OF_THE_SKY", "blue");
    let error = wrong_usage(&setup, command).await;
    assert!(error.contains("is not a setting: check its spelling, or unset it"), "{error}");
}
