//! The token leaves by TLS only for a host whose certificate is trusted.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpListener,
    sync::Arc,
    thread::JoinHandle,
};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::{ServerConfig, ServerConnection, Stream, pki_types::PrivateKeyDer};
use subaccountd_core::{
    Action,
    outcome::{Outcome, Skip, SkipCause},
    remote::Observe,
};

use crate::{
    secrets::run_alone,
    support::{BASE64, Reply, account_json, client_with, config, main, ok, outcome, sub},
};

/// Where the tests run alone find the server.
const URL: &str = "TEST_TLS_URL";

/// A server of one connection, for `localhost`: its URL, and what came through the TLS.
fn server(host: &CertifiedKey<KeyPair>) -> (String, JoinHandle<io::Result<String>>) {
    let key = PrivateKeyDer::Pkcs8(host.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![host.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let served = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept()?;
        let mut connection = ServerConnection::new(Arc::new(config)).map_err(io::Error::other)?;
        let mut stream = Stream::new(&mut connection, &mut socket);
        let mut seen = [0; 4096];
        let length = stream.read(&mut seen)?;
        let Reply::Whole(answer) = ok(&account_json(main(), "active")) else { return Ok(String::new()) };
        stream.write_all(&answer)?;
        Ok(String::from_utf8_lossy(&seen[..length]).into_owned())
    });
    (url, served)
}

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// Runs the ignored test `name` against a server with the certificate `shows`, where `trusted` is in the bundle.
fn against(name: &str, shows: &CertifiedKey<KeyPair>, trusted: &CertifiedKey<KeyPair>) -> io::Result<String> {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("bundle.pem");
    fs::write(&bundle, trusted.cert.pem()).unwrap();
    let (url, served) = server(shows);
    run_alone(name, &[("SSL_CERT_FILE", bundle.to_str().unwrap()), (URL, &url)]);
    served.join().unwrap()
}

#[test]
fn a_host_with_a_trusted_certificate_gets_the_token() {
    let host = certificate();
    let seen = against("tls::inside_with_a_trusted_host", &host, &host).unwrap();
    assert!(seen.contains(BASE64), "{seen}");
}

#[test]
fn a_host_with_another_certificate_gets_nothing() {
    let seen = against("tls::inside_with_an_untrusted_host", &certificate(), &certificate());
    let error = seen.unwrap_err();
    assert!(error.to_string().contains("alert"), "{error}");
}

#[tokio::test]
#[ignore = "needs a server and its certificate: run by the test above"]
async fn inside_with_a_trusted_host() {
    let account = client_with(config(&std::env::var(URL).unwrap())).account(main()).await.unwrap();
    assert_eq!(account.sid, main());
}

#[tokio::test]
#[ignore = "needs a server: run by the test above"]
async fn inside_with_an_untrusted_host() {
    let mut config = config(&std::env::var(URL).unwrap());
    config.retry.repeats = 0;
    let written = outcome(&client_with(config), &Action::Suspend(sub())).await;
    assert!(matches!(written, Outcome::Skipped(Skip { cause: SkipCause::ConnectFailed, .. })), "{written:?}");
}

#[test]
fn authorities_are_read_again_on_demand() {
    let (host, other) = (certificate(), certificate());
    let dir = tempfile::tempdir().unwrap();
    let (bundle, next) = (dir.path().join("bundle.pem"), dir.path().join("next.pem"));
    fs::write(&bundle, other.cert.pem()).unwrap();
    fs::write(&next, host.cert.pem()).unwrap();
    let (url, served) = server(&host);
    let variables =
        [("SSL_CERT_FILE", bundle.to_str().unwrap()), (NEXT, next.to_str().unwrap()), (URL, &url)];
    run_alone("tls::inside_with_a_bundle_that_is_replaced", &variables);
    let seen = served.join().unwrap().unwrap();
    assert!(seen.contains(BASE64), "{seen}");
}

/// The bundle that replaces the other one.
const NEXT: &str = "TEST_NEXT_BUNDLE";

#[tokio::test]
#[ignore = "needs a server and its certificate: run by the test above"]
async fn inside_with_a_bundle_that_is_replaced() {
    let variable = |name| std::env::var(name).unwrap();
    let mut config = config(&variable(URL));
    config.retry.repeats = 0;
    let client = client_with(config);
    fs::rename(variable(NEXT), variable("SSL_CERT_FILE")).unwrap();
    client.reload_authorities().await;
    assert_eq!(client.account(main()).await.unwrap().sid, main());
}
