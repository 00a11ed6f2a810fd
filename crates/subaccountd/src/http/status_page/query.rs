//! The query of the page: search, filters, order and pages. An invalid part is ignored, with a note that does not repeat
//! it.

use subaccountd_core::{Reason, Status};

use super::class::Class;

/// The longest query that is read, in bytes.
const MAX_QUERY: usize = 2048;
/// The longest search, in characters.
const MAX_SEARCH: usize = 100;
/// The most digits of a page number.
const MAX_DIGITS: usize = 6;

/// The selection that the page shows: the search, the filters, the order and the pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// The words that are searched, as they were typed.
    pub(super) search: String,
    pub(super) show: Option<Class>,
    pub(super) reason: Option<Reason>,
    pub(super) desired: Option<Status>,
    pub(super) sort: Sort,
    pub(super) pages: Pages,
    pub(super) refresh: Refresh,
    /// The notes on the parts that were ignored.
    pub(super) notes: Vec<&'static str>,
}

/// The time after which the page loads itself again; without one it does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Refresh(Option<u16>);

impl Refresh {
    /// The shortest and the longest time, in seconds.
    const BOUNDS: std::ops::RangeInclusive<u16> = 10..=3600;

    /// Reads it from the part of a URL after `?`; `None` unless it is a number of seconds within the bounds.
    pub(super) fn read(raw: &str) -> Self {
        Query::read(raw).refresh
    }

    fn from_word(word: &str) -> Option<Self> {
        let seconds = word.parse().ok().filter(|seconds| Self::BOUNDS.contains(seconds))?;
        Some(Self(Some(seconds)))
    }

    /// The seconds.
    pub(super) const fn seconds(self) -> Option<u16> {
        self.0
    }

    /// The query that keeps it.
    pub(super) fn link(self) -> String {
        self.0.map_or_else(String::new, |seconds| format!("?refresh={seconds}"))
    }
}

/// The page of each list, from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pages {
    pub(super) todo: usize,
    pub(super) held: usize,
    pub(super) accounts: usize,
}

/// The order of the accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Accounts that need a person come first.
    #[default]
    Trouble,
    Sid,
    Name,
    /// Accounts that changed last come first.
    Changed,
}

impl Sort {
    pub(super) const ALL: [Self; 4] = [Self::Trouble, Self::Sid, Self::Name, Self::Changed];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::Sid => "sid",
            Self::Name => "name",
            Self::Changed => "changed",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Trouble => "trouble first",
            Self::Sid => "by SID",
            Self::Name => "by name",
            Self::Changed => "last changed first",
        }
    }
}

impl Query {
    /// Reads the part of a URL after `?`.
    pub(super) fn read(raw: &str) -> Self {
        let mut query = Self::default();
        if raw.len() > MAX_QUERY {
            query.notes.push("The query is too long and is ignored.");
            return query;
        }
        for (key, value) in form_urlencoded::parse(raw.as_bytes()) {
            query.take(&key, &value);
        }
        query.notes.sort_unstable();
        query.notes.dedup();
        query
    }

    fn take(&mut self, key: &str, value: &str) {
        let word = value.trim();
        let note = match key {
            "q" => self.take_search(word),
            _ if word.is_empty() => None,
            "show" if word == "all" => None,
            "show" => set(&mut self.show, Class::ALL.into_iter().find(|class| class.as_str() == word))
                .then_some(
                    "`show` must be all, held, unknown, waiting, planned or in-sync; all accounts are shown.",
                ),
            "reason" => set(&mut self.reason, Reason::ALL.into_iter().find(|reason| reason.as_str() == word))
                .then_some("`reason` is not the reason of a held item; it is ignored."),
            "desired" => set(&mut self.desired, Status::ALL.into_iter().find(|s| s.as_str() == word))
                .then_some("`desired` must be active, suspended or closed; it is ignored."),
            "sort" => match Sort::ALL.into_iter().find(|sort| sort.as_str() == word) {
                Some(sort) => {
                    self.sort = sort;
                    None
                }
                None => Some("`sort` must be trouble, sid, name or changed; it is ignored."),
            },
            "refresh" => match Refresh::from_word(word) {
                Some(refresh) => {
                    self.refresh = refresh;
                    None
                }
                None => Some("`refresh` must be a number of seconds from 10 to 3600; it is ignored."),
            },
            "todo" => set_page(&mut self.pages.todo, word),
            "held" => set_page(&mut self.pages.held, word),
            "page" => set_page(&mut self.pages.accounts, word),
            _ => Some("An unknown part of the query is ignored."),
        };
        self.notes.extend(note);
    }

