//! Mutations: what goes wrong in files, each at a place that is drawn.

use proptest::sample::Index;
use subaccountd_core::manifest::{Source, Unread};

use crate::support::text::long;

/// The files of a state while something goes wrong with one of them.
pub(super) struct Files<'a> {
    texts: Vec<String>,
    picks: std::slice::Iter<'a, Index>,
}

type Contents = Vec<Result<Vec<u8>, Unread>>;

impl<'a> Files<'a> {
    pub(super) fn new(texts: &[String], picks: &'a [Index]) -> Self {
        Self { texts: texts.iter().map(|text| long(text)).collect(), picks: picks.iter() }
    }

    /// One of so many.
    fn pick(&mut self, of: usize) -> usize {
        self.picks.next().unwrap().index(of)
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.pick(choices.len())].clone()
    }

    fn contents(self) -> Contents {
        self.texts.into_iter().map(|text| Ok(text.into_bytes())).collect()
    }

    /// One of the places where `part` stands, in all files.
    fn find(&mut self, parts: &[&str]) -> Option<(usize, usize, usize)> {
        let mut places = Vec::new();
        for (file, text) in self.texts.iter().enumerate() {
            for part in parts {
                places.extend(text.match_indices(part).map(|(at, part)| (file, at, part.len())));
            }
        }
        places.sort_unstable();
        (!places.is_empty()).then(|| self.one_of(&places))
    }

    /// Puts one of `others` in the place of one of `parts`.
    fn replace(mut self, parts: &[&str], others: &[&str]) -> Option<Contents> {
        let (file, at, length) = self.find(parts)?;
        let other = long(self.one_of(others));
        self.texts[file].replace_range(at..at + length, &other);
        Some(self.contents())
    }

    /// Puts one of `others` before one of `parts`.
    fn insert(mut self, parts: &[&str], others: &[&str]) -> Option<Contents> {
        let (file, at, _) = self.find(parts)?;
        let other = long(self.one_of(others));
        self.texts[file].insert_str(at, &other);
        Some(self.contents())
    }

    /// Changes one line that holds more than blanks.
    fn line(mut self, change: impl FnOnce(&str, &mut Self) -> Option<String>) -> Option<Contents> {
        let mut lines = Vec::new();
        for (file, text) in self.texts.iter().enumerate() {
            let filled = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            lines.extend(filled.map(|(at, _)| (file, at)));
        }
        let (file, at) = self.one_of(&lines);
        let text = self.texts[file].clone();
        let mut all: Vec<String> = text.lines().map(str::to_owned).collect();
        all[at] = change(&all[at].clone(), &mut self)?;
        let end = if text.ends_with('\n') { "\n" } else { "" };
        self.texts[file] = all.join("\n") + end;
        Some(self.contents())
    }

    /// Puts one of `values` in the place of one value, or of a whole flow list.
    fn value(self, values: &[&str]) -> Option<Contents> {
        self.line(|line, files| {
            let at = line.find(": ").map(|at| at + 2).or_else(|| line.find("- ").map(|at| at + 2))?;
            Some(format!("{}{}", &line[..at], long(files.one_of(values))))
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "the type of every mutation")]
    fn bytes(
        mut self,
        change: impl FnOnce(Vec<u8>, &mut Self) -> Result<Vec<u8>, Unread>,
    ) -> Option<Contents> {
        let count = self.texts.len();
        let file = self.pick(count);
        let changed = change(self.texts[file].clone().into_bytes(), &mut self);
        let mut contents = self.contents();
        contents[file] = changed;
        Some(contents)
    }
}

