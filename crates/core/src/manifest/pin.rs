//! Pinning: the SIDs of accounts, written into the entries that have none, as an edit of the text. Comments, layout, quotes
//! and line ends stay as they are.

use std::collections::BTreeMap;

use super::{
    location::Location,
    parse::{ParsedState, parse, unpinned_places},
    source::{BOM, Source},
};
use crate::{AccountSid, FriendlyName, desired::Desired};

/// The key of an entry that has no SID, and its account.
#[derive(Debug, Clone)]
pub(super) struct UnpinnedPlace {
    /// The location of the key `friendlyName`.
    pub(super) key: Location,
    /// The location of the mapping that is the entry.
    pub(super) entry: Location,
}

/// The reason why the SIDs are not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPinned {
    /// The key is not where an edit of the text can add another one.
    #[error(
        "{file}:{line}:{column}: the `sid` of {name:?} cannot be added to this text: add `sid: {sid}` by hand"
    )]
    Place {
        /// The name of the file.
        file: String,
        /// The line of the key.
        line: usize,
        /// The column of the key.
        column: usize,
        /// The name of the entry.
        name: String,
        /// Its account.
        sid: AccountSid,
    },
    /// The edited text would mean something else.
    #[error(
        "{file}: with the SIDs in it, the state would not mean the same in other respects: add them by hand ({which})"
    )]
    OtherMeaning {
        /// The name of the file of the first of them.
        file: String,
        /// The keys to add.
        which: String,
    },
}

/// Adds `sids` to the entries of `sources` that have these names and no SID. Returns the changed files, by their index, each
/// with its new bytes. They parse to the same state, in which these entries have their SIDs.
///
/// # Errors
/// The reason why the SIDs must be added by hand. Then no text is returned.
pub fn pin(
    sources: &[Source],
    sids: &BTreeMap<FriendlyName, AccountSid>,
) -> Result<BTreeMap<usize, Vec<u8>>, NotPinned> {
    let mut edits: BTreeMap<usize, Vec<(usize, String)>> = BTreeMap::new();
    for (name, place) in unpinned_places(sources) {
        let Some(sid) = sids.get(&name) else { continue };
        let source = &sources[place.key.file()];
        let refused = || NotPinned::Place {
            file: source.name.clone(),
            line: place.key.line(),
            column: place.key.span.column(),
            name: name.to_string(),
            sid: *sid,
        };
        let text = source.content.as_deref().ok().and_then(|bytes| str::from_utf8(bytes).ok());
        let edit = text.and_then(|text| edit(text, &place, *sid)).ok_or_else(refused)?;
        edits.entry(place.key.file()).or_default().push(edit);
    }
    let mut edited = sources.to_vec();
    for (file, edits) in &mut edits {
        let Ok(bytes) = &mut edited[*file].content else { continue };
        // From the end, so that the places of the others stay right.
        edits.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (at, text) in edits {
            bytes.splice(*at..*at, text.bytes());
        }
    }
    if edits.is_empty() || means_the_same(&parse(sources), &parse(&edited), sids) {
        let changed = edits.into_keys();
        let bytes = |file: usize| Some((file, edited[file].content.clone().ok()?));
        return Ok(changed.filter_map(bytes).collect());
    }
    let file = edits.keys().next().map_or_else(String::new, |file| sources[*file].name.clone());
    let which: Vec<_> = sids.iter().map(|(name, sid)| format!("{:?}: {sid}", name.as_str())).collect();
    Err(NotPinned::OtherMeaning { file, which: which.join(", ") })
}

/// Returns true when `after` is `before` with `sids` in its entries, and has no fault.
fn means_the_same(
    before: &ParsedState,
    after: &ParsedState,
    sids: &BTreeMap<FriendlyName, AccountSid>,
) -> bool {
    let pinned = before.desired.resolved(|name| sids.get(name).copied());
    let pinned = Desired { by_name: BTreeMap::new(), ..pinned.into_owned() };
    before.fault_count == 0 && after.fault_count == 0 && after.desired == pinned
}

/// The offset in `text`, and what is to be inserted there.
fn edit(text: &str, place: &UnpinnedPlace, sid: AccountSid) -> Option<(usize, String)> {
    let (at, line) = offset(text, place.key)?;
    let rest = &text[at..];
    let quote =
        ["\"", "'", ""].into_iter().find(|quote| rest.starts_with(&format!("{quote}friendlyName{quote}")))?;
    let (entry, _) = offset(text, place.entry)?;
    let indent = &text[line..at];
    let is_first = indent.chars().all(|c| c == ' ' || c == '\t');
    let end = if line_end(text, at) == Some("\r\n") { "\r\n" } else { "\n" };
    let added = if text[entry..].starts_with('{') {
        // JSON needs quotes, and every flow mapping a comma.
        let value = if quote == "\"" { format!("\"{sid}\"") } else { sid.to_string() };
        let next = if is_first { format!("{end}{indent}") } else { " ".to_owned() };
        format!("{quote}sid{quote}: {value},{next}")
    } else {
        format!("{quote}sid{quote}: {sid}{end}{}", " ".repeat(place.key.span.column() - 1))
    };
    Some((at, added))
}

/// The offsets of `location` and of the begin of its line.
fn offset(text: &str, location: Location) -> Option<(usize, usize)> {
    let bom = if text.as_bytes().starts_with(BOM) { BOM.len() } else { 0 };
    let mut line = bom;
    for _ in 1..location.line() {
        line += text[line..].find('\n')? + 1;
    }
    let (at, _) = text[line..].char_indices().nth(location.span.column() - 1)?;
    Some((line + at, line))
}

/// The end of the line at the offset `at`; that of the line before when it is the last one and has none.
fn line_end(text: &str, at: usize) -> Option<&'static str> {
    let end = text[at..].find('\n').map(|end| at + end).or_else(|| text[..at].rfind('\n'))?;
    Some(if text[..end].ends_with('\r') { "\r\n" } else { "\n" })
}
