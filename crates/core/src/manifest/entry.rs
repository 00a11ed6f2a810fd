//! The entries of a document: subaccounts, the main account, and the numbers they claim.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    code::DiagnosticCode,
    diagnostic_builder::{Diagnostics, shown},
    fields::{Fields, flag, list, malformed, paused, phone, sid, text, type_mismatch, word},
    hidden,
    location::Location,
    number_terms,
    pin::UnpinnedPlace,
    releases::{self, Order},
    suggestions::{self, CLOSE, MAIN_ACCOUNT, NUMBER, SUBACCOUNT},
    times::time,
    yaml::{Kind, Node},
};
use crate::{
    AccountSid, ClaimDetails, FriendlyName, NotKept, NumberSettings, PhoneNumber, Status,
    claim::{NumberDefaults, OwnDetails},
    desired::{CloseTerms, DesiredStatus, Doubt, Unpinned},
    friendly_name::kept_form,
};

/// The most characters of a friendly name; Twilio accepts up to 64 (OpenAPI, `friendly_name`).
pub(super) const MAX_NAME: usize = 64;
pub(super) const MAX_REASON: usize = 1024;
const MAX_LABELS: usize = 64;
const MAX_LABEL: usize = 256;

const SID_OR_NAME_HELP: &str = "copy the SID from the Twilio Console: AC and 32 hexadecimal digits; for an account that is to be created, write `friendlyName`";
const SID_HELP: &str = "copy the SID from the Twilio Console: AC and 32 hexadecimal digits";
const CLOSE_HELP: &str = "add `close:` with `confirm:` and the account's friendly name at Twilio";

/// A claim as it was read: the phone number, its location, and its own terms.
pub(super) type Claim = (PhoneNumber, Location, OwnDetails);

/// A subaccount as it was read. The readable parts of a faulty entry still guard.
pub(super) struct ReadAccount {
    pub(super) sid: Option<(AccountSid, Location)>,
    /// The further values of `sid`, when that key is a duplicate.
    pub(super) other_sids: Vec<AccountSid>,
    /// The friendly name of the entry.
    pub(super) name: Option<(String, Location)>,
    /// The name of an entry without a SID, when it is a valid one, and the place for the SID.
    pub(super) unpinned: Option<(FriendlyName, UnpinnedPlace)>,
    pub(super) claims: Vec<Claim>,
    /// The numbers in `close.release`.
    pub(super) releases: Vec<(PhoneNumber, Location)>,
    /// The orders in `release`.
    pub(super) orders: Vec<Order>,
    /// The entry without its SID and its numbers; `None` when it is faulty.
    pub(super) entry: Option<Unpinned>,
    /// The parts of the state that are in doubt when the entry counts as absent.
    pub(super) doubt: Doubt,
}

/// A `mainAccount` as it was read.
pub(super) struct ReadMain {
    pub(super) location: Location,
    pub(super) sid: Option<AccountSid>,
    pub(super) claims: Vec<Claim>,
    pub(super) number_defaults: NumberDefaults,
    pub(super) lift_suspensions_before: Option<Timestamp>,
    /// The orders in `release`.
    pub(super) orders: Vec<Order>,
    pub(super) faulty: bool,
    /// The most claims that it may contain.
    pub(super) most_claims: usize,
}