/// One kind of accident: its name, and what it does to the files where that is possible.
pub(super) struct Mutation {
    pub(super) name: &'static str,
    pub(super) apply: fn(Files<'_>) -> Option<Contents>,
}

const KEYS: [&str; 20] = [
    "apiVersion:",
    "kind:",
    "paused:",
    "mainAccount:",
    "subaccounts:",
    "sid:",
    "friendlyName:",
    "status:",
    "numbers:",
    "liftSuspensionsBefore:",
    "reason:",
    "labels:",
    "owner:",
    "close:",
    "confirm:",
    "moveNumbersToMain:",
    "release:",
    "number:",
    "addressSid:",
    "ticket:",
];
const STATUSES: [&str; 3] = ["status: active", "status: suspended", "status: closed"];
const SIDS: [&str; 5] = ["sid: AC01", "sid: AC02", "sid: AC03", "sid: AC04", "sid: AC05"];
const QUOTED: [&str; 8] = [
    "\"+15105550100\"",
    "\"+15105550101\"",
    "\"+15105550102\"",
    "\"+15105550103\"",
    "\"+15105550104\"",
    "\"+15105550105\"",
    "\"+15105550106\"",
    "\"+15105550107\"",
];

fn sids() -> Vec<String> {
    SIDS.iter().map(|sid| long(sid)).collect()
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// A word with one letter too many, missing, or in the wrong place.
fn misspelt(word: &str, files: &mut Files<'_>) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = files.pick(letters.len());
    match files.pick(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 if at + 1 < letters.len() => letters.swap(at, at + 1),
        2 => letters[at] = 'q',
        _ => letters.insert(at, '\u{200b}'),
    }
    letters.into_iter().collect()
}

fn misspell(mut files: Files<'_>, words: &[&str], after: usize) -> Option<Contents> {
    let (file, at, length) = files.find(words)?;
    let word = files.texts[file][at..at + length].to_owned();
    let (kept, word) = word.split_at(after);
    let (word, colon) = word.strip_suffix(':').map_or((word, ""), |word| (word, ":"));
    let wrong = misspelt(word, &mut files);
    files.texts[file].replace_range(at..at + length, &format!("{kept}{wrong}{colon}"));
    Some(files.contents())
}

/// The line breaks of `line` and what stands before its first letter.
fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '-']).len()]
}

/// An entry of a block list, repeated with another status.
fn repeat_entry(mut files: Files<'_>) -> Option<Contents> {
    let wanted = sids();
    let (file, at, length) = files.find(&borrowed(&wanted))?;
    let sid = files.texts[file][at..at + length].to_owned();
    let target = files.pick(files.texts.len());
    let entry = files.one_of(&[
        format!("- {sid}\n  status: suspended\n"),
        format!("- {sid}\n  status: active\n  numbers: [\"+15105550101\"]\n"),
        format!("- {{{sid}, status: nonsense}}\n"),
    ]);
    let end = files.texts[target].find("subaccounts:\n")? + "subaccounts:\n".len();
    files.texts[target].insert_str(end, &entry);
    Some(files.contents())
}

#[expect(clippy::unnecessary_wraps, reason = "the type of every mutation")]
fn rewrite(mut files: Files<'_>) -> Option<Contents> {
    let count = files.texts.len();
    let file = files.pick(count);
    let text = &mut files.texts[file];
    let places: Vec<_> = text.char_indices().collect();
    let (at, c) = places[files.picks.next().unwrap().index(places.len())];
    let other = ['"', '\'', ':', '-', ' ', '\n', '\t', '#', '[', '}', ',', '0', 'x', '&', '*', '\u{a0}'];
    let other = other[files.picks.next().unwrap().index(other.len())];
    match files.picks.next().unwrap().index(3) {
        0 => drop(text.remove(at)),
        1 => text.insert(at, other),
        _ => text.replace_range(at..at + c.len_utf8(), &other.to_string()),
    }
    Some(files.contents())
}

macro_rules! mutations {
    ($($name:literal: $apply:expr,)+) => {
        &[$(Mutation { name: $name, apply: $apply },)+]
    };
}

