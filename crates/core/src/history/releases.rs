//! The orders to release phone numbers: since when the state gives each of them, which number it means, and whether it is
//! settled. A settled order releases nothing, whatever is seen later: only another order begins anew.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{History, Write};
use crate::{AccountSid, NumberSid, PhoneNumber, Stamp, Target};

/// The orders of every account. Stored in JSON as one object of numbers for each account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Releases(BTreeMap<AccountSid, BTreeMap<PhoneNumber, ReleaseOrder>>);

/// The unbroken run of passes with the same order to release a number of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseOrder {
    /// The digest of its terms.
    pub terms: String,
    /// The time of the first pass of the run, by Twilio's clock; `None` while no clock was trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The SID of the number that it means: the one that the account held when it was first read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_sid: Option<NumberSid>,
    /// Its end; `None` while the account holds the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<SettledRelease>,
}

/// The end of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettledRelease {
    /// The time of the release, or of the first pass in which the account did not hold the number.
    pub at: Timestamp,
    /// True when the daemon released the number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_us: bool,
}

impl Releases {
    pub(super) fn is_none(this: &Arc<Self>) -> bool {
        this.0.is_empty()
    }

    fn get_mut(&mut self, account: AccountSid, number: PhoneNumber) -> Option<&mut ReleaseOrder> {
        self.0.get_mut(&account)?.get_mut(&number)
    }

    /// Begins an order. The same one again only gets its date.
    pub(super) fn order(
        &mut self,
        account: AccountSid,
        number: PhoneNumber,
        terms: String,
        since: Option<Timestamp>,
    ) {
        let orders = self.0.entry(account).or_default();
        if let Some(order) = orders.get_mut(&number).filter(|order| order.terms == terms) {
            order.since = since;
        } else {
            orders.insert(number, ReleaseOrder { terms, since, number_sid: None, settled: None });
        }
    }

    pub(super) fn withdraw(&mut self, account: AccountSid, number: PhoneNumber) {
        let Some(orders) = self.0.get_mut(&account) else { return };
        orders.remove(&number);
        if orders.is_empty() {
            self.0.remove(&account);
        }
    }

    pub(super) fn see(&mut self, account: AccountSid, number: PhoneNumber, sid: NumberSid) {
        if let Some(order) = self.get_mut(account, number) {
            order.number_sid.get_or_insert(sid);
        }
    }

    /// Settles an order whose account did not hold the number at `at`.
    pub(super) fn end(&mut self, account: AccountSid, number: PhoneNumber, at: Timestamp) {
        self.settle(account, number, SettledRelease { at, by_us: false });
    }

    fn settle(&mut self, account: AccountSid, number: PhoneNumber, end: SettledRelease) {
        if let Some(order) = self.get_mut(account, number) {
            order.settled.get_or_insert(end);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (AccountSid, PhoneNumber, &ReleaseOrder)> {
        self.0.iter().flat_map(|(account, orders)| {
            orders.iter().map(move |(number, order)| (*account, *number, order))
        })
    }
}

impl History {
    /// The order to release `number` of `account`.
    pub fn release_order(&self, account: AccountSid, number: PhoneNumber) -> Option<&ReleaseOrder> {
        self.releases.0.get(&account)?.get(&number)
    }

    /// Every order to release a number, settled or not.
    pub fn release_orders(&self) -> impl Iterator<Item = (AccountSid, PhoneNumber, &ReleaseOrder)> {
        self.releases.iter()
    }

    /// The orders that are not settled.
    pub fn open_release_orders(&self) -> impl Iterator<Item = (AccountSid, PhoneNumber, &ReleaseOrder)> {
        self.release_orders().filter(|(.., order)| order.settled.is_none())
    }

    pub(super) fn orders(&mut self) -> &mut Releases {
        Arc::make_mut(&mut self.releases)
    }

    /// Records that a release took effect: its order is settled, and its account holds the number no more.
    pub(super) fn released_number(&mut self, write: &Write, at: Stamp) {
        let (Some(account), &Target::Number(number)) = (write.account, &write.target) else { return };
        let end = SettledRelease { at: at.at, by_us: true };
        self.orders().settle(account, number, end);
        if self.numbers.owner(number.into()) == Some(account) {
            Arc::make_mut(&mut self.numbers).forget(number.into());
            self.missing.remove(&number.into());
        }
        self.last_applied.remove(&write.target);
        self.configured.remove(&number);
    }
}
