//! Paging by key: a page contains the rows after (or before) a SID. A token is opaque, belongs to one list, and is not a
//! snapshot: rows may appear and disappear between two pages.

use std::ops::{Bound, RangeBounds};

use serde_json::{Map, Value, json};

use crate::{
    digest,
    http::params::Params,
    world::{Stretch, error::ApiError},
};

const DEFAULT_SIZE: usize = 50;
const MAX_SIZE: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cursor {
    Start,
    After(String),
    Before(String),
}

/// A request for one page of one list.
#[derive(Clone, Debug)]
pub(crate) struct PageRequest<'a> {
    path: &'a str,
    filters: Vec<(&'static str, &'a str)>,
    size: usize,
    page: usize,
    cursor: Cursor,
}

impl<'a> PageRequest<'a> {
    /// Reads `PageSize`, `Page`, `PageToken` and the filters of the list at `path`.
    pub(crate) fn parse(
        path: &'a str,
        query: &'a Params,
        filters: &[&'static str],
    ) -> Result<Self, ApiError> {
        let (size, page) = (count(query, "PageSize", DEFAULT_SIZE)?, count(query, "Page", 0)?);
        match size {
            0 => return Err(ApiError::new(20422).about("PageSize 0")),
            1..=MAX_SIZE => {}
            _ => return Err(ApiError::new(20007)),
        }
        let cursor = match query.filled("PageToken") {
            Some(token) => token::read(path, token).ok_or_else(|| ApiError::new(21481))?,
            None if page == 0 => Cursor::Start,
            None => return Err(ApiError::new(21481)),
        };
        let filters = filters.iter().filter_map(|name| Some((*name, query.filled(name)?))).collect();
        Ok(Self { path, filters, size, page, cursor })
    }

    /// The range of SIDs that contains the page.
    pub(crate) fn stretch(&self) -> Stretch<'_> {
        match &self.cursor {
            Cursor::Start => (Bound::Unbounded, Bound::Unbounded),
            Cursor::After(key) => (Bound::Excluded(key), Bound::Unbounded),
            Cursor::Before(key) => (Bound::Unbounded, Bound::Excluded(key)),
        }
    }

    /// Returns true when the stretch contains this key.
    pub(crate) fn contains(&self, key: &str) -> bool {
        RangeBounds::<str>::contains(&self.stretch(), key)
    }

    /// The page: `rows` are the filtered rows of the stretch, `key` returns the SID of a row, or another key that orders the list, `show` its JSON.
    pub(crate) fn answer<'w, T: 'w>(
        &self,
        name: &str,
        rows: impl DoubleEndedIterator<Item = &'w T>,
        key: impl Fn(&T) -> &str,
        show: impl Fn(&T) -> Value,
    ) -> Value {
        let (rows, earlier, later) = self.take(rows);
        let next = rows.last().filter(|_| later).map(|row| Cursor::After(key(row).to_owned()));
        let previous = rows.first().filter(|_| earlier).map(|row| Cursor::Before(key(row).to_owned()));
        let start = self.page * self.size;
        let mut body = Map::new();
        body.insert(name.to_owned(), rows.iter().map(|row| show(row)).collect());
        let envelope = json!({
            "first_page_uri": self.uri(0, &Cursor::Start),
            "next_page_uri": next.map(|cursor| self.uri(self.page + 1, &cursor)),
            "previous_page_uri": previous.map(|cursor| self.uri(self.page.saturating_sub(1), &cursor)),
            "page": self.page,
            "page_size": self.size,
            "start": start,
            "end": start + rows.len().saturating_sub(1),
            "uri": self.uri(self.page, &self.cursor),
        });
        let mut body = Value::Object(body);
        crate::control::json::overlay(&mut body, &envelope);
        body
    }

    /// The rows of the page, and true for each of earlier and later rows that exist.
    fn take<'w, T>(&self, mut rows: impl DoubleEndedIterator<Item = &'w T>) -> (Vec<&'w T>, bool, bool) {
        if let Cursor::Before(_) = self.cursor {
            let mut page: Vec<_> = rows.by_ref().rev().take(self.size).collect();
            page.reverse();
            (page, rows.next().is_some(), true)
        } else {
            let page: Vec<_> = rows.by_ref().take(self.size).collect();
            (page, self.cursor != Cursor::Start, rows.next().is_some())
        }
    }

    fn uri(&self, page: usize, cursor: &Cursor) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filters);
        query.append_pair("PageSize", &self.size.to_string());
        query.append_pair("Page", &page.to_string());
        match cursor {
            Cursor::Start => {}
            Cursor::After(_) | Cursor::Before(_) => {
                query.append_pair("PageToken", &token::write(self.path, cursor));
            }
        }
        format!("{}?{}", self.path, query.finish())
    }
}

fn count(query: &Params, name: &str, default: usize) -> Result<usize, ApiError> {
    match query.filled(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| ApiError::new(20422).about(format!("{name} {text}"))),
    }
}

/// Tokens: a tag over the list and the key, followed by the key, masked with a digest of the tag.
mod token {
    use super::{Cursor, digest};

