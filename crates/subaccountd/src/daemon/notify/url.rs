//! The address of notifications: a secret in a file.

use std::{fs::File, io::Read, net::IpAddr, path::Path};

use reqwest::Url;

/// The longest file, in bytes.
const MAX_BYTES: u64 = 4096;

/// The address in the file at `path`.
///
/// # Errors
/// The problem and its fix, without the address.
pub(super) fn read(path: &Path) -> Result<Url, String> {
    let failed = |why: &str| format!("the notification address in {} {why}", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(&format!("cannot be read ({error}): check that this user may read it")))?;
    let only = "use a file that contains only the address";
    if bytes.len() as u64 > MAX_BYTES {
        return Err(failed(&format!("is longer than 4 KiB: {only}")));
    }
    let text = str::from_utf8(&bytes).map_err(|_| failed(&format!("is not text: {only}")))?;
    let url: Url =
        subaccountd_twilio::trimmed(text).parse().map_err(|_| failed(&format!("is not a URL: {only}")))?;
    let host = url.host_str().unwrap_or_default();
    let is_allowed = match url.scheme() {
        "https" => !host.is_empty(),
        "http" => is_loopback(host) && url.username().is_empty() && url.password().is_none(),
        _ => false,
    };
    if is_allowed { Ok(url) } else { Err(failed("is not allowed: use https, or http to a loopback host")) }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn address_is_https_or_loopback_and_no_error_shows_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        let of = |text: &[u8]| {
            fs::write(&path, text).unwrap();
            read(&path)
        };
        for right in [
            "https://hooks.example.com/T0/secret\n",
            "http://127.0.0.1:9/x",
            " http://localhost/x",
            "http://[::1]:1/",
        ] {
            assert!(of(right.as_bytes()).is_ok(), "{right}");
        }
        for wrong in [
            "http://hooks.example.com/secret",
            "http://127.0.0.1.example.com/secret",
            "http://secret@127.0.0.1/",
            "ftp://hooks.example.com/secret",
            "file:///secret",
            "secret",
            "https://",
            "",
        ] {
            let error = of(wrong.as_bytes()).unwrap_err();
            assert!(!error.contains("secret") && !error.contains("example.com"), "{error}");
        }
        assert!(of(b"https://\xff").unwrap_err().contains("is not text"));
        assert!(of("x".repeat(5000).as_bytes()).unwrap_err().contains("4 KiB"));
        fs::remove_file(&path).unwrap();
        assert!(read(&path).unwrap_err().contains("cannot be read"));
    }
}
