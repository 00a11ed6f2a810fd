//! The route to the origin: the host that is asked for, and the proxy in between.
//!
//! It decides nothing. An error names the route that the request took, without a user or a password.

use std::{error::Error, fmt, io, str, time::Duration};

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Url;
use subaccountd_core::text::sanitize_to;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    error::{MAX_CAUSE, root_cause},
    origin::Origin,
};

/// The longest wait for the reason of a proxy that refused.
const MAX_ASKED: Duration = Duration::from_secs(2);
/// The longest status line of a proxy that is shown.
const MAX_STATUS_LINE: usize = 80;

/// The route of every request.
#[derive(Clone)]
pub(crate) struct Route {
    /// The host, with the port unless it is that of the scheme.
    host: String,
    /// The host and the port.
    authority: String,
    proxy: Option<Intercept>,
}

impl Route {
    /// The route to `origin`, by the variables of the environment that reqwest reads.
    pub(crate) fn new(origin: &Origin) -> Self {
        let url = origin.url();
        let host = url.host_str().unwrap_or_default();
        let shown = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let authority = format!("{host}:{}", url.port_or_known_default().unwrap_or(443));
        Self { host: shown, authority, proxy: proxy(origin) }
    }

    /// The message of a connection that failed; asks a proxy that refused for its reason when `asks` is true.
    pub(crate) async fn connect_failed(&self, error: &reqwest::Error, asks: bool) -> String {
        let cause = root_cause(error);
        let at = format!("at {}", self.host);
        let Some(proxy) = &self.proxy else {
            return format!("{at}: {cause}{}", certificate_hint(error));
        };
        let name = shown(proxy);
        match Stage::of(error) {
            Stage::Tls => format!("{at} through the proxy {name}: {cause}{}", certificate_hint(error)),
            Stage::Other => format!("{at} through the proxy {name}: {cause}"),
            Stage::Network => format!("{at}: the proxy {name} was not reached: {cause}"),
            Stage::Tunnel => {
                let asked = if asks { self.refusal(proxy).await } else { None };
                let why = asked.map_or(cause, |line| format!("it answered `{line}`"));
                format!(
                    "{at}: the proxy {name} refused the tunnel: {why}; allow the host there, put the user and the password \
                     into the proxy's URL, or name the host in `NO_PROXY`"
                )
            }
        }
    }

    /// The hint for an answer that did not come from Twilio.
    pub(crate) fn not_twilio(&self, what: &str) -> String {
        let proxy =
            self.proxy.as_ref().map_or_else(String::new, |proxy| format!(" (the proxy is {})", shown(proxy)));
        format!(
            "{what}, which is not an answer of Twilio: a proxy, firewall or filter answered in the place of {host}{proxy}; \
             allow {host} there",
            host = self.host
        )
    }