    fn take_search(&mut self, words: &str) -> Option<&'static str> {
        self.search = words.chars().take(MAX_SEARCH).collect();
        (words.chars().count() > MAX_SEARCH).then_some("The search was cut after 100 characters.")
    }

    /// Returns true when a search or a filter narrows what is shown.
    pub(super) fn narrows(&self) -> bool {
        !self.search.is_empty() || self.show.is_some() || self.reason.is_some() || self.desired.is_some()
    }

    /// The link to this query, in a fixed order and without defaults.
    pub(super) fn link(&self) -> String {
        let mut link = form_urlencoded::Serializer::new(String::new());
        let page = |page: usize| (page > 0).then(|| (page + 1).to_string());
        for (key, value) in [
            ("q", Some(self.search.clone()).filter(|words| !words.is_empty())),
            ("show", self.show.map(|show| show.as_str().to_owned())),
            ("reason", self.reason.map(|reason| reason.as_str().to_owned())),
            ("desired", self.desired.map(|status| status.as_str().to_owned())),
            ("sort", Some(self.sort).filter(|s| *s != Sort::Trouble).map(|s| s.as_str().to_owned())),
            ("todo", page(self.pages.todo)),
            ("held", page(self.pages.held)),
            ("page", page(self.pages.accounts)),
            ("refresh", self.refresh.seconds().map(|seconds| seconds.to_string())),
        ] {
            if let Some(value) = value {
                link.append_pair(key, &value);
            }
        }
        format!("?{}", link.finish())
    }

    /// The link to this query after `change`.
    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut query = Self { notes: Vec::new(), ..self.clone() };
        change(&mut query);
        query.link()
    }
}

/// Sets `to` to `found`. Returns true when there is nothing to set.
fn set<T>(to: &mut Option<T>, found: Option<T>) -> bool {
    let none = found.is_none();
    *to = found.or(to.take());
    none
}

fn set_page(page: &mut usize, word: &str) -> Option<&'static str> {
    let number = || word.parse::<usize>().ok().filter(|n| *n > 0);
    match (word.len() <= MAX_DIGITS).then(number).flatten() {
        Some(number) => {
            *page = number - 1;
            None
        }
        None => Some("A page number is not valid; the first page is shown."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_has_the_same_meaning_in_a_fixed_order() {
        let query = Query::read("page=3&q=+a%26b%3C+&held=2&sort=trouble&show=held&reason=Paused&desired=");
        assert_eq!(query.link(), "?q=a%26b%3C&show=held&reason=Paused&held=2&page=3");
        assert_eq!(Query::read(&query.link()[1..]), query);
        assert_eq!(query.notes, Vec::<&str>::new());
        assert_eq!(Query::default().link(), "?");
        assert_eq!(Query::read("refresh=30&q=a").link(), "?q=a&refresh=30");
        assert_eq!(
            (Refresh::read("refresh=30").seconds(), Refresh::read("").link()),
            (Some(30), String::new())
        );
        assert!(query.narrows() && !Query::read("sort=sid&page=2").narrows());
    }

    #[test]
    fn invalid_query_is_ignored_with_a_note_that_does_not_repeat_it() {
        for raw in [
            "show=<script>",
            "reason=Because",
            "desired=dead",
            "sort=up",
            "page=0",
            "page=-1",
            "page=99999999999999999999",
            "held=x",
            "todo=1e3",
            "refresh=0",
            "refresh=9",
            "refresh=99999",
            "refresh=30;url=https://example.com",
            "other=1",
            "%ff=%ff",
            "==&&",
        ] {
            let query = Query::read(raw);
            assert_eq!(query.link(), "?", "{raw}");
            assert!(!query.notes.is_empty() || raw == "==&&", "{raw}");
            assert!(!query.notes.concat().contains("script"));
        }
    }

    #[test]
    fn a_query_is_bounded() {
        assert_eq!(Query::read(&"q=a&".repeat(600)).search, "");
        let long = Query::read(&format!("q={}", "ä".repeat(300)));
        assert_eq!((long.search.chars().count(), long.notes.len()), (100, 1));
        assert_eq!(Query::read("page=999999").pages.accounts, 999_998);
    }
}
