//! Who may read the status, which names customers: whoever has its token, or, without one, whoever asks for a host that
//! only the own network has. A page of another site that rebinds its name to this address asks for that name.

use std::{
    fs::File,
    io::Read as _,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// The longest token file that is read.
const MAX_TOKEN_BYTES: u64 = 4 * 1024;
/// The longest wait for the token file.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The rule by which the status is served.
#[derive(Debug)]
pub(crate) enum Access {
    /// To who has the token in this file, which may be replaced while the process runs.
    Token(TokenFile),
    /// To who asks for a host without a public name, or for one of these.
    Hosts(Vec<String>),
}

/// A file with the token of the status.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
    /// One read at a time: a file system that hangs holds one thread.
    reading: Arc<Semaphore>,
}

impl Access {
    /// The rule of the settings. The token file must be readable now.
    pub(crate) fn new(token_file: Option<&Path>, hosts: &[String]) -> Result<Self, String> {
        let Some(path) = token_file else {
            return Ok(Self::Hosts(hosts.iter().map(|host| host.to_ascii_lowercase()).collect()));
        };
        read_token(path)?;
        Ok(Self::Token(TokenFile { path: path.to_owned(), reading: Arc::new(Semaphore::new(1)) }))
    }
}

/// Answers a request that `access` refuses, and passes on the others.
pub(super) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let refusal = match &*access {
        Access::Token(file) => file.refuses(request.headers()).await,
        Access::Hosts(hosts) => refuses_host(request.headers(), request.uri(), hosts),
    };
    match refusal {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

fn refuses_host(headers: &HeaderMap, uri: &Uri, hosts: &[String]) -> Option<Response> {
    let given = headers.get(header::HOST).map(|host| host.to_str().unwrap_or(""));
    let host = uri.host().or(given)?;
    (!is_own_host(host, hosts)).then(|| {
        let words = "this host name is not one of this network: name it in --status-hosts, or protect the status with \
                     --status-token-file\n";
        (StatusCode::MISDIRECTED_REQUEST, words).into_response()
    })
}

/// Returns true for an address, a name that no public site can have, and a host of the list.
fn is_own_host(host: &str, hosts: &[String]) -> bool {
    let host = host.to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    if let Some((address, port)) = address {
        return address.parse::<IpAddr>().is_ok() && (port.is_empty() || port.starts_with(':'));
    }
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
    name.parse::<IpAddr>().is_ok()
        || (!name.is_empty() && !name.contains('.'))
        || [".svc", ".svc.cluster.local"].iter().any(|suffix| name.ends_with(suffix))
        || hosts.iter().any(|listed| listed == name || *listed == host)
}

impl TokenFile {
    async fn refuses(&self, headers: &HeaderMap) -> Option<Response> {
        let unauthorized = || {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"subaccountd\", Bearer")];
            let words =
                "the status needs its token: send it as a bearer token, or as the password of any user\n";
            (StatusCode::UNAUTHORIZED, challenge, words).into_response()
        };
        let Some(given) = given_token(headers) else { return Some(unauthorized()) };
        match self.read().await {
            Ok(token) if is_same(&token, &given) => None,
            Ok(_) => Some(unauthorized()),
            Err(error) => Some((StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()),
        }
    }

    async fn read(&self) -> Result<SecretString, String> {
        let (path, reading) = (self.path.clone(), self.reading.clone());
        let read = async move {
            let permit = reading.acquire_owned().await;
            spawn_blocking(move || {
                let token = read_token(&path);
                drop(permit);
                token
            })
            .await
        };
        let late = || format!("the status token file {} does not answer", self.path.display());
        match timeout(MAX_WAIT, read).await {
            Ok(Ok(token)) => token,
            Ok(Err(_)) | Err(_) => Err(late()),
        }
    }
}

/// Compares digests, so that the time tells nothing about the token.
fn is_same(token: &SecretString, given: &SecretString) -> bool {
    let digest = |token: &SecretString| Sha256::digest(token.expose_secret());
    digest(token) == digest(given)
}

/// The token that a request carries.
fn given_token(headers: &HeaderMap) -> Option<SecretString> {
    let (scheme, given) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(given.trim().into());
    }
    let decoded =
        scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(given.trim()).ok())??;
    let (_, password) = str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.into())
}

/// The token in the file at `path`, without the white space around it.
pub(crate) fn read_token(path: &Path) -> Result<SecretString, String> {
    let failed = |why: &dyn std::fmt::Display, fix: &str| {
        format!("the status token file {} {why}: {fix}", path.display())
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_TOKEN_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(&format!("cannot be read ({error})"), "check that this user may read it"))?;
    let only = "use a file that contains only the token";
    if bytes.len() as u64 > MAX_TOKEN_BYTES {
        return Err(failed(&"is longer than 4 KiB", only));
    }
    let text = str::from_utf8(&bytes).map_err(|_| failed(&"is not text", only))?;
    let token = subaccountd_twilio::trimmed(text);
    if token.len() < MIN_TOKEN_BYTES {
        return Err(failed(
            &format!("has a token of less than {MIN_TOKEN_BYTES} characters"),
            "write a random one, as `openssl rand -hex 32` prints it",
        ));
    }
    Ok(token.into())
}

/// The shortest token: one that cannot be guessed.
const MIN_TOKEN_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_public_name_are_own_ones() {
        let hosts = ["status.example.com".to_owned(), "other.example:8081".to_owned()];
        for host in [
            "127.0.0.1",
            "127.0.0.1:8081",
            "[::1]:8081",
            "[fe80::1]",
            "10.0.0.7:8081",
            "localhost:8081",
            "LOCALHOST",
            "subaccountd",
            "subaccountd:8081",
            "subaccountd.twilio.svc",
            "subaccountd.twilio.svc.cluster.local.:8081",
            "Status.Example.com:443",
            "status.example.com.",
            "other.example:8081",
        ] {
            assert!(is_own_host(host, &hosts), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8081",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "svc.evil.example",
            "evilsvc.example",
            "[::1].evil.example",
            "[evil.example]:80",
            "other.example",
            "notstatus.example.com",
            "status.example.com.evil.example",
            "",
            ".",
            ":8081",
        ] {
            assert!(!is_own_host(host, &hosts), "{host}");
        }
    }

    fn sent(authorization: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        given_token(&headers).map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn token_is_sent_as_a_bearer_or_as_a_password() {
        let basic = |words: &str| format!("Basic {}", BASE64_STANDARD.encode(words));
        assert_eq!(sent("Bearer secret").as_deref(), Some("secret"));
        assert_eq!(sent("bearer  secret ").as_deref(), Some("secret"));
        assert_eq!(sent(&basic("anybody:a:b")).as_deref(), Some("a:b"));
        assert_eq!(sent(&basic(":secret")).as_deref(), Some("secret"));
        for none in ["Bearer", "Digest secret", "Basic !", &basic("secret"), "secret"] {
            assert_eq!(sent(none), None, "{none}");
        }
    }

    #[test]
    fn unusable_token_file_is_an_error_with_its_fix() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        assert!(read_token(&path).unwrap_err().contains("cannot be read"));
        for (bytes, why) in [
            (&b""[..], "less than 16 characters"),
            (b"\xef\xbb\xbf  0123456789abcde \n", "less than 16 characters"),
            (b"\xff\xfe0123456789abcdef", "is not text"),
            (&[b'x'; 5000], "longer than 4 KiB"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_token(&path).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        std::fs::write(&path, b"\xef\xbb\xbf 0123456789abcdef\r\n").unwrap();
        assert_eq!(read_token(&path).unwrap().expose_secret(), "0123456789abcdef");
    }
}