/// Accidents that only take something away or make it unreadable.
pub(super) const GARBLING: &[Mutation] = mutations! {
    "tab in the indentation": |files| files.line(|line, _| {
        let rest = line.strip_prefix("  ")?;
        Some(format!("\t{rest}"))
    }),
    "tab after a colon or dash": |files| files.replace(&[": ", "- "], &[":\t", "-\t", ":\t\t"]),
    "bracket removed": |files| files.replace(&["[", "]", "{", "}"], &["", "(", "]"]),
    "comma removed": |files| files.replace(&[", "], &[" ", ";", ""]),
    "quote removed": |files| files.replace(&["\""], &["", "'"]),
    "typographic quote": |files| files.replace(&["\""], &["“", "”", "„"]),
    "key misspelt": |files| misspell(files, &KEYS, 0),
    "key renamed": |files| files.replace(&KEYS, &["colour:", "Paused:", "1:", "null:", "[a]:", "? a\n:"]),
    "status misspelt": |files| misspell(files, &STATUSES, "status: ".len()),
    "status of another shape": |files| {
        files.replace(&STATUSES, &["status: Active", "status: [active]", "status: true", "status: \"\"", "status:"])
    },
    "SID malformed": |files| {
        let sids = sids();
        let sids = borrowed(&sids);
        files.replace(&sids, &["sid: AC1", "sid: 17", "sid: PN01", "sid:", "sid: [AC01]", "sid: {a: AC01}", "sid: acme"])
    },
    "SID misspelt": |files| {
        let sids = sids();
        misspell(files, &borrowed(&sids), "sid: ".len())
    },
    "number unquoted": |files| {
        files.replace(&QUOTED, &["+15105550101", "15105550101", "\"15105550101\"", "\"+1 510 555 0101\"", "\"+1510555010l\""])
    },
    "number misspelt": |files| misspell(files, &QUOTED, 1),
    "number of another shape": |files| files.replace(&QUOTED, &["[]", "{}", "true", "~", "\"+\"", "{number: 7}", "[\"+1510\"]"]),
    "value left out": |files| files.line(|line, _| {
        let at = line.find(": ").map(|at| at + 1).or_else(|| line.find("- ").map(|at| at + 1))?;
        Some(line[..at].to_owned())
    }),
    "value of another shape": |files| {
        files.value(&["7", "true", "~", "[]", "{}", "[a, b]", "{a: b}", "\"\"", "2026-01-01", "0b1", "1_0", ".inf"])
    },
    "value that is a template": |files| {
        files.value(&["{{ .Values.x }}", "\"{{ x }}\"", "${X}", "$(x)", "{% if x %}", "<% x %>"])
    },
    "value that cannot begin so": |files| files.value(&["@x", "`x`", "%x", "*x", "!x", "!!str x", "| x", "> x", "? x", "- x", "&a", "a: b", ", x"]),
    "line of a template": |files| files.line(|line, files| {
        let line = line.to_owned();
        Some(files.one_of(&[format!("{{{{- if .x }}}}\n{line}"), format!("{line}\n{{% endif %}}"), "{{ include \"x\" . }}".to_owned()]))
    }),
    "list is a mapping": |files| files.replace(&["subaccounts:\n", "numbers:\n", "release:\n"], &["subaccounts: {}\nx-a:\n", "subaccounts: acme\nx-a:\n"]),
    "text in the place of a list": |files| files.replace(&["subaccounts:\n", "numbers:\n", "release:\n"], &["subaccounts: |\n", "numbers: >\n", "numbers: \"a\n"]),
    "entry that is a text": |files| {
        let sids = sids();
        files.replace(&borrowed(&sids), &["AC01", "~", "acme"])
    },
    "entry inside of a list": |files| files.replace(&["- sid"], &["- - sid"]),
    "head wrong": |files| {
        files.replace(&["apiVersion: subaccountd/v1", "kind: DesiredState"], &["apiVersion: subaccountd/v2", "kind: Deployment", "kind: DesiredStates", "apiVersion: 1", "kind: [DesiredState]", "kind: DesiredState\nkind: x", "apiVersions: v1"])
    },
    "not UTF-8": |files| files.bytes(|mut bytes, files| {
        let at = files.pick(bytes.len());
        bytes.insert(at, files.one_of(&[0xff, 0xe4, 0xc3]));
        Ok(bytes)
    }),
    "UTF-16": |files| files.bytes(|bytes, _| {
        Ok([0xff, 0xfe].into_iter().chain(bytes.into_iter().flat_map(|byte| [byte, 0])).collect())
    }),
    "control character": |files| files.line(|line, files| {
        let at = files.pick(line.len());
        let odd = files.one_of(&['\0', '\u{7}', '\u{b}', '\u{feff}', '\u{1b}', '\u{2028}', '\u{85}']);
        Some(format!("{}{odd}{}", &line[..at], &line[at..]))
    }),
    "file cut off": |files| files.bytes(|mut bytes, files| {
        bytes.truncate(files.pick(bytes.len()));
        Ok(bytes)
    }),
    "file cut off at the end of a line": |files| files.bytes(|mut bytes, files| {
        let ends: Vec<_> = (1..bytes.len()).filter(|at| bytes[at - 1] == b'\n').collect();
        bytes.truncate(files.one_of(&ends));
        Ok(bytes)
    }),
    "file that cannot be read": |files| files.bytes(|_, _| Err("permission denied".to_owned().into())),
    "file of something else": |files| files.bytes(|_, files| {
        let others = ["a,b\nc,d\n", "- a\n", "just a text\n", "7\n", "{}\n", "apiVersion: v1\nkind: ConfigMap\ndata: {}\n", "\u{0}\u{1}\u{2}"];
        Ok(files.one_of(&others).into())
    }),
    "line lost": |files| files.line(|_, _| Some(String::new())),
    "line indented otherwise": |files| files.line(|line, files| {
        let by = files.pick(8);
        if by < 4 {
            return Some(format!("{}{line}", " ".repeat(by + 1)));
        }
        let blanks = line.len() - line.trim_start_matches(' ').len();
        (blanks > 0).then(|| line[(by - 3).min(blanks)..].to_owned())
    }),
    "no-break space in the indentation": |files| files.line(|line, _| {
        let rest = line.strip_prefix(' ')?;
        Some(format!("\u{a0}{rest}"))
    }),
    "dash lost or stuck": |files| files.replace(&["- "], &["  ", "-", "", "\u{2013} ", "-- "]),
    "colon lost or stuck": |files| files.replace(&[": ", ":\n"], &[" ", ":", "：", ";", " = "]),
    "comment begun": |files| files.replace(&[" "], &[" #", " # "]),
    "merge conflict": |files| files.line(|line, _| {
        Some(format!("<<<<<<< HEAD\n{line}\n=======\n{line}\n>>>>>>> other"))
    }),
    "separator damaged": |files| files.replace(&["---\n"], &["--\n", "----\n", "- --\n", "\n", "...\n"]),
    "unknown alias": |files| files.value(&["*nothing", "*a"]),
    "alias bomb": |files| files.value(&["&a [*a, *a]"]),
    "nested too deep": |files| files.line(|line, _| {
        let at = line.find(": ")? + 2;
        Some(format!("{}{}{}", &line[..at], "[".repeat(200), "]".repeat(200)))
    }),
    "text too long": |files| files.line(|line, _| {
        let at = line.find(": ")? + 2;
        Some(format!("{}{}", &line[..at], "x".repeat(1100)))
    }),
    "any character": rewrite,
};