    /// The status line with which the proxy refuses a tunnel; `None` when it does not, or cannot be asked.
    async fn refusal(&self, proxy: &Intercept) -> Option<String> {
        let uri = proxy.uri();
        if uri.scheme_str() != Some("http") {
            return None;
        }
        let address = (uri.host()?.to_owned(), uri.port_u16().unwrap_or(80));
        let authority = &self.authority;
        let mut head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
        if let Some(user) = proxy.basic_auth() {
            head.extend([b"Proxy-Authorization: ", user.as_bytes(), b"\r\n"].concat());
        }
        head.extend(b"\r\n");
        let asked = async {
            let mut proxy = TcpStream::connect(address).await.ok()?;
            proxy.write_all(&head).await.ok()?;
            let mut line = [0; 256];
            let mut length = 0;
            while length < line.len() && !line[..length].contains(&b'\n') {
                match proxy.read(&mut line[length..]).await.ok()? {
                    0 => break,
                    read => length += read,
                }
            }
            refused(&line[..length])
        };
        timeout(MAX_ASKED, asked).await.ok()?
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        match &self.proxy {
            Some(proxy) => write!(f, " through the proxy {}", shown(proxy)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The proxy may have a password.
        fmt::Display::fmt(self, f)
    }
}

/// The proxy for requests to `origin`; none for plain HTTP, which never takes one.
fn proxy(origin: &Origin) -> Option<Intercept> {
    if origin.is_plain() {
        return None;
    }
    Matcher::from_system().intercept(&origin.url().as_str().parse().ok()?)
}

/// The URL of a proxy without its user and password.
fn shown(proxy: &Intercept) -> String {
    let uri = proxy.uri().to_string();
    let Ok(mut url) = uri.parse::<Url>() else { return "of the environment".to_owned() };
    // Every URL with a host can have these.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    sanitize_to(url.as_str().trim_end_matches('/'), MAX_CAUSE)
}

/// The status and the reason in the status line of `answer`, unless they say that the tunnel is there.
fn refused(answer: &[u8]) -> Option<String> {
    let line = str::from_utf8(answer).ok()?.lines().next()?;
    let status = line.strip_prefix("HTTP/1.")?.split_once(' ')?.1.trim();
    let code = status.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
    (code != "200").then(|| format!("HTTP {}", sanitize_to(status, MAX_STATUS_LINE)))
}

/// The part of a connection that failed.
enum Stage {
    /// The connection itself: to the proxy, when there is one.
    Network,
    /// TLS with the origin.
    Tls,
    /// The proxy's answer to `CONNECT`.
    Tunnel,
    Other,
}

impl Stage {
    fn of(error: &reqwest::Error) -> Self {
        let mut is_network = false;
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if tls_error(error).is_some() {
                return Self::Tls;
            }
            is_network |= error.is::<io::Error>();
            cause = error.source();
        }
        match is_network {
            true => Self::Network,
            false if error.is_connect() && !error.is_timeout() => Self::Tunnel,
            false => Self::Other,
        }
    }
}

/// The error of TLS that `error` is.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref().or_else(|| inner?.downcast_ref())
}

/// Returns true when the connection failed because the certificate of the other side was refused.
pub(crate) fn is_certificate_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn certificate_hint(error: &reqwest::Error) -> &'static str {
    if is_certificate_refused(error) {
        "; when a proxy or filter opens TLS, add its certificate authority to the bundle in `SSL_CERT_FILE` or of the system"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_names_the_host_and_no_proxy_for_plain_http() {
        for (origin, shown, authority) in [
            ("http://127.0.0.1:4010", "127.0.0.1:4010", "127.0.0.1:4010"),
            ("http://localhost", "localhost", "localhost:80"),
        ] {
            let route = Route::new(&Origin::parse(origin).unwrap());
            assert_eq!((route.to_string().as_str(), route.authority.as_str()), (shown, authority));
            assert!(route.not_twilio("an HTML page").contains(&format!("in the place of {shown}; allow")));
        }
    }

    #[test]
    fn proxy_is_shown_without_its_user_and_password() {
        let matcher = Matcher::builder().all("http://user:hunter2@proxy.example:3128").build();
        let proxy = matcher.intercept(&"https://api.twilio.com".parse().unwrap()).unwrap();
        assert_eq!(shown(&proxy), "http://proxy.example:3128");
    }

    #[test]
    fn refusal_of_a_proxy_is_its_status_line() {
        for (answer, status) in [
            ("HTTP/1.1 403 Forbidden\r\nServer: x\r\n", Some("HTTP 403 Forbidden")),
            (
                "HTTP/1.0 407 Proxy Authentication Required\r\n",
                Some("HTTP 407 Proxy Authentication Required"),
            ),
            ("HTTP/1.1 503\r\n", Some("HTTP 503")),
            ("HTTP/1.1 403 \u{1b}[2J\r\n", Some("HTTP 403 \u{fffd}[2J")),
            ("HTTP/1.1 200 Connection established\r\n", None),
            ("HTTP/1.1 oops\r\n", None),
            ("", None),
        ] {
            assert_eq!(refused(answer.as_bytes()).as_deref(), status, "{answer}");
        }
    }
}
