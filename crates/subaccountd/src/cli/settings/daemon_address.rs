//! The address of a running daemon for the commands that ask it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;

use super::{
    StatusListen,
    values::{address, address_or_none},
    variables::{NotText, variable},
};

/// The listeners of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// Probes and metrics.
    Probes,
    /// The status and the page.
    Status,
}

/// The error of an address that the environment gives.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("`{0}` is `{1}`: {2}, or give the address of the daemon with `--url`")]
    Invalid(&'static str, String, String),
    #[error(
        "`{0}` is `none`, so this daemon serves no status: change it, or give the address of another with `--url`"
    )]
    Off(&'static str),
    #[error("`{0}` has port 0, which the system chooses: give the address of the daemon with `--url`")]
    AnyPort(&'static str),
    #[error(transparent)]
    NotText(#[from] NotText),
}

impl Listener {
    const fn variable(self) -> &'static str {
        match self {
            Self::Probes => "SUBACCOUNTD_LISTEN",
            Self::Status => "SUBACCOUNTD_STATUS_LISTEN",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Probes => 8080,
            Self::Status => 8081,
        }
    }

    /// The URL to ask: `given`, or that of the address that the environment sets for the daemon.
    pub(crate) fn url(self, given: Option<&Url>) -> Result<Url, AddressError> {
        if let Some(url) = given {
            return Ok(url.clone());
        }
        let name = self.variable();
        let address = match variable(name)? {
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, self.default_port())),
            Some(text) => self
                .parse(&text)
                .map_err(|why| AddressError::Invalid(name, text, why))?
                .ok_or(AddressError::Off(name))?,
        };
        if address.port() == 0 {
            return Err(AddressError::AnyPort(name));
        }
        let text = format!("http://{}", reachable(address));
        Url::parse(&text).map_err(|error| AddressError::Invalid(name, text, error.to_string()))
    }

    fn parse(self, text: &str) -> Result<Option<SocketAddr>, String> {
        match self {
            Self::Probes => address(text).map(Some),
            Self::Status => address_or_none(text).map(|listen| match listen {
                StatusListen::On(address) => Some(address),
                StatusListen::Off => None,
            }),
        }
    }
}

/// The address at which a listener on `address` is reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(host, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_address_is_reached_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.7:1", "10.0.0.7:1"),
            ("[fd00::1]:1", "[fd00::1]:1"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
