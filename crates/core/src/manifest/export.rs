//! The export: from an observation to the text of a state that describes it, so that its plan is empty.
//!
//! The text depends only on the fleet and the filter, in the order of SIDs and numbers: an unchanged fleet gives the same
//! text. Names come from outside; as comments and as values they stay on their line.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    emit::{
        ExportItem, ExportStatement, ExportedClaim, ExportedNumbers, UnclaimedNumbers, head, main_account,
        on_one_line,
    },
    entry::MAX_NAME,
    number_terms::is_valid,
};
use crate::{
    Account, AccountSid, Desired, LiveStatus, Number, NumberLocation, Observed, PhoneNumber, ResourceRef,
    ShownSettings, Status, folded,
};

/// The name of the file of the main account.
pub const MAIN_FILE: &str = "main.yaml";
const UNREAD: &str = "the number list could not be read";

/// The filter of an export: the accounts and facts that it contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportFilter {
    /// Selects accounts with one of these statuses.
    pub statuses: BTreeSet<Status>,
    /// Selects accounts whose friendly name begins with this prefix.
    pub name_prefix: String,
    /// Selects these accounts; all when empty.
    pub sids: BTreeSet<AccountSid>,
    /// True when numbers are claimed.
    pub numbers: bool,
    /// True when the settings of claimed numbers are written, as far as they can be shown.
    pub number_settings: bool,
    /// True when names are written as `friendlyName`, which holds the account when its name differs, not as comments.
    pub check_names: bool,
}

impl Default for ExportFilter {
    fn default() -> Self {
        Self {
            statuses: BTreeSet::from([Status::Active, Status::Suspended]),
            name_prefix: String::new(),
            sids: BTreeSet::new(),
            numbers: true,
            number_settings: false,
            check_names: false,
        }
    }
}

impl ExportFilter {
    /// The accounts of `observed` whose numbers must be read before the text can be written.
    pub fn lists(&self, observed: &Observed) -> BTreeSet<AccountSid> {
        observed
            .accounts()
            .filter(|account| self.asks_for_numbers_of(account))
            .map(|account| account.sid)
            .collect()
    }

    /// Returns true when the numbers of `account` are needed. A closed account has none.
    fn asks_for_numbers_of(&self, account: &Account) -> bool {
        let status = account.status.known().filter(|status| *status != Status::Closed);
        self.numbers && self.names(account) && status.is_some_and(|status| self.statuses.contains(&status))
    }

    fn names(&self, account: &Account) -> bool {
        (self.sids.is_empty() || self.sids.contains(&account.sid))
            && account.friendly_name.starts_with(&self.name_prefix)
    }
}

/// The selected part of a fleet, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Export {
    main: Option<(AccountSid, ExportedNumbers)>,
    items: Vec<ExportItem>,
    closed_left_out: usize,
}

/// The existing state, when the export contains only what that state lacks.
struct Listed<'a> {
    desired: &'a Desired,
    /// The names of entries without a SID, folded.
    names: BTreeSet<String>,
    /// Numbers that must not be claimed again, and the reasons.
    taken: BTreeMap<PhoneNumber, String>,
}

impl Export {
    /// The export of the part of `observed` that `filter` selects; with `listed`, without everything that this state
    /// already lists.
    pub fn new(observed: &Observed, filter: &ExportFilter, listed: Option<&Desired>) -> Self {
        let listed = listed.map(Listed::new);
        let chosen = |account: &&Account| filter.names(account);
        let is_closed = |account: &Account| account.status == LiveStatus::Known(Status::Closed);
        let leaves_closed = !filter.statuses.contains(&Status::Closed);
        let mut export = Self { main: None, items: Vec::new(), closed_left_out: 0 };
        if listed.is_none() {
            let numbers = observed.main_account().map(|main| holds(observed, filter, main, None));
            export.main = Some((observed.main(), numbers.unwrap_or_default()));
        }
        for account in observed.accounts().filter(chosen) {
            let (sid, name) = (account.sid, account.friendly_name.clone());
            let is_listed =
                |listed: &&Listed<'_>| sid == observed.main() || listed.desired.entry(sid).is_some();
            // An entry without a SID may mean it.
            let is_meant = |listed: &Listed<'_>| !is_listed(&listed) && listed.names.contains(&folded(&name));
            let what = if listed.as_ref().is_some_and(is_meant) {
                None
            } else if let Some(listed) = listed.as_ref().filter(is_listed) {
                unclaimed(observed, filter, account, listed)
            } else if sid == observed.main() {
                None
            } else {
                export.closed_left_out += usize::from(leaves_closed && is_closed(account));
                describe(observed, filter, account, listed.as_ref())
            };
            export.items.extend(what.map(|what| ExportItem { sid, name, what }));
        }
        export
    }

