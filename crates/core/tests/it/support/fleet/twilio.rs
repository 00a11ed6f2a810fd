//! Twilio: what its lists show, what a write does, and what other people do.

use subaccountd_core::{
    Account, AccountSid, Action, Call, CallDirection, CallStatus, LiveStatus, Number, NumberSetting,
    NumberSettings, NumberSid, Outcome, Receipt, ShownSettings, Skip, SkipCause, Status,
    remote::{AccountList, Apply, ErrorKind, RemoteError, Sent, WriteSlot},
    subscriber,
};
use twilio_sim::{AccountStatus, SuspendedNumbers, TransferResources};

use super::{
    super::{
        crew::error,
        scene::{ignored, refused, unknown},
    },
    Fleet, LATE, People, Trouble, main_sid,
};

fn status(word: AccountStatus) -> LiveStatus {
    LiveStatus::Known(Status::from_word(word.as_str()).unwrap())
}

fn show(shown: AccountStatus, account: &twilio_sim::Account) -> Account {
    Account {
        sid: account.sid.as_str().parse().unwrap(),
        owner: Some(main_sid()),
        friendly_name: account.friendly_name.clone(),
        status: status(shown),
        date_created: Some(account.date_created),
        date_updated: Some(account.date_updated),
    }
}

fn show_number(number: &twilio_sim::Number) -> Number {
    let mut settings = ShownSettings::default();
    for setting in NumberSetting::ALL {
        settings.insert(setting, &shown_setting(number, setting));
    }
    let urls = [NumberSetting::VoiceUrl, NumberSetting::SmsUrl];
    let is_set = |setting: &NumberSetting| !shown_setting(number, *setting).is_empty();
    Number {
        urls: urls.into_iter().filter(is_set).collect(),
        settings: Some(Box::new(settings)),
        ..Number::new(number.sid.as_str().parse().unwrap(), number.phone_number.parse().ok())
    }
}

/// The value of a setting as Twilio shows it.
pub(crate) fn shown_setting(number: &twilio_sim::Number, setting: NumberSetting) -> String {
    if setting == NumberSetting::FriendlyName {
        return number.friendly_name.clone();
    }
    let default = if setting.default_value() == Some("POST") { "POST" } else { "" };
    number.settings.get(&param(setting)).unwrap_or(default).to_owned()
}

/// Twilio's name of a setting.
fn param(setting: NumberSetting) -> String {
    let key = setting.as_str();
    key[..1].to_ascii_uppercase() + &key[1..]
}

/// Changes settings of a number, as a request with these values does.
pub(super) fn configure(number: &mut twilio_sim::Number, settings: &NumberSettings) {
    for (setting, value) in settings.values() {
        if setting == NumberSetting::FriendlyName {
            value.clone_into(&mut number.friendly_name);
        } else {
            number.settings.set(&param(setting), value).unwrap();
        }
    }
}

fn show_call(call: &twilio_sim::Call) -> Option<Call> {
    Some(Call {
        sid: call.sid.as_str().parse().unwrap(),
        parent: call.parent_call_sid.as_ref().map(|sid| sid.as_str().parse().unwrap()),
        status: CallStatus::ALL.into_iter().find(|status| status.as_str() == call.status.as_str())?,
        direction: CallDirection::Outbound,
        from: subscriber(&call.from),
        to: subscriber(&call.to),
    })
}

/// Lists lag by the switches of the world; single reads are current.
impl Fleet {
    pub(super) fn accounts(&self) -> Result<AccountList, RemoteError> {
        if self.next_trouble() == Trouble::Before {
            return Err(error(ErrorKind::Unreadable, "503"));
        }
        let world = self.world.lock().unwrap();
        let listed = world.listed_accounts(self.now);
        let accounts = listed.iter().map(|account| show(account.status, account)).collect();
        let date = (!self.no_date).then(|| self.twilio_date());
        Ok(AccountList { accounts, date, ..AccountList::default() })
    }

    pub(super) fn account(&self, sid: AccountSid) -> Account {
        let world = self.world.lock().unwrap();
        let account = world.account(&sid.to_string()).unwrap();
        show(world.status(&account.sid).unwrap(), account)
    }

    pub(super) fn numbers(&self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        let world = self.world.lock().unwrap();
        let owner = owner.to_string();
        if world.listed_status(&owner, self.now) == Some(AccountStatus::Suspended) {
            match world.switches().suspended_numbers {
                SuspendedNumbers::Rows => {}
                SuspendedNumbers::Empty => return Ok(Vec::new()),
                SuspendedNumbers::Unauthorized | SuspendedNumbers::Forbidden => {
                    return Err(error(ErrorKind::Unreadable, "401"));
                }
            }
        }
        Ok(world.listed_numbers_of(&owner, self.now).iter().map(show_number).collect())
    }

    /// The calls of an account that have not ended.
    pub(super) fn calls(&self, owner: AccountSid) -> Vec<Call> {
        let world = self.world.lock().unwrap();
        world.listed_calls_of(&owner.to_string(), self.now).into_iter().filter_map(show_call).collect()
    }

    pub(super) fn number(&self, owner: AccountSid, sid: NumberSid) -> Option<Number> {
        let world = self.world.lock().unwrap();
        let number = world.number(&sid.to_string()).filter(|number| *number.owner == *owner.to_string());
        number.map(show_number)
    }
}

pub(crate) struct Place<'a>(&'a Fleet);

