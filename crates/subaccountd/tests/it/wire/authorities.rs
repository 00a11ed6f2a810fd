//! Certificate authorities that are replaced while the daemon runs.

use std::{fs, path::Path};

use super::{
    command, eventful,
    middle::{Middle, NAME},
    proxy::Proxy,
    started,
};
use crate::support::{Daemon, Setup, eventually};

/// Replaces the bundle with these certificates.
type Replace = fn(&Path, &str);

/// A daemon behind a proxy to a server with the first certificate, which is in the bundle at `variable`; then the proxy leads
/// to a server with the second one.
struct Stage {
    daemon: Daemon,
    second: String,
    passes: f64,
}

async fn failed(daemon: &Daemon) -> f64 {
    daemon.metric("subaccountd_passes_total{result=\"failed\"}").await
}

async fn succeeded(daemon: &Daemon) -> f64 {
    daemon.metric("subaccountd_passes_total{result=\"success\"}").await
}

async fn stage(setup: &Setup, variable: &str, value: &Path, trusts: &Path) -> Stage {
    let certificate = |path: &Path| fs::read_to_string(path).unwrap();
    let (first_server, bundle) = Middle::with_tls(setup).await;
    let first = certificate(&bundle);
    let (second_server, _) = Middle::with_tls(setup).await;
    let second = certificate(&bundle);
    fs::remove_file(&bundle).unwrap();
    fs::write(trusts, first).unwrap();
    let proxy = Proxy::before(first_server.address).await;
    let mut run = command(setup, &format!("https://{NAME}"));
    run.env("HTTPS_PROXY", format!("http://{}", proxy.address)).env(variable, value);
    // No authority of the machine counts.
    let other = if variable == "SSL_CERT_FILE" { "SSL_CERT_DIR" } else { "SSL_CERT_FILE" };
    let empty = setup.dir.path().join(".empty");
    if other == "SSL_CERT_DIR" {
        fs::create_dir(&empty).unwrap();
    } else {
        fs::write(&empty, "").unwrap();
    }
    run.env(other, empty);
    let daemon = started(setup, run).await;
    daemon.settled().await;
    proxy.lead_to(second_server.address);
    eventually("the other certificate is refused", async || {
        daemon.status().await["lastPass"]["error"].to_string().contains("invalid peer certificate")
    })
    .await;
    let passes = succeeded(&daemon).await;
    Stage { daemon, second, passes }
}

impl Stage {
    /// Passes succeed again, without a restart.
    async fn recovers(self) {
        eventually("passes succeed", async || succeeded(&self.daemon).await >= self.passes + 2.0).await;
        assert!(self.daemon.log().contains("certificate authorities changed; read again"));
    }
}

#[tokio::test]
async fn replaced_bundle_is_read_without_a_restart() {
    let ways: [Replace; 2] = [
        |bundle, text| fs::write(bundle, text).unwrap(),
        |bundle, text| {
            let new = bundle.with_extension("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, bundle).unwrap();
        },
    ];
    for replace in ways {
        let setup = eventful().await;
        let bundle = setup.dir.path().join(".authorities.pem");
        let stage = stage(&setup, "SSL_CERT_FILE", &bundle, &bundle).await;
        replace(&bundle, &stage.second);
        stage.recovers().await;
    }
}

/// As a volume is updated: the path leads over a link that is swapped.
#[tokio::test]
async fn bundle_behind_a_link_that_is_swapped_is_read_without_a_restart() {
    let setup = eventful().await;
    let at = |name: &str| setup.dir.path().join(name);
    fs::create_dir(at(".v1")).unwrap();
    fs::create_dir(at(".v2")).unwrap();
    std::os::unix::fs::symlink(".v1", at(".data")).unwrap();
    let stage = stage(&setup, "SSL_CERT_FILE", &at(".data/bundle.pem"), &at(".v1/bundle.pem")).await;
    fs::write(at(".v2/bundle.pem"), &stage.second).unwrap();
    std::os::unix::fs::symlink(".v2", at(".swap")).unwrap();
    fs::rename(at(".swap"), at(".data")).unwrap();
    stage.recovers().await;
}

#[tokio::test]
async fn certificate_that_is_added_to_the_folder_is_read_without_a_restart() {
    let setup = eventful().await;
    let folder = setup.dir.path().join(".certs");
    fs::create_dir(&folder).unwrap();
    // The names of a folder that was hashed.
    let stage = stage(&setup, "SSL_CERT_DIR", &folder, &folder.join("00000000.0")).await;
    fs::write(folder.join("00000001.0"), &stage.second).unwrap();
    stage.recovers().await;
}

/// The former authorities stay in use.
#[tokio::test]
async fn bundle_that_becomes_unusable_stops_no_pass() {
    let setup = eventful().await;
    let (server, bundle) = Middle::with_tls(&setup).await;
    let proxy = Proxy::before(server.address).await;
    let mut run = command(&setup, &format!("https://{NAME}"));
    run.env("HTTPS_PROXY", format!("http://{}", proxy.address)).env("SSL_CERT_FILE", &bundle);
    let empty = setup.dir.path().join(".empty");
    fs::create_dir(&empty).unwrap();
    run.env("SSL_CERT_DIR", empty);
    let daemon = started(&setup, run).await;
    daemon.settled().await;
    let before = failed(&daemon).await;
    fs::write(&bundle, "not a certificate").unwrap();
    eventually("it is told", async || {
        daemon.log().contains("certificate authorities could not be read again; the former ones stay in use")
    })
    .await;
    daemon.more_passes(3).await;
    assert_eq!(failed(&daemon).await, before);
    let told = daemon.log().matches("certificate authorities could not be read").count();
    assert_eq!(told, 1, "told once");
}