    /// The whole export as one file.
    pub fn whole(&self) -> String {
        let mut out = head(self.main.is_none());
        if let Some((sid, numbers)) = &self.main {
            main_account(&mut out, *sid, numbers);
        }
        let entries = self.entries().next().is_some();
        out.push_str(if entries { "subaccounts:\n" } else { "subaccounts: []\n" });
        for item in &self.items {
            item.write(&mut out);
        }
        out
    }

    /// A file for each account, by file name: `main.yaml`, which also lists what was skipped, and one for each entry.
    pub fn split(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        if let Some((sid, numbers)) = &self.main {
            let mut out = head(false);
            main_account(&mut out, *sid, numbers);
            for item in self.items.iter().filter(|item| !item.is_entry()) {
                item.write(&mut out);
            }
            files.insert(MAIN_FILE.to_owned(), out);
        }
        for item in self.entries() {
            let mut out = head(self.main.is_none());
            out.push_str("subaccounts:\n");
            item.write(&mut out);
            files.insert(format!("{}.yaml", item.sid), out);
        }
        files
    }

    /// The number of subaccounts that are written.
    pub fn accounts(&self) -> usize {
        self.entries().count()
    }

    /// The number of phone numbers that are claimed.
    pub fn numbers(&self) -> usize {
        self.holds().map(|(_, numbers)| numbers.claims.len()).sum()
    }

    /// The number of closed accounts that were skipped, because the filter does not select them.
    pub const fn closed_left_out(&self) -> usize {
        self.closed_left_out
    }

    /// The facts of the fleet that the text does not contain, as messages.
    pub fn left_out(&self) -> Vec<String> {
        let numbers = self.holds().flat_map(|(sid, holds)| {
            let numbers = holds
                .left_out
                .iter()
                .map(move |(number, why)| format!("{sid}: {}", UnclaimedNumbers(*number, why)));
            let settings = holds.claims.iter().flat_map(move |(number, claim)| {
                claim.skipped_settings().map(move |words| format!("{sid}: \"{number}\": {words}"))
            });
            numbers.chain(settings)
        });
        numbers.chain(self.items.iter().filter(|item| !item.is_entry()).map(ExportItem::remark)).collect()
    }

    fn entries(&self) -> impl Iterator<Item = &ExportItem> {
        self.items.iter().filter(|item| item.is_entry())
    }

    fn holds(&self) -> impl Iterator<Item = (AccountSid, &ExportedNumbers)> {
        let of_main = self.main.iter().map(|(sid, numbers)| (*sid, numbers));
        of_main.chain(self.items.iter().filter_map(|item| match &item.what {
            ExportStatement::Entry { numbers, .. } => Some((item.sid, numbers)),
            ExportStatement::Remark(_) | ExportStatement::Unclaimed(_) => None,
        }))
    }
}

impl<'a> Listed<'a> {
    fn new(desired: &'a Desired) -> Self {
        let released = desired.accounts().filter_map(|entry| Some((entry.sid, entry.close()?))).flat_map(
            |(sid, terms)| {
                terms
                    .release
                    .iter()
                    .map(move |number| (*number, format!("`close.release` of {sid} lists it")))
            },
        );
        let ordered = desired.releases();
        let ordered = ordered.map(|(sid, number, _)| (number, format!("`release` of {sid} lists it")));
        let claimed = desired.claimants().into_iter();
        let claimed = claimed.map(|(number, account)| (number, format!("{account} already claims it")));
        let names = desired.unpinned().map(|(name, _)| folded(name.as_str())).collect();
        Self { desired, names, taken: released.chain(ordered).chain(claimed).collect() }
    }
}

