//! A YAML document as a tree with locations, on which two parsers agree.
//!
//! A value on which they disagree is refused: a state must not depend on the parser. A scalar is refused alone, a
//! different structure with its whole file.

use std::{cell::Cell, collections::HashMap, fmt};

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, Span as ParserSpan};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use super::{
    diagnostic_builder::DiagnosticBuilder,
    location::{Location, Span},
    syntax::{TOO_MANY_NODES, disagreement, refused, unreadable},
};

/// The most nodes that one file may have after its aliases are expanded.
const MAX_NODES: usize = 1_000_000;

/// A value and its location.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) location: Location,
    pub(super) kind: Kind,
}

impl Node {
    /// The location of its first character: a mapping without braces begins with its first key.
    pub(super) fn begin(&self) -> Location {
        let Kind::Map(entries) = &self.kind else { return self.location };
        let first = entries.first().map(|(key, _)| key.location);
        let begins = |key: &Location| {
            (key.line(), key.span.column()) == (self.location.line(), self.location.span.column())
        };
        first.filter(begins).unwrap_or(self.location)
    }
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    Text(String),
    /// A scalar, as it was written, that the two parsers read as different types or values.
    Ambiguous(String),
    List(Vec<Node>),
    /// In the order of the file, duplicate keys included.
    Map(Vec<(Node, Node)>),
}

/// The documents of one file, without the empty ones.
pub(super) fn documents(file: usize, text: &str) -> Result<Vec<Node>, Box<DiagnosticBuilder>> {
    let meanings = meanings(file, text)?;
    let spots = Spots::read(text).map_err(|error| Box::new(refused(file, text, &error)))?;
    if spots.roots.is_empty() && meanings.iter().all(|meaning| matches!(meaning, Meaning::Null)) {
        return Ok(Vec::new());
    }
    if meanings.len() != spots.roots.len() {
        let counts = format!("one reads {} documents, the other {}", meanings.len(), spots.roots.len());
        return Err(Box::new(disagreement(Location::start_of(file), &counts)));
    }
    let nodes =
        meanings.into_iter().zip(&spots.roots).map(|(meaning, &root)| spots.join(file, meaning, root, None));
    Ok(nodes
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .filter(|node| !matches!(node.kind, Kind::Null))
        .collect())
}

/// A value as serde_yaml reads it, duplicate keys included.
enum Meaning {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

fn meanings(file: usize, text: &str) -> Result<Vec<Meaning>, Box<DiagnosticBuilder>> {
    let budget = Cell::new(MAX_NODES);
    let mut meanings = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let meaning = MeaningSeed(&budget)
            .deserialize(document)
            .map_err(|error| Box::new(unreadable(file, text, &error)))?;
        meanings.push(meaning);
    }
    Ok(meanings)
}

struct MeaningSeed<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for MeaningSeed<'_> {
    type Value = Meaning;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Meaning, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.ok_or_else(|| serde::de::Error::custom(TOO_MANY_NODES))?);
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

/// The locations of all values, as the second parser reports them: an arena, so that an alias is an index.
#[derive(Default)]
struct Spots {
    spots: Vec<(Span, Spot)>,
    roots: Vec<usize>,
}

enum Spot {
    Scalar {
        text: String,
        kind: ScalarKind,
    },
    List(Vec<usize>),
    Map(Vec<usize>),
    /// The index of the value that it repeats.
    Alias(usize),
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
                Event::Alias(anchor) => (0, Spot::Alias(anchors.get(&anchor).copied().unwrap_or_default())),
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
            let nests = matches!(spot, Spot::List(_) | Spot::Map(_));
            all.spots.push((span_of(span), spot));
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
            Some(Spot::Scalar { .. } | Spot::Alias(_)) | None => self.roots.push(child),
        }
    }

    /// Returns true when the value is left out, so that only the key before it can be marked.
    fn is_left_out(&self, at: usize) -> bool {
        matches!(&self.spots[at].1, Spot::Scalar { kind: ScalarKind::Null, text } if text.is_empty())
    }

    fn join(
        &self,
        file: usize,
        meaning: Meaning,
        at: usize,
        alias: Option<Span>,
    ) -> Result<Node, Box<DiagnosticBuilder>> {
        let (span, spot) = &self.spots[at];
        let mut location = Location::new(file, *span);
        location.alias = alias;
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
            ) => Kind::Ambiguous(text.clone()),
            (meaning, Spot::Alias(target)) => {
                return self.join(file, meaning, *target, alias.or(Some(*span)));
            }
            (Meaning::List(items), Spot::List(spots)) if items.len() == spots.len() => {
                let items = items.into_iter().zip(spots).map(|(item, &at)| self.join(file, item, at, alias));
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            (Meaning::Map(entries), Spot::Map(spots)) if entries.len() * 2 == spots.len() => {
                let entries = entries.into_iter().zip(spots.chunks_exact(2));
                let join = |((key, value), at): ((Meaning, Meaning), &[usize])| {
                    let key = self.join(file, key, at[0], alias)?;
                    let mut value = self.join(file, value, at[1], alias)?;
                    if self.is_left_out(at[1]) {
                        value.location = key.location;
                    }
                    Ok::<_, Box<DiagnosticBuilder>>((key, value))
                };
                Kind::Map(entries.map(join).collect::<Result<_, _>>()?)
            }
            (meaning, spot) => {
                let how = format!("one reads {}, the other {}", meaning.name(), spot.name());
                return Err(Box::new(disagreement(location, &how)));
            }
        };
        Ok(Node { location, kind })
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

/// The span to mark; of one over several lines, the start.
fn span_of(span: ParserSpan) -> Span {
    let width = if span.start.line() == span.end.line() { span.len().max(1) } else { 1 };
    Span::new(span.start.line(), span.start.col() + 1, width)
}

impl Meaning {
    const fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number => "a number",
            Self::Text(_) => "a string",
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
            Self::Scalar { kind: ScalarKind::Text, .. } => "another string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
            Self::Alias(_) => "an alias",
        }
    }
}