/// Reads one item of `subaccounts`.
pub(super) fn account(node: &Node, diagnostics: &mut Diagnostics<'_>) -> ReadAccount {
    let before = diagnostics.count();
    let what = "a subaccount";
    let Some(fields) = Fields::open(node, what, SUBACCOUNT, diagnostics) else {
        if matches!(node.kind, Kind::List(_)) {
            diagnostics.hide(node.location);
        }
        return ReadAccount {
            sid: None,
            other_sids: Vec::new(),
            name: None,
            unpinned: None,
            claims: Vec::new(),
            releases: Vec::new(),
            orders: Vec::new(),
            entry: None,
            doubt: Doubt { entries: 1, claims: 0, moves: false, unnamed: true },
        };
    };
    let names: Vec<_> = fields.all("friendlyName").collect();
    let has_sid = fields.get("sid").is_some() || fields.is_mistaken("sid") || names.is_empty();
    if has_sid {
        fields.require("sid", what, SID_OR_NAME_HELP, diagnostics);
    }
    let mut sids =
        fields.all("sid").filter_map(|node| Some((account_sid(node, diagnostics)?, node.location)));
    let sid = sids.next();
    let other_sids: Vec<_> = sids.map(|(sid, _)| sid).collect();
    let friendly_name =
        fields.get("friendlyName").and_then(|node| text(node, "friendlyName", MAX_NAME, diagnostics));
    let name = friendly_name.zip(names.first()).map(|(name, node)| (name.to_owned(), node.location));
    let unpinned = if has_sid { None } else { unpinned(node, &fields, name.as_ref(), diagnostics) };
    let number_defaults = number_terms::defaults(&fields, diagnostics);
    let claims = claims(&fields, &number_defaults.settings, diagnostics);
    let orders = releases::read(&fields, diagnostics);
    let (terms, releases) = closes(&fields, diagnostics);
    let goal = goal(&fields, terms, diagnostics);
    let end_calls = end_calls(&fields, goal.as_ref(), diagnostics);
    let is_paused = paused(&fields, diagnostics);
    let urgent = flag(fields.get("urgent"), "urgent", diagnostics);
    let lift_suspensions_before = lift(&fields, diagnostics);
    let reason = fields.get("reason").and_then(|node| text(node, "reason", MAX_REASON, diagnostics));
    let labels = labels(fields.get("labels"), diagnostics);
    let known = sid.is_some() || unpinned.is_some();
    let entry = goal.filter(|_| known && diagnostics.count() == before).map(|goal| Unpinned {
        sid: (),
        friendly_name: friendly_name.map(str::to_owned),
        desired_status: goal,
        end_calls: end_calls.unwrap_or_default(),
        urgent: urgent.unwrap_or_default(),
        numbers: BTreeMap::new(),
        number_defaults,
        release: BTreeMap::new(),
        paused: is_paused,
        lift_suspensions_before,
        reason: reason.map(str::to_owned),
        labels,
    });
    let doubt = match &entry {
        Some(entry) => Doubt {
            entries: 1,
            claims: claims.len(),
            moves: entry.close().is_some_and(|terms| terms.move_numbers_to_main),
            unnamed: false,
        },
        None => doubt(node, &fields, usize::from(sid.is_some()) + other_sids.len()),
    };
    ReadAccount { sid, other_sids, name, unpinned, claims, releases, orders, entry, doubt }
}

/// The terms of the first `close` that could be read, and the numbers that any of them releases.
fn closes(
    fields: &Fields<'_>,
    diagnostics: &mut Diagnostics<'_>,
) -> (Option<CloseTerms>, Vec<(PhoneNumber, Location)>) {
    let (mut terms, mut releases) = (None, Vec::new());
    for node in fields.all("close") {
        let (read, its_releases) = close(node, diagnostics);
        terms = terms.or(read);
        releases.extend(its_releases);
    }
    (terms, releases)
}

