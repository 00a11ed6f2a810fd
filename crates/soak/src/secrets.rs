//! The secrets of simulated worlds, and the search for them in what a daemon shows.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use twilio_sim::World;

/// A part of the URLs that states name, which is never shown.
pub const SETTING: &str = "a-key-in-a-url-that-is-never-shown";

/// The shortest text that counts as a secret: shorter ones occur by chance.
const MIN_LENGTH: usize = 8;

/// Secrets, by their length.
#[derive(Debug, Default)]
pub struct Secrets(BTreeMap<usize, HashSet<String>>);

impl Secrets {
    /// No secrets.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds the auth token of each account of `world`, and the header that sends it.
    pub fn add_world(&mut self, world: &World) {
        for account in world.accounts() {
            self.add_token(account.sid.as_str(), &account.auth_token);
        }
    }

    /// Adds the auth token of an account, and the header that sends it.
    pub fn add_token(&mut self, sid: &str, token: &str) {
        self.add(token);
        self.add(&BASE64_STANDARD.encode(format!("{sid}:{token}")));
    }

    /// Adds a secret.
    ///
    /// # Panics
    /// The search would not find it: it has another character than letters, digits and `-_+/=`.
    pub fn add(&mut self, secret: &str) {
        assert!(secret.bytes().all(is_of_a_secret), "the search does not find such a secret: {secret}");
        if secret.len() >= MIN_LENGTH {
            self.0.entry(secret.len()).or_default().insert(secret.to_owned());
        }
    }

    /// Removes a secret.
    pub fn remove(&mut self, secret: &str) {
        if let Some(secrets) = self.0.get_mut(&secret.len()) {
            secrets.remove(secret);
        }
    }

    /// The secrets.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.values().flatten().map(String::as_str)
    }

    /// A line for each secret in `shown`, which came from `place`.
    pub fn leaks(&self, place: &str, shown: &[u8]) -> BTreeSet<String> {
        let mut leaks = BTreeSet::new();
        for word in shown.split(|byte| !is_of_a_secret(*byte)) {
            for (length, secrets) in self.0.range(..=word.len()) {
                let parts = word.windows(*length).filter_map(|part| std::str::from_utf8(part).ok());
                let found = parts.filter(|part| secrets.contains(*part));
                leaks.extend(found.map(|secret| format!("{place} shows the secret `{secret}`")));
            }
        }
        leaks
    }
}

fn is_of_a_secret(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_found_wherever_it_stands() {
        let mut secrets = Secrets::new();
        secrets.add_token("AC0", "a-token-of-a-test");
        for shown in [
            "a-token-of-a-test",
            "x=a-token-of-a-test&",
            "\"wasa-token-of-a-testis\"",
            "QUMwOmEtdG9rZW4tb2YtYS10ZXN0",
        ] {
            assert_eq!(secrets.leaks("here", shown.as_bytes()).len(), 1, "{shown}");
        }
        assert!(secrets.leaks("here", b"a-token-of-a- test, a-token-of-a-tesT, QUMwOmEt").is_empty());
        secrets.remove("a-token-of-a-test");
        assert!(secrets.leaks("here", b"a-token-of-a-test").is_empty());
    }
}