/// The statement about an account that is not listed yet; `None` when the filter does not select it.
fn describe(
    observed: &Observed,
    filter: &ExportFilter,
    account: &Account,
    listed: Option<&Listed<'_>>,
) -> Option<ExportStatement> {
    let status = match &account.status {
        LiveStatus::Known(status) => *status,
        LiveStatus::Unknown(word) => {
            let word = on_one_line(word);
            return Some(ExportStatement::Remark(format!("is skipped: unknown status \"{word}\" at Twilio")));
        }
    };
    if !filter.statuses.contains(&status) {
        return None;
    }
    let can_be_checked = (1..=MAX_NAME).contains(&account.friendly_name.chars().count());
    if status == Status::Closed && !can_be_checked {
        let why = format!(
            "is skipped: it is closed, and `close.confirm` needs a name of 1 to {MAX_NAME} characters"
        );
        return Some(ExportStatement::Remark(why));
    }
    let numbers = holds(observed, filter, account, listed);
    Some(ExportStatement::Entry { status, check_name: filter.check_names && can_be_checked, numbers })
}

/// The statement about the numbers of `account`.
fn holds(
    observed: &Observed,
    filter: &ExportFilter,
    account: &Account,
    listed: Option<&Listed<'_>>,
) -> ExportedNumbers {
    let mut holds = ExportedNumbers::default();
    if !filter.asks_for_numbers_of(account) {
        return holds;
    }
    let Some(numbers) = observed.numbers(account.sid) else {
        holds.left_out.insert(None, UNREAD.to_owned());
        return holds;
    };
    for number in numbers {
        let Some(phone) = number.phone else {
            let why = "its phone number is not in E.164, so no state can claim it".to_owned();
            holds.left_out.insert(Some(number.id()), why);
            continue;
        };
        let taken = || listed.and_then(|listed| listed.taken.get(&phone).cloned());
        let why = match observed.locate(phone) {
            NumberLocation::In(..) => taken(),
            NumberLocation::InTransit | NumberLocation::Nowhere => {
                Some("seen in two accounts at once: a transfer is in progress".to_owned())
            }
        };
        match why {
            Some(why) => drop(holds.left_out.insert(Some(phone.into()), why)),
            None => drop(holds.claims.insert(phone, claim(number, filter))),
        }
    }
    holds
}

/// The claim of `number`.
fn claim(number: &Number, filter: &ExportFilter) -> ExportedClaim {
    let shown = number.settings.as_deref().filter(|_| filter.number_settings);
    let mut claim = ExportedClaim { note: resources(number), settings: Vec::new(), skipped: Vec::new() };
    for (setting, value) in shown.into_iter().flat_map(ShownSettings::iter) {
        if value.text().is_empty() {
            continue;
        }
        if value.is_whole() && is_valid(setting, value.text()) {
            claim.settings.push((setting, value.text().to_owned()));
        } else {
            claim.skipped.push(setting);
        }
    }
    claim
}

/// The comment on the resources that a transfer of `number` needs; empty when it needs none.
const fn resources(number: &Number) -> &'static str {
    match (number.needs_address, number.resource_refs.contains(ResourceRef::Bundle)) {
        (true, true) => " # a transfer needs an addressSid and a bundleSid",
        (true, false) => " # a transfer needs an addressSid",
        (false, true) => " # a transfer needs a bundleSid",
        (false, false) => "",
    }
}

/// The numbers of a listed account that the state does not claim.
fn unclaimed(
    observed: &Observed,
    filter: &ExportFilter,
    account: &Account,
    listed: &Listed<'_>,
) -> Option<ExportStatement> {
    if !filter.asks_for_numbers_of(account) {
        return None;
    }
    let Some(numbers) = observed.numbers(account.sid) else {
        return Some(ExportStatement::Remark(format!("is listed, but its numbers are unknown: {UNREAD}")));
    };
    let numbers = numbers.iter().filter_map(|number| number.phone);
    let numbers: BTreeSet<_> = numbers.filter(|number| !listed.taken.contains_key(number)).collect();
    (!numbers.is_empty()).then_some(ExportStatement::Unclaimed(numbers))
}
