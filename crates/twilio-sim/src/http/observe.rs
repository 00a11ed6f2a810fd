//! Observers: of writes, at each of their moments with the world of that moment, and of lists as they are sent.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    http::{
        answer::{Answer, Content},
        inbound::Inbound,
        operation::Operation,
    },
    world::World,
};

/// A moment of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The write arrived; faults may still stop it.
    Arrived,
    /// Faults act on the write.
    Struck,
    /// The write is about to be performed.
    Begins,
    /// The write was performed, or refused by the rules.
    Ended {
        /// True when the rules allowed it.
        done: bool,
    },
    /// The write is answered; never when its connection is reset.
    Answered {
        /// The HTTP status.
        status: u16,
    },
}

/// A write, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteSeen {
    /// The `Twilio-Request-Id` of its answer.
    pub request_id: String,
    /// The moment.
    pub moment: Moment,
    /// The operation, if the path and method name one.
    pub operation: Option<Operation>,
    /// The account that the path names.
    pub account: Option<String>,
    /// The SID of the number that the path names.
    pub number: Option<String>,
    /// The SID of the call that the path names.
    pub call: Option<String>,
    /// The parameters of the form, in order.
    pub form: Vec<(String, String)>,
}

impl WriteSeen {
    /// The value of a form parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn of(inbound: &Inbound, moment: Moment) -> Self {
        Self {
            request_id: inbound.request_id.clone(),
            moment,
            operation: inbound.operation,
            account: inbound.account().map(str::to_owned),
            number: inbound.resource.as_ref().and_then(|named| named.number()).map(str::to_owned),
            call: inbound.resource.as_ref().and_then(|named| named.call()).map(str::to_owned),
            form: inbound.form.to_vec(),
        }
    }
}

type Observe = dyn Fn(&WriteSeen, &World) + Send + Sync;

/// The function that sees writes. It is called with the world locked.
#[derive(Clone)]
pub(crate) struct Observer(Arc<Observe>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&WriteSeen, &World) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    pub(crate) fn see(&self, inbound: &Inbound, moment: Moment, world: &World) {
        if inbound.is_write() {
            (self.0)(&WriteSeen::of(inbound, moment), world);
        }
    }
}

/// A page of the number list of an account as it is sent, after all faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumbersSeen {
    /// The account.
    pub account: String,
    /// The phone numbers that it shows, or the SIDs of numbers that have none.
    pub phone_numbers: Vec<String>,
    /// True when no page follows.
    pub is_last: bool,
}

impl NumbersSeen {
    /// The page that `answer` shows; none when it is no page of numbers.
    fn of(inbound: &Inbound, answer: &Answer) -> Option<Self> {
        let account = inbound.account().filter(|_| inbound.operation == Some(Operation::ListNumbers))?;
        let Content::Json(page) = &answer.content else { return None };
        let rows = page.get("incoming_phone_numbers")?.as_array()?;
        let phone_number = |row: &Value| {
            let name =
                row.get("phone_number").and_then(Value::as_str).or_else(|| row.get("sid")?.as_str())?;
            Some(name.to_owned())
        };
        Some(Self {
            account: account.to_owned(),
            phone_numbers: rows.iter().filter_map(phone_number).collect(),
            is_last: page.get("next_page_uri").is_none_or(Value::is_null),
        })
    }
}

/// A page of the account list as it is sent, after all faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountsSeen {
    /// Its rows; one without a SID is left out.
    pub rows: Vec<AccountRow>,
    /// True when it is the first page.
    pub is_first: bool,
    /// True when no page follows.
    pub is_last: bool,
}

/// A row of the account list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// The SID.
    pub sid: String,
    /// The friendly name; none when it is no text.
    pub friendly_name: Option<String>,
    /// Twilio's value of the status; none when it is no text.
    pub status: Option<String>,
}

impl AccountsSeen {
    /// The page that `answer` shows; none when it is no page of accounts.
    fn of(inbound: &Inbound, answer: &Answer) -> Option<Self> {
        let Content::Json(page) = &answer.content else { return None };
        if inbound.operation != Some(Operation::ListAccounts) {
            return None;
        }
        let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
        let row = |row: &Value| {
            let (friendly_name, status) = (text(row, "friendly_name"), text(row, "status"));
            Some(AccountRow { sid: text(row, "sid")?, friendly_name, status })
        };
        let rows = page.get("accounts")?.as_array()?.iter().filter_map(row).collect();
        let is_first = page.get("page").and_then(Value::as_u64) == Some(0);
        Some(Self { rows, is_first, is_last: page.get("next_page_uri").is_none_or(Value::is_null) })
    }
}

type See<T> = dyn Fn(&T) + Send + Sync;

/// The functions that see lists.
#[derive(Clone, Default)]
pub(crate) struct ListObservers {
    numbers: Option<Arc<See<NumbersSeen>>>,
    accounts: Option<Arc<See<AccountsSeen>>>,
}

impl ListObservers {
    pub(crate) fn observe_numbers(&mut self, observe: impl Fn(&NumbersSeen) + Send + Sync + 'static) {
        self.numbers = Some(Arc::new(observe));
    }

    pub(crate) fn observe_accounts(&mut self, observe: impl Fn(&AccountsSeen) + Send + Sync + 'static) {
        self.accounts = Some(Arc::new(observe));
    }

    pub(crate) fn see(&self, inbound: &Inbound, answer: &Answer) {
        if let Some(observe) = &self.numbers
            && let Some(seen) = NumbersSeen::of(inbound, answer)
        {
            observe(&seen);
        }
        if let Some(observe) = &self.accounts
            && let Some(seen) = AccountsSeen::of(inbound, answer)
        {
            observe(&seen);
        }
    }
}
