//! A YAML document as a tree with places, on which two readers agree.
//!
//! What both did not read alike is refused: a state must not depend on the reader. A scalar is refused alone, what
//! is built otherwise with its file.

use std::{cell::Cell, collections::HashMap, fmt};

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use super::fields::{Finding, Mark, Place};

/// The most nodes that one file may have once its aliases are followed.
const MAX_NODES: usize = 1_000_000;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    Text(String),
    /// A scalar, as it was written, that two YAML readers take for different things.
    Disputed(String),
    List(Vec<Node>),
    /// In the order of the file, duplicate keys included.
    Map(Vec<(Node, Node)>),
}

/// The documents of one file, the empty ones left out.
pub(super) fn documents(file: usize, text: &str) -> Result<Vec<Node>, Finding> {
    let meanings = meanings(file, text)?;
    let spots = Spots::read(text).map_err(|error| {
        let mark = Mark::new(error.marker().line(), error.marker().col() + 1, 1);
        let line = text.lines().nth(mark.line.saturating_sub(1)).unwrap_or_default();
        match line.chars().position(|c| c == '\t') {
            Some(column) => Finding {
                place: Place { file, mark: Mark::new(mark.line, column + 1, 1) },
                message: "a tab where not every YAML reader takes one".to_owned(),
                help: "replace the tab by a space".to_owned(),
            },
            None => disagreement(Place { file, mark }, &format!("the second says: {}", error.info())),
        }
    })?;
    if spots.roots.is_empty() && meanings.iter().all(|meaning| matches!(meaning, Meaning::Null)) {
        return Ok(Vec::new());
    }
    if meanings.len() != spots.roots.len() {
        let counts = format!("they see {} and {} documents", meanings.len(), spots.roots.len());
        return Err(disagreement(Place::start_of(file), &counts));
    }
    let nodes =
        meanings.into_iter().zip(&spots.roots).map(|(meaning, &root)| spots.join(file, meaning, root));
    Ok(nodes
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .filter(|node| !matches!(node.kind, Kind::Null))
        .collect())
}

fn disagreement(place: Place, how: &str) -> Finding {
    Finding {
        place,
        message: format!("two YAML readers read this differently: {how}"),
        help: "put the value in double quotes, or write it more plainly".to_owned(),
    }
}

/// What serde_yaml reads, duplicate keys included.
enum Meaning {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

fn meanings(file: usize, text: &str) -> Result<Vec<Meaning>, Finding> {
    let budget = Cell::new(MAX_NODES);
    let mut meanings = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let meaning =
            MeaningSeed(&budget).deserialize(document).map_err(|error| unreadable(file, text, &error))?;
        meanings.push(meaning);
    }
    Ok(meanings)
}

fn unreadable(file: usize, text: &str, error: &serde_yaml::Error) -> Finding {
    let mark = error.location().map_or(Mark::START, |at| Mark::new(at.line(), at.column(), 1));
    let mark = last_mark(text).filter(|last| last.line < mark.line).unwrap_or(mark);
    // libyaml points behind the tab, or at the line above it.
    let tab = (mark.line.saturating_sub(1)..=mark.line + 1).find_map(|line| {
        let indentation = |c: &char| c.is_ascii_whitespace() || *c == '-';
        let before = text.lines().nth(line.checked_sub(1)?)?.chars().take_while(indentation);
        before.into_iter().position(|c| c == '\t').map(|column| Mark::new(line, column + 1, 1))
    });
    if let Some(mark) = tab {
        return Finding {
            place: Place { file, mark },
            message: "a tab in the indentation: YAML is indented with spaces only".to_owned(),
            help: "replace the tab by spaces".to_owned(),
        };
    }
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    let help = if words.contains("limit exceeded") || words.contains("aliases are followed") {
        "write it with less nesting and fewer aliases; until then nothing in this file counts"
    } else {
        "mend the YAML; until then nothing in this file counts"
    };
    Finding {
        place: Place { file, mark },
        message: format!("this is not YAML: {words}"),
        help: help.to_owned(),
    }
}

/// The end of the last line that holds anything: what is missing at the end of a file is missing there.
fn last_mark(text: &str) -> Option<Mark> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.last().map(|(at, line)| Mark::new(at + 1, line.trim_end().chars().count(), 1))
}