    const PREFIX: &str = "PT";
    const TAG: usize = 8;

    pub(super) fn write(path: &str, cursor: &Cursor) -> String {
        let plain = match cursor {
            Cursor::Start => String::new(),
            Cursor::After(key) => format!("+{key}"),
            Cursor::Before(key) => format!("-{key}"),
        };
        let tag = tag(path, plain.as_bytes());
        format!("{PREFIX}{}{}", digest::hex(&tag), digest::hex(&masked(&tag, plain.as_bytes())))
    }

    pub(super) fn read(path: &str, token: &str) -> Option<Cursor> {
        let bytes = digest::unhex(token.strip_prefix(PREFIX)?)?;
        let (given, rest) = bytes.split_at_checked(TAG)?;
        let plain = masked(given, rest);
        if tag(path, &plain) != given {
            return None;
        }
        let plain = String::from_utf8(plain).ok()?;
        let after = plain.strip_prefix('+').map(|key| Cursor::After(key.to_owned()));
        after.or_else(|| plain.strip_prefix('-').map(|key| Cursor::Before(key.to_owned())))
    }

    fn tag(path: &str, plain: &[u8]) -> Vec<u8> {
        digest::sha256(&[b"page token", path.as_bytes(), plain])[..TAG].to_vec()
    }

    fn masked(tag: &[u8], bytes: &[u8]) -> Vec<u8> {
        let mask = digest::sha256(&[b"page token mask", tag]);
        bytes.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/2010-04-01/Accounts.json";

    fn walk(keys: &[&str], first: &str, link: &str) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut next = Some(first.to_owned());
        while let Some(query) = next.take() {
            let params = Params::parse(query.as_bytes());
            let request = PageRequest::parse(PATH, &params, &["Status"]).unwrap();
            let (low, high) = request.stretch();
            let within = keys.iter().filter(|key| {
                (match low {
                    Bound::Excluded(low) => **key > low,
                    _ => true,
                }) && (match high {
                    Bound::Excluded(high) => **key < high,
                    _ => true,
                })
            });
            let body = request.answer("rows", within, |key| key, |key| json!(key));
            pages.push(serde_json::from_value(body["rows"].clone()).unwrap());
            next = body[link].as_str().map(|uri| uri.split_once('?').unwrap().1.to_owned());
        }
        pages
    }

    #[test]
    fn pages_hold_every_row_once_and_the_last_has_no_next() {
        assert_eq!(walk(&["a", "b", "c", "d"], "PageSize=2", "next_page_uri"), [["a", "b"], ["c", "d"]]);
        assert_eq!(walk(&["a", "b", "c"], "PageSize=2", "next_page_uri"), [vec!["a", "b"], vec!["c"]]);
        assert_eq!(walk(&[], "", "next_page_uri"), [Vec::<String>::new()]);
    }

    #[test]
    fn the_way_back_shows_the_same_rows() {
        let keys = ["a", "b", "c", "d", "e"];
        let token = token::write(PATH, &Cursor::After("d".to_owned()));
        let pages = walk(&keys, &format!("PageSize=2&Page=2&PageToken={token}"), "previous_page_uri");
        assert_eq!(pages, [vec!["e"], vec!["c", "d"], vec!["a", "b"]]);
    }

    #[test]
    fn links_carry_the_filters() {
        let params = Params::parse(b"Status=active&Nonsense=1&PageSize=1");
        let request = PageRequest::parse(PATH, &params, &["Status"]).unwrap();
        let body = request.answer("rows", ["a", "b"].iter(), |key| key, |key| json!(key));
        let next = body["next_page_uri"].as_str().unwrap();
        assert!(next.starts_with(&format!("{PATH}?Status=active&PageSize=1&Page=1&PageToken=PT")), "{next}");
        assert_eq!(body["first_page_uri"], format!("{PATH}?Status=active&PageSize=1&Page=0"));
    }

    #[test]
    fn invalid_page_is_an_error() {
        let other = token::write("/2010-04-01/Other.json", &Cursor::After("a".to_owned()));
        let cases = [
            ("PageSize=1001".to_owned(), 20007),
            ("PageSize=many".to_owned(), 20422),
            ("PageSize=0".to_owned(), 20422),
            ("Page=3".to_owned(), 21481),
            ("PageToken=PT00".to_owned(), 21481),
            ("PageToken=5".to_owned(), 21481),
            (format!("PageToken={other}"), 21481),
        ];
        for (query, code) in cases {
            let params = Params::parse(query.as_bytes());
            assert_eq!(PageRequest::parse(PATH, &params, &[]).unwrap_err().code, code, "{query}");
        }
        let params = Params::parse(b"PageSize=1000");
        assert!(PageRequest::parse(PATH, &params, &[]).is_ok());
    }

    #[test]
    fn a_token_does_not_show_its_key() {
        let token = token::write(PATH, &Cursor::After("AC0123".to_owned()));
        assert!(!token.contains("AC0123") && !token.contains(&digest::hex(b"AC0123")), "{token}");
    }
}
