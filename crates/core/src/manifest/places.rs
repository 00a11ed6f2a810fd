//! The places of entries: the file and the line of each, for the audit of a write. They mean nothing to a plan.

use std::collections::BTreeMap;

use super::{document::Document, location::Location};
use crate::{AccountRef, AccountSid, FriendlyName};

/// The places of the entries of a state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    files: Vec<String>,
    main: Option<(AccountSid, Place)>,
    accounts: BTreeMap<AccountSid, Place>,
    names: BTreeMap<FriendlyName, Place>,
}

/// A line, from 1, in the file with this index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    file: u32,
    line: u32,
}

impl Place {
    fn new(location: Location) -> Self {
        let location = location.used();
        Self { file: location.file, line: u32::try_from(location.line()).unwrap_or(u32::MAX) }
    }
}

impl Places {
    /// The places of the entries in `documents`, whose files have these names. Of an account listed twice it is the last one.
    pub(super) fn new(documents: &[Document], files: &[&str]) -> Self {
        let mut places = Self { files: files.iter().map(ToString::to_string).collect(), ..Self::default() };
        for document in documents {
            if let Some(main) = &document.main {
                places.main = main.sid.map(|sid| (sid, Place::new(main.location)));
            }
            for account in &document.accounts {
                match (&account.sid, &account.unpinned, &account.name) {
                    (Some((sid, location)), _, _) => {
                        places.accounts.insert(*sid, Place::new(*location));
                    }
                    (None, Some((name, _)), Some((_, location))) => {
                        places.names.insert(name.clone(), Place::new(*location));
                    }
                    (None, _, _) => {}
                }
            }
        }
        places
    }

    /// The place of the entry of `account`, as `file:line`.
    pub fn place_of(&self, account: &AccountRef) -> Option<String> {
        let place = match account {
            AccountRef::Sid(sid) => {
                let main = self.main.as_ref().filter(|(main, _)| main == sid).map(|(_, place)| place);
                self.accounts.get(sid).or(main)
            }
            AccountRef::Name(name) => self.names.get(name),
        }?;
        let file = self.files.get(place.file as usize)?;
        Some(format!("{file}:{}", place.line))
    }
}
