//! The number lists that a pass asked for: no write to a number rests on a list that is older than its pass.

use std::collections::BTreeSet;

use http::{Method, Request};

/// The lists and single numbers that were asked for since the account list was.
#[derive(Default)]
pub(crate) struct Lists(BTreeSet<String>);

impl Lists {
    /// Sees a request. The error is what is wrong with it.
    pub(crate) fn see(&mut self, request: &Request<Vec<u8>>) -> Result<(), String> {
        let path = request.uri().path();
        // The version, the resource, and below an account its numbers, perhaps one of them.
        let parts: Vec<_> = path.trim_end_matches(".json").split('/').skip(2).collect();
        let is_read = request.method() == Method::GET;
        match parts[..] {
            ["Accounts"] if is_read => {
                let is_first = !request.uri().query().unwrap_or_default().contains("PageToken=");
                if is_first {
                    self.0.clear();
                }
            }
            ["Accounts", account, "IncomingPhoneNumbers"] if is_read => {
                self.0.insert(account.to_owned());
            }
            ["Accounts", account, "IncomingPhoneNumbers", number] if is_read => {
                self.0.insert(format!("{account}/{number}"));
            }
            ["Accounts", account, "IncomingPhoneNumbers", number] => {
                let is_read = self.0.contains(account) || self.0.contains(&format!("{account}/{number}"));
                if !is_read {
                    return Err(format!(
                        "decision 4: a write to {number} on a list of {account} from an earlier pass"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
