//! The orders to release phone numbers: the items of `release`.

use std::collections::BTreeMap;

use super::{
    diagnostic_builder::Diagnostics,
    entry::MAX_REASON,
    fields::{Fields, list, phone, text, type_mismatch},
    location::Location,
    suggestions::RELEASE,
    times::time,
    yaml::{Kind, Node},
};
use crate::{PhoneNumber, ReleaseTerms};

/// An order as it was read.
pub(super) struct Order {
    pub(super) number: PhoneNumber,
    pub(super) location: Location,
    terms: ReleaseTerms,
}

/// Reads `release`.
pub(super) fn read(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> Vec<Order> {
    let mut orders = Vec::new();
    for node in fields.all("release") {
        for node in list(Some(node), "release", diagnostics) {
            orders.extend(order(node, diagnostics));
        }
    }
    orders
}

fn order(node: &Node, diagnostics: &mut Diagnostics<'_>) -> Vec<Order> {
    let what = "an item of `release`";
    // A list of numbers is `close.release` with a wrong indentation: numbers that may be lost, not an order to release them.
    if let Kind::Text(text) = &node.kind
        && text.parse::<PhoneNumber>().is_ok()
    {
        let help = format!(
            "write `number: \"{text}\"` to release the number; if it may be lost with the account, move it into `close.release`"
        );
        type_mismatch(node, what, "a mapping", &help, diagnostics);
        return Vec::new();
    }
    let Some(fields) = Fields::open(node, what, RELEASE, diagnostics) else { return Vec::new() };
    fields.require("number", what, "write `number: \"+15105550101\"`", diagnostics);
    let read = |node: &Node| Some((phone(node, "number", diagnostics)?, node.location));
    let numbers: Vec<_> = fields.all("number").filter_map(read).collect();
    let not_before = fields.get("notBefore").and_then(|node| time(node, "notBefore", diagnostics));
    let reason = fields.get("reason").and_then(|node| text(node, "reason", MAX_REASON, diagnostics));
    let terms = ReleaseTerms { not_before, reason: reason.map(str::to_owned) };
    numbers.into_iter().map(|(number, location)| Order { number, location, terms: terms.clone() }).collect()
}

/// The orders by number. Of two for one number, which is a fault, the first one stays.
pub(super) fn orders(read: Vec<Order>) -> BTreeMap<PhoneNumber, ReleaseTerms> {
    let mut orders = BTreeMap::new();
    for Order { number, terms, .. } in read {
        orders.entry(number).or_insert(terms);
    }
    orders
}
