//! The desired state as the soak writes it. An entry without a SID has its friendly name as its key.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    MAIN,
    ask::{Ask, Settings},
    names::Names,
};

/// The files over which the entries are spread; the first has the main account.
pub(crate) const FILES: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Active,
    Suspended,
    Closed,
}

/// The terms of a close.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) confirm: String,
    pub(crate) release: BTreeSet<String>,
    pub(crate) to_main: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) word: Word,
    /// The terms; kept while the close is withdrawn, so that it can be decided again.
    pub(crate) terms: Terms,
    pub(crate) numbers: BTreeSet<String>,
    pub(crate) paused: bool,
    /// True when its key `status` is misspelt.
    pub(crate) misspelt: bool,
    /// Ends calls after a suspension.
    pub(crate) end_calls: bool,
    /// The settings of its numbers.
    pub(crate) defaults: Settings,
    /// The settings of some of them, which come first.
    pub(crate) own: BTreeMap<String, Settings>,
    pub(crate) file: usize,
}

impl Entry {
    /// One that says no more than the desired status.
    pub(crate) fn new(word: Word, file: usize) -> Self {
        Self {
            word,
            terms: Terms::default(),
            numbers: BTreeSet::new(),
            paused: false,
            misspelt: false,
            end_calls: false,
            defaults: Settings::new(),
            own: BTreeMap::new(),
            file,
        }
    }

    /// The settings that it names for a number that it claims.
    pub(crate) fn named(&self, phone: &str) -> Settings {
        let mut named = self.defaults.clone();
        named.extend(
            self.own.get(phone).into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())),
        );
        named
    }

    /// Its claims, as YAML.
    fn claims(&self) -> String {
        let claim = |phone: &String| match self.own.get(phone) {
            Some(own) => format!("{{number: \"{phone}\"{}}}", yaml(own)),
            None => format!("\"{phone}\""),
        };
        self.numbers.iter().map(claim).collect::<Vec<_>>().join(", ")
    }

    fn text(&self, key: &str) -> String {
        let status = if self.misspelt { "sttaus" } else { "status" };
        let who = if is_sid(key) { format!("sid: {key}") } else { format!("friendlyName: \"{key}\"") };
        let word = match self.word {
            Word::Active => "active",
            Word::Suspended => "suspended",
            Word::Closed => "closed",
        };
        let mut text = format!("{who}, {status}: {word}, paused: {}", self.paused);
        if self.word == Word::Closed {
            let Terms { confirm, release, to_main } = &self.terms;
            let release: Vec<_> = release.iter().map(|phone| format!("\"{phone}\"")).collect();
            let release = release.join(", ");
            let terms = format!("confirm: \"{confirm}\", release: [{release}], moveNumbersToMain: {to_main}");
            write!(text, ", close: {{{terms}}}").unwrap();
        } else {
            write!(text, ", numbers: [{}]", self.claims()).unwrap();
            if !self.defaults.is_empty() {
                let defaults = yaml(&self.defaults);
                write!(text, ", numberDefaults: {{{}}}", defaults.trim_start_matches(", ")).unwrap();
            }
        }
        if self.word != Word::Active && self.end_calls {
            text += ", endCalls: true";
        }
        text
    }
}

/// Settings as the rest of a mapping in YAML.
fn yaml(settings: &Settings) -> String {
    let pair = |(name, value): (&String, &String)| {
        let key = name[..1].to_lowercase() + &name[1..];
        format!(", {key}: \"{value}\"")
    };
    settings.iter().map(pair).collect()
}

/// Returns true when the key of an entry is a SID, and not a name.
pub(crate) fn is_sid(key: &str) -> bool {
    key.starts_with("AC")
}

#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) paused: bool,
    /// The file that has a tab.
    pub(crate) tab: Option<usize>,
}

impl State {
    pub(crate) fn is_faulty(&self) -> bool {
        self.tab.is_some() || self.entries.values().any(|entry| entry.misspelt)
    }

    /// The entry of an account as far as it can be read.
    pub(crate) fn entry(&self, sid: &str) -> Option<&Entry> {
        self.entries.get(sid).filter(|entry| !entry.misspelt && self.tab != Some(entry.file))
    }

    /// The terms under which the state closes the account.
    pub(crate) fn terms(&self, sid: &str) -> Option<&Terms> {
        self.entry(sid).filter(|entry| entry.word == Word::Closed).map(|entry| &entry.terms)
    }