/// Accidents after which there is always a fault.
pub(super) const CERTAIN: [&str; 4] =
    ["status misspelt", "status of another shape", "SID malformed", "number unquoted"];

/// Accidents that add something, or put it in another place.
pub(super) const ADDING: &[Mutation] = mutations! {
    "key twice": |files| files.line(|line, _| {
        let key = line.trim_start_matches([' ', '-']);
        let blanks = " ".repeat(indentation(line).len());
        key.contains(':').then(|| format!("{line}\n{blanks}{key}"))
    }),
    "unknown key": |files| files.line(|line, files| {
        let blanks = " ".repeat(indentation(line).len());
        let keys = ["colour: blue", "suspended: true", "sids: [AC01]", "tags: {a: b}", "1: 2", "true: x", "metadata: {name: x}"];
        Some(format!("{line}\n{blanks}{}", files.one_of(&keys)))
    }),
    "key of another level": |files| files.line(|line, files| {
        let blanks = " ".repeat(indentation(line).len());
        let keys = ["confirm: acme", "status: active", "subaccounts: []", "numbers: []", "close: {}", "kind: DesiredState", "endCalls: true"];
        Some(format!("{line}\n{blanks}{}", files.one_of(&keys)))
    }),
    "merge key": |files| files.line(|line, files| {
        let blanks = " ".repeat(indentation(line).len());
        let keys = ["<<: {paused: false}", "<<: {status: active}", "<<: [a]", "<<: ~"];
        Some(format!("{line}\n{blanks}{}", files.one_of(&keys)))
    }),
    "SID of another account": |files| {
        let sids = sids();
        files.replace(&borrowed(&sids), &["sid: AC00", "sid: AC01", "sid: AC02", "sid: AC03", "sid: AC04", "sid: AC05"])
    },
    "account listed twice": repeat_entry,
    "number of another account": |files| files.replace(&QUOTED, &QUOTED),
    "number claimed or released twice": |files| files.insert(&QUOTED, &[
        "\"+15105550101\", ", "\"+15105550102\", ", "\"+15105550101\"\n  - ", "\"+15105550102\"\n    - ", "\"+15105550103\"\n    - ",
    ]),
    "status of another account": |files| files.replace(&STATUSES, &STATUSES),
    "second main account": |files| files.insert(&["apiVersion:"], &[
        "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n---\n",
        "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC09}\n---\n",
        "mainAccount: {sid: AC00}\n",
    ]),
    "second document wrong": |files| files.bytes(|mut bytes, files| {
        let others = ["\n---\nfoo: bar\n", "\n---\n- a\n", "\n---\n{", "\n---\nkind: List\n", "\n--- text\n"];
        bytes.extend(files.one_of(&others).bytes());
        Ok(bytes)
    }),
    "labels wrong": |files| files.insert(&["owner:"], &["a: [b]\n    ", "a: 1\n    ", "owner: x\n    ", "[a]: b\n    ", "paused: true\n    "]),
    "entry of nothing": |files| files.insert(&["- sid"], &["- acme\n", "-\n", "- {}\n", "- []\n", "- {status: active}\n", "- 7\n"]),
};

/// The sources that `contents` are.
pub(super) fn sources(contents: Contents) -> Vec<Source> {
    let source = |(n, content)| Source { name: format!("{n}.yaml"), content };
    (0..).zip(contents).map(source).collect()
}

/// The sources as they are without an accident.
pub(super) fn sound(texts: &[String]) -> Vec<Source> {
    sources(Files::new(texts, &[]).contents())
}