struct MeaningSeed<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for MeaningSeed<'_> {
    type Value = Meaning;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Meaning, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0.set(
            left.ok_or_else(|| {
                serde::de::Error::custom("more than 1000000 values once aliases are followed")
            })?,
        );
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MeaningSeed<'_> {
    type Value = Meaning;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a tag")
    }

    fn visit_unit<E>(self) -> Result<Meaning, E> {
        Ok(Meaning::Null)
    }

    fn visit_none<E>(self) -> Result<Meaning, E> {
        Ok(Meaning::Null)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Meaning, A::Error> {
        Err(serde::de::Error::custom("a tag has no meaning here"))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Meaning, E> {
        Ok(Meaning::Bool(value))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Meaning, E> {
        Ok(Meaning::Number)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Meaning, E> {
        Ok(Meaning::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Meaning, E> {
        Ok(Meaning::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Meaning, E> {
        Ok(Meaning::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Meaning, E> {
        Ok(Meaning::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Meaning, E> {
        Ok(Meaning::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Meaning, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(MeaningSeed(self.0))? {
            list.push(item);
        }
        Ok(Meaning::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Meaning, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key_seed(MeaningSeed(self.0))? {
            map.push((key, entries.next_value_seed(MeaningSeed(self.0))?));
        }
        Ok(Meaning::Map(map))
    }
}

/// Where things stand, as the second reader sees them: an arena, so that an alias is an index.
#[derive(Default)]
struct Spots {
    spots: Vec<(Mark, Spot)>,
    roots: Vec<usize>,
}

enum Spot {
    Scalar { text: String, kind: ScalarKind },
    List(Vec<usize>),
    Map(Vec<usize>),
}

#[derive(PartialEq)]
enum ScalarKind {
    Null,
    Bool,
    Number,
    Text,
}

impl Spots {
    fn read(text: &str) -> Result<Self, saphyr_parser::ScanError> {
        let mut all = Self::default();
        let mut anchors = HashMap::new();
        let mut open = Vec::new();
        for event in Parser::new_from_str(text) {
            let (event, span) = event?;
            let (anchor, spot) = match event {
                Event::Scalar(text, style, anchor, _) => (anchor, scalar(&text, style)),
                Event::SequenceStart(anchor, _) => (anchor, Spot::List(Vec::new())),
                Event::MappingStart(anchor, _) => (anchor, Spot::Map(Vec::new())),
                Event::Alias(anchor) => {
                    let target = anchors.get(&anchor).copied().unwrap_or_default();
                    all.attach(target, &open);
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    open.pop();
                    continue;
                }
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd => continue,
            };
            let here = all.spots.len();
            let nests = !matches!(spot, Spot::Scalar { .. });
            all.spots.push((mark(span), spot));
            if anchor != 0 {
                anchors.insert(anchor, here);
            }
            all.attach(here, &open);
            if nests {
                open.push(here);
            }
        }
        Ok(all)
    }

    fn attach(&mut self, child: usize, open: &[usize]) {
        match open.last().map(|&parent| &mut self.spots[parent].1) {
            Some(Spot::List(children) | Spot::Map(children)) => children.push(child),
            Some(Spot::Scalar { .. }) | None => self.roots.push(child),
        }
    }

    /// Whether nothing is written there: then the key before it is what a person can see.
    fn is_left_out(&self, at: usize) -> bool {
        matches!(&self.spots[at].1, Spot::Scalar { kind: ScalarKind::Null, text } if text.is_empty())
    }

    fn join(&self, file: usize, meaning: Meaning, at: usize) -> Result<Node, Finding> {
        let (mark, spot) = &self.spots[at];
        let place = Place { file, mark: *mark };
        let kind = match (meaning, spot) {
            (Meaning::Null, Spot::Scalar { kind: ScalarKind::Null, .. }) => Kind::Null,
            (Meaning::Bool(value), Spot::Scalar { kind: ScalarKind::Bool, .. }) => Kind::Bool(value),
            (Meaning::Number, Spot::Scalar { kind: ScalarKind::Number, text }) => Kind::Number(text.clone()),
            (Meaning::Text(value), Spot::Scalar { kind: ScalarKind::Text, text }) if value == *text => {
                Kind::Text(value)
            }
            (
                Meaning::Null | Meaning::Bool(_) | Meaning::Number | Meaning::Text(_),
                Spot::Scalar { text, .. },
            ) => Kind::Disputed(text.clone()),
            (Meaning::List(items), Spot::List(spots)) if items.len() == spots.len() => {
                let items = items.into_iter().zip(spots).map(|(item, &at)| self.join(file, item, at));
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            (Meaning::Map(entries), Spot::Map(spots)) if entries.len() * 2 == spots.len() => {
                let entries = entries.into_iter().zip(spots.chunks_exact(2));
                let join = |((key, value), at): ((Meaning, Meaning), &[usize])| {
                    let key = self.join(file, key, at[0])?;
                    let mut value = self.join(file, value, at[1])?;
                    if self.is_left_out(at[1]) {
                        value.place = key.place;
                    }
                    Ok((key, value))
                };
                Kind::Map(entries.map(join).collect::<Result<_, _>>()?)
            }
            (meaning, spot) => {
                let how = format!("as {} and as {}", meaning.name(), spot.name());
                return Err(disagreement(place, &how));
            }
        };
        Ok(Node { place, kind })
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Spot {
    let kind = match Scalar::parse_from_cow_and_metadata(text.into(), style, None) {
        Some(Scalar::Null) => ScalarKind::Null,
        Some(Scalar::Boolean(_)) => ScalarKind::Bool,
        Some(Scalar::Integer(_) | Scalar::FloatingPoint(_)) => ScalarKind::Number,
        Some(Scalar::String(_)) | None => ScalarKind::Text,
    };
    Spot::Scalar { text: text.to_owned(), kind }
}

/// The mark of a span; one that goes over several lines is marked on its first.
fn mark(span: Span) -> Mark {
    let width = if span.start.line() == span.end.line() { span.len().max(1) } else { 1 };
    Mark::new(span.start.line(), span.start.col() + 1, width)
}

impl Meaning {
    const fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl Spot {
    const fn name(&self) -> &'static str {
        match self {
            Self::Scalar { kind: ScalarKind::Null, .. } => "nothing",
            Self::Scalar { kind: ScalarKind::Bool, .. } => "a boolean",
            Self::Scalar { kind: ScalarKind::Number, .. } => "a number",
            Self::Scalar { kind: ScalarKind::Text, .. } => "another text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}
