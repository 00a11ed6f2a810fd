//! The rows of a page, each read separately: an unreadable row does not affect the others.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use subaccountd_core::remote::UnreadableRow;

use crate::response_body::ResponseBody;

/// The rows of a page.
#[derive(Debug)]
pub(crate) struct Rows<R>(pub(crate) Vec<Result<R, BadRow>>);

/// A row that cannot be read. Contains nothing of it except its SID.
#[derive(Debug)]
pub(crate) struct BadRow {
    /// The value of its `sid`, when that is a string.
    sid: Option<String>,
    /// The error of the row.
    pub(crate) why: String,
}

impl From<BadRow> for UnreadableRow {
    fn from(row: BadRow) -> Self {
        Self { sid: row.sid.and_then(|sid| sid.parse().ok()), why: row.why }
    }
}

impl<'de, R: ResponseBody> Deserialize<'de> for Rows<R> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Each(PhantomData)).map(Self)
    }
}

/// Reads the rows one by one, so that only one is kept as text.
struct Each<R>(PhantomData<R>);

impl<'de, R: ResponseBody> Visitor<'de> for Each<R> {
    type Value = Vec<Result<R, BadRow>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(text) = from.next_element::<Box<RawValue>>()? {
            rows.push(read(text.get()));
        }
        Ok(rows)
    }
}

fn read<R: ResponseBody>(text: &str) -> Result<R, BadRow> {
    let other = || format!("a row of the list is not {}", R::EXPECTED);
    // serde would read an array as the fields in their declared order.
    if !text.starts_with('{') {
        return Err(BadRow { sid: None, why: other() });
    }
    serde_json::from_str(text).map_err(|error| {
        let sid = sid(text);
        let broken = || format!("a row of the list is not valid JSON, expected {}", R::EXPECTED);
        BadRow { sid, why: if error.is_data() { other() } else { broken() } }
    })
}

/// The SID of a row, whatever its other fields contain.
fn sid(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Sid {
        sid: String,
    }
    serde_json::from_str(text).ok().map(|Sid { sid }| sid)
}
