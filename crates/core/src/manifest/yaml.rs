//! A YAML document as a tree with locations, on which two parsers agree.
//!
//! A value on which they disagree is refused: a state must not depend on the parser. A scalar is refused alone, a
//! different structure with its whole file.

use std::{borrow::Cow, cell::Cell, fmt};

use saphyr_parser::ScanError;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use super::{
    bounds::{Budget, MAX_VALUES, OLD_BREAKS, check_brackets, check_directives},
    code::DiagnosticCode,
    diagnostic_builder::DiagnosticBuilder,
    document::HEAD_HELP,
    location::{Location, Span},
    spots::{ScalarKind, Spot, Spots, Unread},
    surrogates::{masked, restored},
    syntax::{TOO_MANY_VALUES, disagreement, refused, unreadable},
};

/// The characters behind the place where the second parser stops that the first one is given: it may stop later.
const MARGIN: usize = 4096;

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

/// The documents of one file, without the empty ones. Its values take their part of `budget`.
pub(super) fn documents(
    file: usize,
    text: &str,
    budget: &mut Budget,
) -> Result<Vec<Node>, Box<DiagnosticBuilder>> {
    check_directives(text).map_err(|excess| excess.diagnostic(file))?;
    let documents = match masked(text) {
        Cow::Owned(masked) => documents_in(file, text, &masked, budget)?,
        Cow::Borrowed(_) => None,
    };
    match documents {
        Some(documents) => Ok(documents),
        None => Ok(documents_in(file, text, text, budget)?.unwrap_or_default()),
    }
}

/// The documents in `parsed`, which is `text` with masks, or as it is; `None` when a mask is not in double quotes.
fn documents_in(
    file: usize,
    text: &str,
    parsed: &str,
    budget: &mut Budget,
) -> Result<Option<Vec<Node>>, Box<DiagnosticBuilder>> {
    let spots = Spots::read(parsed, budget);
    if !matches!(spots, Err(Unread::Excess(_))) {
        check_brackets(text).map_err(|excess| excess.diagnostic(file))?;
    }
    let spots = match spots {
        Ok(spots) if spots.has_escaped_mask => return Ok(None),
        Ok(Spots { block_text: Some(span), .. }) => return Err(Box::new(block_text(file, span))),
        Ok(spots) => spots,
        Err(Unread::Excess(excess)) => return Err(excess.diagnostic(file)),
        Err(Unread::Scan(error)) => return Err(Box::new(not_yaml(file, text, parsed, &error))),
    };
    let mut end = parsed.len();
    if parsed.contains(OLD_BREAKS) {
        // To libyaml these characters begin a line, on which there may be more than the second parser reads.
        match Spots::read(&parsed.replace(OLD_BREAKS, "\n"), &mut Budget::default()) {
            Ok(Spots { block_text: Some(span), .. }) => return Err(Box::new(block_text(file, span))),
            Ok(_) => {}
            Err(Unread::Excess(excess)) => return Err(excess.diagnostic(file)),
            Err(Unread::Scan(error)) => end = end_after(parsed, &error),
        }
    }
    let meanings = meanings(&parsed[..end]).map_err(|error| Box::new(unreadable(file, text, &error)))?;
    joined(file, meanings, &spots).map(Some)
}

/// The diagnostic for a document that is only a block text.
fn block_text(file: usize, span: Span) -> DiagnosticBuilder {
    let message = "the document is not a mapping: it needs `apiVersion` and `kind`";
    DiagnosticBuilder::new(DiagnosticCode::NoHead, Location::new(file, span), message, HEAD_HELP)
}

/// The diagnostic for text that the second parser rejects with `error`: that of the first one, when it rejects it at
/// about the same place. It is given no more, because nothing bounds the rest.
fn not_yaml(file: usize, text: &str, parsed: &str, error: &ScanError) -> DiagnosticBuilder {
    let end = end_after(parsed, error);
    let Err(first) = meanings(&parsed[..end]) else { return refused(file, text, error) };
    let is_cut_off = first.location().is_some_and(|at| at.index() + 1 >= parsed[..end].chars().count());
    if end < parsed.len() && is_cut_off { refused(file, text, error) } else { unreadable(file, text, &first) }
}

/// The end of the part of `text` that the first parser is given when the second one stops with `error`.
fn end_after(text: &str, error: &ScanError) -> usize {
    let end = text.char_indices().nth(error.marker().index().saturating_add(MARGIN));
    end.map_or(text.len(), |(at, _)| at)
}

fn joined(file: usize, meanings: Vec<Meaning>, spots: &Spots) -> Result<Vec<Node>, Box<DiagnosticBuilder>> {
    if spots.roots.is_empty() && meanings.iter().all(|meaning| matches!(meaning, Meaning::Null)) {
        return Ok(Vec::new());
    }
    if meanings.len() != spots.roots.len() {
        let counts = format!("one reads {} documents, the other {}", meanings.len(), spots.roots.len());
        return Err(Box::new(disagreement(Location::start_of(file), &counts)));
    }
    let nodes = meanings.into_iter().zip(&spots.roots);
    let mut nodes =
        nodes.map(|(meaning, &root)| spots.join(file, meaning, root, None)).collect::<Result<Vec<_>, _>>()?;
    nodes.retain(|node| !matches!(node.kind, Kind::Null));
    Ok(nodes)
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

fn meanings(text: &str) -> Result<Vec<Meaning>, serde_yaml::Error> {
    let left = Cell::new(MAX_VALUES);
    serde_yaml::Deserializer::from_str(text)
        .map(|document| MeaningSeed(&left).deserialize(document))
        .collect()
}

struct MeaningSeed<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for MeaningSeed<'_> {
    type Value = Meaning;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Meaning, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.ok_or_else(|| serde::de::Error::custom(TOO_MANY_VALUES))?);
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
        Ok(Meaning::Text(restored(value).into_owned()))
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

impl Spots {
    fn join(
        &self,
        file: usize,
        meaning: Meaning,
        at: u32,
        alias: Option<Span>,
    ) -> Result<Node, Box<DiagnosticBuilder>> {
        let (span, spot) = self.get(at);
        let mut location = Location::new(file, *span);
        location.alias = alias;
        let kind = match (meaning, spot) {
            (Meaning::Null, Spot::Scalar { kind: ScalarKind::Null, .. }) => Kind::Null,
            (Meaning::Bool(value), Spot::Scalar { kind: ScalarKind::Bool, .. }) => Kind::Bool(value),
            (Meaning::Number, Spot::Scalar { kind: ScalarKind::Number, text }) => {
                Kind::Number(text.to_string())
            }
            (Meaning::Text(value), Spot::Scalar { kind: ScalarKind::Text, text }) if *value == **text => {
                Kind::Text(value)
            }
            (
                Meaning::Null | Meaning::Bool(_) | Meaning::Number | Meaning::Text(_),
                Spot::Scalar { text, .. },
            ) => Kind::Ambiguous(text.to_string()),
            (meaning, Spot::Alias(target)) => {
                return self.join(file, meaning, *target, alias.or(Some(*span)));
            }
            (Meaning::List(items), Spot::List(spots)) if items.len() == spots.len() => {
                let items = items.into_iter().zip(spots).map(|(item, &at)| self.join(file, item, at, alias));
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            (Meaning::Map(entries), Spot::Map(spots)) if entries.len() * 2 == spots.len() => {
                let entries = entries.into_iter().zip(spots.chunks_exact(2));
                let join = |((key, value), at): ((Meaning, Meaning), &[u32])| {
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
