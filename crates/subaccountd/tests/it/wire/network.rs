//! The way to Twilio: names that are not known, proxies, and certificates.

use std::fs;

use super::{
    command, converges, eventful, fails_harmlessly,
    middle::{Middle, NAME},
    proxy::Proxy,
    started,
};
use crate::{leaks, namespace::inside};

/// The files that resolve names are those of the test, so that no name server is asked.
#[tokio::test]
async fn name_that_is_not_known_stops_all_until_it_is() {
    let setup = eventful().await;
    let at = |name: &str| setup.dir.path().join(name);
    let (hosts, sources) = (at(".hosts"), at(".nsswitch.conf"));
    fs::write(&hosts, "127.0.0.1 another\n").unwrap();
    fs::write(&sources, "hosts: files\n").unwrap();
    let run = command(&setup, &format!("http://localhost:{}", setup.sim.address().port()));
    let mount = format!(
        "mount --bind {} /etc/hosts && {{ [ ! -e /etc/nsswitch.conf ] || mount --bind {} /etc/nsswitch.conf; }}",
        hosts.display(),
        sources.display()
    );
    let mut daemon = started(&setup, inside(&mount, &run)).await;
    fails_harmlessly(
        &setup,
        &mut daemon,
        "could not list the accounts: no connection to Twilio at localhost:",
    )
    .await;
    assert_eq!(setup.sim.requests().len(), 0);
    // In place: a mounted file stays the file that it is.
    fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    converges(&setup, &daemon).await;
}

/// The proxy alone knows the name, and asks for a password.
#[tokio::test]
async fn proxy_that_refuses_stops_all_and_one_that_does_not_sees_no_token() {
    const PASSWORD: &str = "a-proxy-password-that-nobody-may-see";
    let setup = eventful().await;
    let (twilio, bundle) = Middle::with_tls(&setup).await;
    let proxy = Proxy::before(twilio.address).await;
    leaks::know(PASSWORD);
    let mut run = command(&setup, &format!("https://{NAME}"));
    run.env("HTTPS_PROXY", format!("http://someone:{PASSWORD}@{}", proxy.address))
        .env("SSL_CERT_FILE", bundle);
    proxy.refuse(Some("407 Proxy Authentication Required"));
    let mut daemon = started(&setup, run).await;
    let words = format!(
        "could not list the accounts: no connection to Twilio at {NAME}: the proxy http://{} refused the tunnel: it \
         answered `HTTP 407 Proxy Authentication Required`",
        proxy.address
    );
    fails_harmlessly(&setup, &mut daemon, &words).await;
    assert_eq!(setup.sim.requests().len(), 0);
    proxy.refuse(None);
    converges(&setup, &daemon).await;
    let heads = proxy.heads();
    assert!(
        heads.iter().all(|head| head.starts_with(&format!("CONNECT {NAME}:443 HTTP/1.1\r\n"))),
        "{heads:?}"
    );
    leaks::assert_none("the proxy", &proxy.seen());
    // A proxy that shows nothing else than TLS would be no proxy that was used.
    assert!(proxy.seen().len() > 1_000);
}

/// Another machine answers in the place of Twilio, with a certificate of its own.
#[tokio::test]
async fn host_with_a_certificate_that_is_not_trusted_gets_no_request() {
    let setup = eventful().await;
    let (twilio, bundle) = Middle::with_tls(&setup).await;
    let (_, other_bundle) = Middle::with_tls(&setup).await;
    assert_eq!(bundle, other_bundle, "the bundle has the certificate of the other one");
    let proxy = Proxy::before(twilio.address).await;
    let mut run = command(&setup, &format!("https://{NAME}"));
    run.env("HTTPS_PROXY", format!("http://{}", proxy.address)).env("SSL_CERT_FILE", bundle);
    let mut daemon = started(&setup, run).await;
    let words = format!("no connection to Twilio at {NAME} through the proxy http://{}: ", proxy.address);
    fails_harmlessly(&setup, &mut daemon, &words).await;
    assert_eq!(setup.sim.requests().len(), 0);
    let error = daemon.status().await["lastPass"]["error"].to_string();
    assert!(error.contains("certificate") && error.contains("SSL_CERT_FILE"), "{error}");
}