/// The name of `node`, an entry without a SID, and the place for the SID.
fn unpinned(
    node: &Node,
    fields: &Fields<'_>,
    name: Option<&(String, Location)>,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<(FriendlyName, UnpinnedPlace)> {
    if fields.get("status").is_some_and(|node| is_word(node, Status::Closed.as_str())) {
        diagnostics.add(
            DiagnosticCode::ClosedWithoutSid,
            fields.place_of("status"),
            "`status: closed` without `sid`: a friendly name alone closes no account",
            "add the `sid` of the account: `subaccountd pin` writes it for an account that subaccountd created",
        );
    }
    let name = kept_name(name?, diagnostics)?;
    Some((name, UnpinnedPlace { key: fields.place_of("friendlyName"), entry: node.location }))
}

/// The name of an entry without a SID, which must be one that Twilio keeps as it is written.
fn kept_name(
    (text, location): &(String, Location),
    diagnostics: &mut Diagnostics<'_>,
) -> Option<FriendlyName> {
    FriendlyName::new(text)
        .map_err(|why| {
            let code = match why {
                NotKept::Blank(_) => DiagnosticCode::BlankInName,
                NotKept::Invisible(_) => DiagnosticCode::InvisibleInName,
                NotKept::Decomposed => DiagnosticCode::NameNotComposed,
            };
            let meant = kept_form(text);
            let help = if meant.is_empty() {
                "write a name with visible characters".to_owned()
            } else {
                format!("write `friendlyName: {meant:?}`, or add the `sid` of an account that has this name")
            };
            let message = format!("`friendlyName` without `sid` cannot identify an account: {why}");
            diagnostics.add(code, *location, message, help);
        })
        .ok()
}

fn is_word(node: &Node, word: &str) -> bool {
    matches!(&node.kind, Kind::Text(text) if text == word)
}

/// The parts of the state that are in doubt while the faulty entry `node` counts as absent; `sids` of its SIDs
/// could be read. A duplicate key may mean that two entries were merged by mistake.
fn doubt(node: &Node, fields: &Fields<'_>, sids: usize) -> Doubt {
    let entries = fields.most(SUBACCOUNT).max(1);
    Doubt { entries, claims: hidden::claims(node), moves: hidden::may_move(node), unnamed: sids < entries }
}

fn account_sid(node: &Node, diagnostics: &mut Diagnostics<'_>) -> Option<AccountSid> {
    sid(node, "sid", AccountSid::PREFIX, SID_HELP, diagnostics)
}

/// Reads a `mainAccount`, whose key is at `location`.
pub(super) fn main_account(node: &Node, location: Location, diagnostics: &mut Diagnostics<'_>) -> ReadMain {
    let before = diagnostics.count();
    let what = "`mainAccount`";
    let Some(fields) = Fields::open(node, what, MAIN_ACCOUNT, diagnostics) else {
        return ReadMain {
            location,
            sid: None,
            claims: Vec::new(),
            number_defaults: NumberDefaults::default(),
            lift_suspensions_before: None,
            orders: Vec::new(),
            faulty: true,
            most_claims: 0,
        };
    };
    fields.require("sid", what, SID_HELP, diagnostics);
    let sids: Vec<_> = fields.all("sid").map(|node| account_sid(node, diagnostics)).collect();
    let sid = if let [sid] = sids[..] { sid } else { None };
    let number_defaults = number_terms::defaults(&fields, diagnostics);
    let claims = claims(&fields, &number_defaults.settings, diagnostics);
    let lift_suspensions_before = lift(&fields, diagnostics);
    let orders = releases::read(&fields, diagnostics);
    let faulty = diagnostics.count() > before;
    let most_claims = if faulty { hidden::claims(node) } else { claims.len() };
    ReadMain { location, sid, claims, number_defaults, lift_suspensions_before, orders, faulty, most_claims }
}

fn lift(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> Option<Timestamp> {
    let node = fields.get("liftSuspensionsBefore")?;
    time(node, "liftSuspensionsBefore", diagnostics)
}

fn goal(
    fields: &Fields<'_>,
    terms: Option<CloseTerms>,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<DesiredStatus> {
    let help = "write `active`, `suspended` or `closed`";
    let node = fields.require("status", "a subaccount", help, diagnostics)?;
    let word = word(node, "status", help, diagnostics)?;
    let Some(status) = Status::from_word(word) else {
        let meant = suggestions::near(word, &Status::ALL.map(Status::as_str));
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if word.eq_ignore_ascii_case("paused") => {
                "write `paused: true` to stop all changes to the account, or `status: suspended` to suspend it"
                    .to_owned()
            }
            None => help.to_owned(),
        };
        let message = format!("`{}` is not a valid status", shown(word));
        malformed(node, ("status", word), (DiagnosticCode::UnknownStatus, message), &help, diagnostics)
            .with_suggestion(meant.filter(|meant| *meant != Status::Closed.as_str()));
        return None;
    };
    let has_close = fields.get("close").is_some();
    if has_close && status != Status::Closed {
        let message = format!("`close` is set, but `status` is {status}");
        let help = "remove `close`, or write `status: closed`";
        diagnostics
            .add(DiagnosticCode::CloseWithoutClosed, fields.place_of("close"), message, help)
            .with_related(node.location, "status set here");
    }
    match status {
        Status::Active => Some(DesiredStatus::Active),
        Status::Suspended => Some(DesiredStatus::Suspended),
        Status::Closed => {
            if !has_close {
                diagnostics.add(
                    DiagnosticCode::ClosedWithoutClose,
                    node.location,
                    "`status: closed` without `close`: confirmation required",
                    CLOSE_HELP,
                );
            }
            if let Some(Kind::List(numbers)) = fields.get("numbers").map(|node| &node.kind)
                && !numbers.is_empty()
            {
                let help = "claim the numbers under another account, or list them in `close.release` to release them with the account";
                let message = "`numbers` is set, but `status` is closed";
                diagnostics
                    .add(DiagnosticCode::NumbersOfClosed, fields.place_of("numbers"), message, help)
                    .with_related(node.location, "status set here");
            }
            terms.map(|terms| DesiredStatus::Closed(Box::new(terms)))
        }
    }
}

/// Reads `endCalls`, which needs an account that is suspended at some time.
fn end_calls(
    fields: &Fields<'_>,
    goal: Option<&DesiredStatus>,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<bool> {
    let end_calls = flag(fields.get("endCalls"), "endCalls", diagnostics)?;
    if end_calls && goal == Some(&DesiredStatus::Active) {
        let status = fields.get("status").map(|node| node.location);
        let added = diagnostics.add(
            DiagnosticCode::EndCallsOfActive,
            fields.place_of("endCalls"),
            "`endCalls` is set, but `status` is active",
            "remove `endCalls`, or write `status: suspended`",
        );
        if let Some(status) = status {
            added.with_related(status, "status set here");
        }
    }
    Some(end_calls)
}

fn close(
    node: &Node,
    diagnostics: &mut Diagnostics<'_>,
) -> (Option<CloseTerms>, Vec<(PhoneNumber, Location)>) {
    let Some(fields) = Fields::open(node, "`close`", CLOSE, diagnostics) else { return (None, Vec::new()) };
    let help = "write the account's friendly name at Twilio";
    let confirm = fields.require("confirm", "`close`", help, diagnostics);
    let confirm = confirm.and_then(|node| text(node, "confirm", MAX_NAME, diagnostics));
    let not_before = fields.get("notBefore").and_then(|node| time(node, "notBefore", diagnostics));
    let move_numbers_to_main = flag(fields.get("moveNumbersToMain"), "moveNumbersToMain", diagnostics);
    let releases: Vec<_> = list(fields.get("release"), "release", diagnostics)
        .iter()
        .filter_map(|node| Some((phone(node, "release", diagnostics)?, node.location)))
        .collect();
    let terms = confirm.zip(move_numbers_to_main).map(|(confirm, move_numbers_to_main)| CloseTerms {
        confirm: confirm.to_owned(),
        not_before,
        move_numbers_to_main,
        release: BTreeSet::new(),
    });
    (terms, releases)
}

fn claims(fields: &Fields<'_>, defaults: &NumberSettings, diagnostics: &mut Diagnostics<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for node in fields.all("numbers") {
        for node in list(Some(node), "numbers", diagnostics) {
            claims.extend(claim(node, defaults, diagnostics));
        }
    }
    claims
}

fn claim(node: &Node, defaults: &NumberSettings, diagnostics: &mut Diagnostics<'_>) -> Vec<Claim> {
    if !matches!(node.kind, Kind::Map(_)) {
        let number = phone(node, "numbers", diagnostics);
        return number.map(|number| (number, node.location, None)).into_iter().collect();
    }
    let what = "a phone number";
    let Some(fields) = Fields::open(node, what, NUMBER, diagnostics) else { return Vec::new() };
    fields.require("number", what, "write `number: \"+15105550101\"`", diagnostics);
    let read = |node: &Node| Some((phone(node, "number", diagnostics)?, node.location));
    let numbers: Vec<_> = fields.all("number").filter_map(read).collect();
    let resources = number_terms::resources(&fields, diagnostics);
    let settings = number_terms::settings(&fields, diagnostics);
    settings.check(defaults, diagnostics);
    let details = ClaimDetails { resources, settings: settings.settings };
    // The long form without terms means the same as the short form.
    let details = (details != ClaimDetails::default()).then(|| Box::new(details));
    numbers.into_iter().map(|(number, location)| (number, location, details.clone())).collect()
}

/// Keys of the document that guard accounts or contain entries.
const GUARDS: [&str; 3] = ["paused", "mainAccount", "subaccounts"];

fn labels(node: Option<&Node>, diagnostics: &mut Diagnostics<'_>) -> BTreeMap<String, String> {
    let Some(node) = node else { return BTreeMap::new() };
    let Kind::Map(entries) = &node.kind else {
        type_mismatch(node, "`labels`", "a mapping", "write `labels: {owner: billing}`", diagnostics);
        return BTreeMap::new();
    };
    if entries.len() > MAX_LABELS {
        diagnostics.add(
            DiagnosticCode::ManyLabels,
            node.location,
            format!("`labels` has more than {MAX_LABELS} entries"),
            "remove labels, or move them under a key that starts with `x-`",
        );
    }
    let mut labels = BTreeMap::new();
    let mut firsts: BTreeMap<&str, Location> = BTreeMap::new();
    for (key, value) in entries {
        let word = text(key, "labels", MAX_LABEL, diagnostics);
        let name = word.map_or_else(|| "labels".to_owned(), |word| format!("labels.{}", shown(word)));
        let Some((word, text)) = word.zip(text(value, &name, MAX_LABEL, diagnostics)) else {
            // For example, `paused: true` with the indentation of a label.
            if word.is_some_and(|word| GUARDS.contains(&word)) {
                diagnostics.hide(key.location);
            }
            continue;
        };
        labels.insert(word.to_owned(), text.to_owned());
        if let Some(first) = firsts.insert(word, key.location) {
            let message = format!("duplicate label `{}`", shown(word));
            diagnostics
                .add(DiagnosticCode::DuplicateKey, key.location, message, "keep one of the two")
                .with_related(first, "first defined here");
        }
    }
    labels
}
