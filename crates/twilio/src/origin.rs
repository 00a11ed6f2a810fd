//! The origin: the only scheme, host and port that credentials are sent to.
//!
//! Every URL of this crate is made here. No answer can direct a request to another origin (I10).

use std::net::IpAddr;

use reqwest::Url;

/// The version of the API, the first part of every path.
const VERSION: &str = "2010-04-01";

/// The base URL of Twilio.
#[derive(Debug, Clone)]
pub(crate) struct Origin(Url);

/// The error of a configured URL that is not valid as the URL of Twilio. Its text contains no part that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// The text is not a URL.
    #[error("the Twilio URL is not valid ({0}): write it as in `https://api.twilio.com`")]
    NotAUrl(String),
    /// The scheme is neither https nor http.
    #[error("the Twilio URL has the scheme `{0}`: use `https`, or `http` for a loopback host")]
    Scheme(String),
    /// The scheme is http, and the host is not loopback.
    #[error(
        "the Twilio URL uses `http` for `{0}`, which would send the auth token unencrypted: use `https`; `http` is only \
         allowed for localhost, 127.0.0.0/8 and [::1]"
    )]
    PlainHttp(String),
    /// The URL has a user name or password.
    #[error(
        "the Twilio URL contains a user name or password: set the account SID and the auth token by their own settings"
    )]
    UserInformation,
    /// The URL has a path, query or fragment.
    #[error(
        "the Twilio URL has a path, query or fragment: end it after the host, as in `https://api.twilio.com`"
    )]
    NotAnOrigin,
}

/// The error of a page URI outside the list that is being read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PageUriError {
    #[error("`next_page_uri` is not a valid URI")]
    NotAUri,
    #[error("`next_page_uri` has another origin than the list; it was not requested")]
    OtherOrigin,
    #[error("`next_page_uri` has another path than the list; it was not requested")]
    OtherPath,
}

impl Origin {
    /// Reads the configured URL.
    pub(crate) fn parse(text: &str) -> Result<Self, BadUrl> {
        let url = Url::parse(text).map_err(|error| BadUrl::NotAUrl(error.to_string()))?;
        let host = url.host_str().unwrap_or_default();
        if has_user_information(&url) {
            return Err(BadUrl::UserInformation);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return Err(BadUrl::PlainHttp(host.to_owned())),
            other => return Err(BadUrl::Scheme(other.to_owned())),
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(BadUrl::NotAnOrigin);
        }
        Ok(Self(url))
    }

    /// Returns true when requests are not encrypted, which is only allowed for loopback hosts.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// The base URL.
    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }

    /// The URL of a resource.
    pub(crate) fn at(&self, resource: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("/{VERSION}/{resource}.json"));
        url
    }

    /// The URL of the next page of `list`, from its `next_page_uri`.
    pub(crate) fn follow(&self, list: &Url, next: &str) -> Result<Url, PageUriError> {
        let mut url = self.0.join(next).map_err(|_| PageUriError::NotAUri)?;
        if url.origin() != self.0.origin() || has_user_information(&url) {
            return Err(PageUriError::OtherOrigin);
        }
        if url.path() != list.path() {
            return Err(PageUriError::OtherPath);
        }
        url.set_fragment(None);
        Ok(url)
    }
}

fn has_user_information(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Returns true for `localhost`, 127.0.0.0/8 and `[::1]`.
fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::parse("https://api.twilio.com").unwrap()
    }

    #[test]
    fn https_is_allowed_for_every_host_and_http_for_loopback_only() {
        for url in [
            "https://api.twilio.com",
            "https://api.twilio.com/",
            "https://api.dublin.ie1.twilio.com:8443",
            "http://localhost:4010",
            "http://LOCALHOST",
            "http://127.0.0.1:1",
            "http://127.8.9.1",
            "http://[::1]:4010/",
        ] {
            assert!(Origin::parse(url).is_ok(), "{url}");
        }
        for host in
            ["api.twilio.com", "localhost.example", "10.0.0.1", "[::2]", "0.0.0.0", "[::ffff:127.0.0.1]"]
        {
            let error = Origin::parse(&format!("http://{host}")).unwrap_err();
            assert!(matches!(error, BadUrl::PlainHttp(_)), "{host}: {error}");
        }
    }

    #[test]
    fn invalid_origin_is_refused_without_showing_a_secret() {
        for (url, error) in [
            ("", BadUrl::NotAUrl("relative URL without a base".into())),
            ("api.twilio.com", BadUrl::NotAUrl("relative URL without a base".into())),
            ("ftp://localhost", BadUrl::Scheme("ftp".into())),
            ("https://user:hunter2@api.twilio.com", BadUrl::UserInformation),
            ("http://user@localhost", BadUrl::UserInformation),
            ("http://:hunter2@localhost", BadUrl::UserInformation),
            ("https://api.twilio.com/2010-04-01", BadUrl::NotAnOrigin),
            ("https://api.twilio.com/?a=hunter2", BadUrl::NotAnOrigin),
            ("https://api.twilio.com/#a", BadUrl::NotAnOrigin),
        ] {
            let found = Origin::parse(url).unwrap_err();
            assert_eq!(found, error, "{url}");
            assert!(!format!("{found} {found:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_page_of_the_same_list_is_followed() {
        let list = origin().at("Accounts");
        for next in [
            "/2010-04-01/Accounts.json?PageSize=1000&Page=1&PageToken=PAAC1",
            "https://api.twilio.com/2010-04-01/Accounts.json?PageSize=1000&Page=1&PageToken=PAAC1#top",
            "https://api.twilio.com:443/2010-04-01/Accounts.json?PageSize=1000&Page=1&PageToken=PAAC1",
        ] {
            assert_eq!(
                origin().follow(&list, next).unwrap().as_str(),
                "https://api.twilio.com/2010-04-01/Accounts.json?PageSize=1000&Page=1&PageToken=PAAC1"
            );
        }
    }

    #[test]
    fn a_page_of_another_origin_or_path_is_refused() {
        let list = origin().at("Accounts");
        for (next, uri_error) in [
            ("https://evil.example/2010-04-01/Accounts.json", PageUriError::OtherOrigin),
            ("//evil.example/2010-04-01/Accounts.json", PageUriError::OtherOrigin),
            ("\\\\evil.example/2010-04-01/Accounts.json", PageUriError::OtherOrigin),
            ("http://api.twilio.com/2010-04-01/Accounts.json", PageUriError::OtherOrigin),
            ("https://api.twilio.com:444/2010-04-01/Accounts.json", PageUriError::OtherOrigin),
            ("https://api.twilio.com@evil.example/2010-04-01/Accounts.json", PageUriError::OtherOrigin),
            ("https://user@api.twilio.com/2010-04-01/Accounts.json", PageUriError::OtherOrigin),
            ("data:,x", PageUriError::OtherOrigin),
            ("/2010-04-01/Accounts/../Other.json", PageUriError::OtherPath),
            ("?Page=1", PageUriError::OtherPath),
            ("/2010-04-01/Accounts/AC1/IncomingPhoneNumbers.json", PageUriError::OtherPath),
            ("https://[", PageUriError::NotAUri),
        ] {
            assert_eq!(origin().follow(&list, next).unwrap_err(), uri_error, "{next}");
        }
    }
}
