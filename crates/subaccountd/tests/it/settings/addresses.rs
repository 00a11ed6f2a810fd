//! The address of a running daemon: `status` and `probe` find the one that this environment sets.

use std::process::Output;

use crate::support::{Daemon, Setup, bare, code, entry, fleet, output, state, stderr, stdout};

/// The output of `args` with these variables, and no others.
async fn with(args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = bare(args);
    command.envs(variables.iter().copied());
    output(command).await
}

fn port(daemon: &Daemon) -> &str {
    daemon.url().rsplit(':').next().unwrap()
}

#[tokio::test]
async fn probe_and_status_follow_the_variables_of_the_daemon() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&[]).await;
    daemon.settled().await;
    let port = port(&daemon);
    for address in [
        format!("127.0.0.1:{port}"),
        format!("0.0.0.0:{port}"),
        format!(":{port}"),
        format!("localhost:{port}\n"),
    ] {
        let probe = with(&["probe", "ready"], &[("SUBACCOUNTD_LISTEN", &address)]).await;
        assert_eq!(code(&probe), 0, "{address}: {}", stderr(&probe));
        let status = with(&["status"], &[("SUBACCOUNTD_STATUS_LISTEN", &address)]).await;
        assert_eq!(code(&status), 0, "{address}: {}", stderr(&status));
        assert!(stdout(&status).contains("InSync"), "{}", stdout(&status));
    }
    let url = daemon.url();
    // The twin of the flag wins over the addresses, and the flag over its twin.
    for args in [["probe", "live"].as_slice(), &["status"]] {
        let variables = [
            ("SUBACCOUNTD_URL", url),
            ("SUBACCOUNTD_LISTEN", "127.0.0.1:1"),
            ("SUBACCOUNTD_STATUS_LISTEN", "none"),
        ];
        let twin = with(args, &variables).await;
        assert_eq!(code(&twin), 0, "{args:?}: {}", stderr(&twin));
        let given = [args, &["--url", url]].concat();
        let flag = with(&given, &[("SUBACCOUNTD_URL", "http://127.0.0.1:1")]).await;
        assert_eq!(code(&flag), 0, "{args:?}: {}", stderr(&flag));
    }
}

#[tokio::test]
async fn address_on_the_unspecified_v6_is_asked_on_loopback() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let mut command = setup.command(&["run", "--listen", "[::]:0", "--status-listen", "none"]);
    command.env("SUBACCOUNTD_LOG_FORMAT", "json");
    let daemon = Daemon::start_as_is(command, &setup.dir.path().join(".log")).await;
    let address = format!("[::]:{}", port(&daemon));
    let probe = with(&["probe", "live"], &[("SUBACCOUNTD_LISTEN", &address)]).await;
    assert_eq!(code(&probe), 0, "{}", stderr(&probe));
}

#[tokio::test]
async fn address_that_leads_nowhere_is_an_error_that_names_its_variable() {
    for (args, name, value, words) in [
        (["status"].as_slice(), "SUBACCOUNTD_STATUS_LISTEN", "none", "is `none`"),
        (&["status"], "SUBACCOUNTD_STATUS_LISTEN", "127.0.0.1:0", "port 0"),
        (&["status"], "SUBACCOUNTD_STATUS_LISTEN", "8081", "write an address and a port"),
        (&["probe", "live"], "SUBACCOUNTD_LISTEN", "none", "write an address and a port"),
        (&["probe", "live"], "SUBACCOUNTD_LISTEN", "127.0.0.1:0", "port 0"),
        (&["probe", "live"], "SUBACCOUNTD_URL", "localhost:8080", "http://"),
    ] {
        let ended = with(args, &[(name, value)]).await;
        let error = stderr(&ended);
        assert_eq!(code(&ended), 64, "{name}={value}: {error}");
        assert!(error.contains(name) && error.contains(words), "{name}={value}: {error}");
    }
    // The other variable does not matter, and an empty one is not set.
    let probe = with(
        &["probe", "live"],
        &[("SUBACCOUNTD_STATUS_LISTEN", "none"), ("SUBACCOUNTD_LISTEN", "127.0.0.1:1")],
    )
    .await;
    assert_eq!(code(&probe), 1);
    assert!(stderr(&probe).contains("http://127.0.0.1:1/livez"), "{}", stderr(&probe));
}