impl WriteSlot for Place<'_> {
    async fn account(&mut self, sid: AccountSid) -> Result<Account, RemoteError> {
        if self.0.next_trouble() == Trouble::Before {
            return Err(error(ErrorKind::Unreadable, "503"));
        }
        Ok(self.0.account(sid))
    }

    async fn numbers(&mut self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        if self.0.next_trouble() == Trouble::Before {
            return Err(error(ErrorKind::Unreadable, "503"));
        }
        self.0.numbers(owner).inspect(|listed| self.0.was_shown(owner, listed))
    }

    async fn number(&mut self, owner: AccountSid, number: NumberSid) -> Result<Option<Number>, RemoteError> {
        if self.0.next_trouble() == Trouble::Before {
            return Err(error(ErrorKind::Unreadable, "503"));
        }
        Ok(self.0.number(owner, number))
    }

    async fn send(&mut self, action: &Action) -> Sent {
        self.0.send(action).into()
    }
}

impl Apply for Fleet {
    type Place<'a> = Place<'a>;

    async fn place(&self) -> Result<Place<'_>, Skip> {
        let mut edit = self.edit.lock().unwrap();
        if let Some((places, desired)) = edit.take() {
            if places == 0 {
                *self.edited.lock().unwrap() = Some(desired);
            } else {
                *edit = Some((places - 1, desired));
            }
        }
        Ok(Place(self))
    }
}

impl Fleet {
    pub(super) fn send(&self, action: &Action) -> Outcome {
        if self.death.lock().unwrap().dead {
            return unknown();
        }
        self.check_wanted(action);
        if *self.loses_writes.lock().unwrap() {
            return unknown();
        }
        let mut trouble = self.next_trouble();
        if matches!(
            (trouble, action),
            (Trouble::Late, Action::Close(_) | Action::EndCalls(_) | Action::Release(_))
        ) {
            // A sent request cannot be revoked, so a late close, release or end of a call is not checked.
            trouble = Trouble::After;
        }
        if matches!(action, Action::Create(_) | Action::Release(_)) {
            // No answer shows the old value of an account that did not exist, or of a number.
            trouble = match trouble {
                Trouble::Ignored => Trouble::Before,
                Trouble::Stale => Trouble::After,
                other => other,
            };
        }
        match trouble {
            Trouble::Before => return unknown(),
            Trouble::Ignored => return ignored("Twilio answered 2xx and did nothing"),
            Trouble::Busy => return Outcome::skipped(SkipCause::RateLimited, "429"),
            Trouble::Late => {
                self.written.lock().unwrap().push(action.to_string());
                self.late.lock().unwrap().push((self.now + LATE, action.clone()));
                return unknown();
            }
            Trouble::None | Trouble::After | Trouble::Stale | Trouble::Meddling => {}
        }
        self.written.lock().unwrap().push(action.to_string());
        let result = self.change(action);
        let answered = self.receipt(action);
        if trouble == Trouble::Meddling {
            self.meddle();
        }
        match (result, trouble) {
            (_, Trouble::After) => unknown(),
            (Ok(()), Trouble::Stale) => ignored("Twilio answered 2xx and showed the old value"),
            (Ok(()), _) => Outcome::Done(answered),
            (Err(error), _) => refused(error.code, &error.message),
        }
    }

    fn last_created(&self, name: &str) -> Option<AccountSid> {
        let created = self.created.lock().unwrap();
        created.iter().rev().find(|(of, _)| of == name).map(|(_, sid)| *sid)
    }

    pub(super) fn receipt(&self, action: &Action) -> Receipt {
        let created = match action {
            Action::Create(create) => self.last_created(create.name.as_str()),
            Action::Reactivate(_)
            | Action::Transfer(_)
            | Action::Suspend(_)
            | Action::Configure(_)
            | Action::EndCalls(_)
            | Action::Release(_)
            | Action::Close(_) => None,
        };
        let sid = created.or_else(|| action.account().sid().filter(|_| action.number().is_none()));
        let account = sid.map(|sid| self.account(sid));
        let date_updated = account.as_ref().and_then(|account| account.date_updated);
        let date = (!self.no_date).then(|| self.twilio_date());
        let settings = action.number().and_then(|phone| {
            let world = self.world.lock().unwrap();
            show_number(world.number(&phone.to_string())?).settings
        });
        Receipt { date, date_updated, account, created, settings, ..Receipt::default() }
    }
}

impl Fleet {
    /// Changes one account externally.
    pub(crate) fn people(&self, account: AccountSid, doing: People) {
        let (mut world, account) = (self.world.lock().unwrap(), account.to_string());
        // A refused change has no effect.
        let _ = match doing {
            People::Rename => world.rename_account(&account, "hooli", self.now),
            People::NameBack => world.rename_account(&account, "acme", self.now),
            People::Suspend => world.change_status(&account, "suspended", self.now),
            People::Reactivate => world.change_status(&account, "active", self.now),
        };
    }

    /// Moves a number or changes a status externally.
    pub(crate) fn meddle(&self) {
        let mut n = self.meddled.lock().unwrap();
        *n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut world = self.world.lock().unwrap();
        let pick = |from: usize, shift: u32| usize::try_from(*n >> shift).unwrap() % from.max(1);
        let accounts: Vec<_> = world.accounts().map(|account| account.sid.to_string()).collect();
        let numbers: Vec<_> = world.numbers().map(|number| number.phone_number.clone()).collect();
        let account = accounts[pick(accounts.len(), 33)].clone();
        // A refused change has no effect.
        let _ = match (pick(3, 50), numbers.get(pick(numbers.len(), 40))) {
            (0, _) => world.change_status(&account, "suspended", self.now),
            (1, _) => world.change_status(&account, "active", self.now),
            (_, Some(number)) => world.transfer(number, &account, &TransferResources::default(), self.now),
            (_, None) => Ok(()),
        };
    }
}