    pub(crate) fn claimant(&self, phone: &str) -> Option<&String> {
        let claims = |entry: &Entry| entry.word != Word::Closed && entry.numbers.contains(phone);
        self.entries.iter().find(|(_, entry)| claims(entry)).map(|(sid, _)| sid)
    }

    pub(crate) fn is_named_in_a_release(&self, phone: &str) -> bool {
        self.entries.values().any(|entry| entry.word == Word::Closed && entry.terms.release.contains(phone))
    }

    /// The key of the entry of an account.
    pub(crate) fn key<'a>(&self, sid: &'a str, names: &'a Names) -> &'a str {
        let by_name = || names.name_of(sid).filter(|name| self.entries.contains_key(*name));
        if self.entries.contains_key(sid) { sid } else { by_name().unwrap_or(sid) }
    }

    /// Returns true when this state asks for `ask` with these settings.
    pub(crate) fn asks(&self, ask: &Ask, settings: &Settings, names: &Names) -> bool {
        if self.paused || self.tab.is_some() {
            return false;
        }
        let entry = |sid: &str| self.entry(self.key(sid, names)).filter(|entry| !entry.paused);
        match ask {
            Ask::Create(name) => !self.is_faulty() && !is_sid(name) && entry(name).is_some(),
            Ask::EndCall { account, .. } => entry(account).is_some_and(|entry| match entry.word {
                Word::Active => false,
                Word::Suspended | Word::Closed => entry.end_calls,
            }),
            Ask::Configure { phone, account } => {
                let named = entry(account)
                    .filter(|entry| entry.word != Word::Closed && entry.numbers.contains(phone));
                let named = named.map(|entry| entry.named(phone)).unwrap_or_default();
                !settings.is_empty() && settings.iter().all(|(name, value)| named.get(name) == Some(value))
            }
            Ask::Suspend(sid) => entry(sid).is_some_and(|entry| match entry.word {
                Word::Active => false,
                Word::Suspended => true,
                Word::Closed => !self.is_faulty(),
            }),
            Ask::Reactivate(sid) => entry(sid).is_some_and(|entry| entry.word == Word::Active),
            Ask::Close(sid) => {
                !self.is_faulty() && entry(sid).is_some_and(|entry| entry.word == Word::Closed)
            }
            Ask::Transfer { phone, from, to } => {
                let frozen = |sid| {
                    let entry = self.entries.get(self.key(sid, names));
                    entry.is_some_and(|entry| entry.paused || entry.misspelt)
                };
                let moves_to_main = to == MAIN
                    && !self.is_faulty()
                    && self.terms(from).is_some_and(|terms| terms.to_main && !terms.release.contains(phone))
                    && self.claimant(phone).is_none();
                let claimant = self.claimant(phone).map(String::as_str);
                let claimed = || {
                    let key = self.key(to, names);
                    claimant == Some(key) && self.entries[key].named(phone) == *settings
                };
                !frozen(from) && !frozen(to) && ((moves_to_main && settings.is_empty()) || claimed())
            }
        }
    }

    fn text(&self, file: usize) -> String {
        let mut text = "apiVersion: subaccountd/v1\nkind: DesiredState\n".to_owned();
        if file == 0 {
            writeln!(text, "paused: {}\nmainAccount: {{sid: {MAIN}}}", self.paused).unwrap();
        }
        text += "subaccounts:\n";
        if self.entries.values().all(|entry| entry.file != file) {
            text += "  []\n";
        }
        for (key, entry) in self.entries.iter().filter(|(_, entry)| entry.file == file) {
            writeln!(text, "  - {{{}}}", entry.text(key)).unwrap();
        }
        if self.tab == Some(file) {
            text += "x-note:\n\ta: 1\n";
        }
        text
    }
}

/// The folder of the state.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Replaces the files that differ, each atomically, as editors do.
    pub(crate) fn write(&self, state: &State, wrote: &mut Vec<String>) -> bool {
        wrote.resize(FILES, String::new());
        let mut changed = 0;
        for (file, was) in wrote.iter_mut().enumerate() {
            let text = state.text(file);
            if *was != text {
                replace(&self.0.join(format!("{file}.yaml")), &text);
                *was = text;
                changed += 1;
            }
        }
        changed <= 1
    }
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}
