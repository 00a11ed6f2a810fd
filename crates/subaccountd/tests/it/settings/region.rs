//! Twilio's regions and edges, as its SDKs read them from the environment.

use std::{fs, path::PathBuf, process::Command};

use futures_util::future::join_all;

use super::{in_sync, wrong_usage};
use crate::{
    support::{Setup, code, output, stderr},
    wire::proxy::Proxy,
};

/// A command without a URL of its own, whose requests go to `proxy`.
fn through(setup: &Setup, proxy: &Proxy, variables: &[(&str, &str)]) -> Command {
    let mut command = setup.command(&["plan", "--request-timeout", "5s"]);
    command
        .env_remove("SUBACCOUNTD_TWILIO_URL")
        .env("HTTPS_PROXY", format!("http://{}", proxy.address))
        .env("SSL_CERT_FILE", bundle(setup))
        .envs(variables.iter().copied());
    command
}

/// The bundle of certificate authorities, whichever the machine has.
fn bundle(setup: &Setup) -> PathBuf {
    let bundle = setup.dir.path().join(".bundle.pem");
    if !bundle.exists() {
        let host = rcgen::generate_simple_self_signed(["another.test".to_owned()]).unwrap();
        fs::write(&bundle, host.cert.pem()).unwrap();
    }
    bundle
}

#[tokio::test]
async fn region_and_edge_lead_to_the_host_of_the_sdks() {
    let setup = in_sync().await;
    let cases = [
        (&[][..], "api.twilio.com"),
        (&[("TWILIO_REGION", ""), ("TWILIO_EDGE", " ")], "api.twilio.com"),
        (&[("TWILIO_REGION", "ie1")], "api.dublin.ie1.twilio.com"),
        (&[("TWILIO_REGION", "au1\n")], "api.sydney.au1.twilio.com"),
        (&[("TWILIO_REGION", "JP1")], "api.tokyo.jp1.twilio.com"),
        (&[("TWILIO_EDGE", "ashburn")], "api.ashburn.us1.twilio.com"),
        (&[("TWILIO_EDGE", "frankfurt"), ("TWILIO_REGION", "ie1")], "api.frankfurt.ie1.twilio.com"),
        (&[("TWILIO_EDGE", "private-edge"), ("TWILIO_REGION", "xx9")], "api.private-edge.xx9.twilio.com"),
        (
            &[("TWILIO_REGION", "ie1"), ("SUBACCOUNTD_TWILIO_URL", "https://api.example.com")],
            "api.example.com",
        ),
        (&[("TWILIO_REGION", "?"), ("SUBACCOUNTD_TWILIO_URL", "https://api.example.org")], "api.example.org"),
    ];
    join_all(cases.map(async |(variables, host)| {
        let proxy = Proxy::before(setup.sim.address()).await;
        proxy.refuse(Some("403 Forbidden"));
        let ended = output(through(&setup, &proxy, variables)).await;
        assert_eq!(code(&ended), 1, "{variables:?}: {}", stderr(&ended));
        let heads = proxy.heads();
        let asked = format!("CONNECT {host}:443 ");
        assert!(
            !heads.is_empty() && heads.iter().all(|head| head.starts_with(&asked)),
            "{variables:?}: {heads:?}"
        );
    }))
    .await;
}

#[tokio::test]
async fn region_or_edge_that_is_no_label_leads_nowhere() {
    let setup = in_sync().await;
    let proxy = Proxy::before(setup.sim.address()).await;
    let long = "x".repeat(64);
    for (variables, words) in [
        (&[("TWILIO_REGION", "us2")][..], "set `TWILIO_EDGE`"),
        (&[("TWILIO_REGION", "dublin")], "set `TWILIO_EDGE`"),
        (&[("TWILIO_REGION", "ie1.evil.example/"), ("TWILIO_EDGE", "dublin")], "`TWILIO_REGION`"),
        (&[("TWILIO_EDGE", "evil.example#")], "`TWILIO_EDGE`"),
        (&[("TWILIO_EDGE", "a:b@evil.example")], "`TWILIO_EDGE`"),
        (&[("TWILIO_EDGE", "-dublin")], "`TWILIO_EDGE`"),
        (&[("TWILIO_EDGE", "d\u{fc}blin")], "`TWILIO_EDGE`"),
        (&[("TWILIO_EDGE", "dub lin")], "`TWILIO_EDGE`"),
        (&[("TWILIO_EDGE", &long)], "`TWILIO_EDGE`"),
    ] {
        let error = wrong_usage(&setup, through(&setup, &proxy, variables)).await;
        assert!(error.contains(words), "{variables:?}: {error}");
    }
    assert_eq!(proxy.heads(), Vec::<String>::new());
}
