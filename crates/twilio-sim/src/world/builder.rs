//! The builder of worlds, which checks accounts and numbers against each other.

use jiff::Timestamp;

use crate::world::{
    World,
    account::{Account, AccountStatus},
    address::Address,
    behavior::Behavior,
    call::{Call, CallStatus},
    number::{Number, is_number},
    sid::{AccountSid, NumberSid, SidError},
};

impl World {
    /// A builder with the main account.
    pub fn builder(main_sid: &str, auth_token: &str) -> WorldBuilder {
        WorldBuilder::new(main_sid, auth_token)
    }

    /// A world of `accounts` active subaccounts that own `numbers` numbers in turn. The main account is
    /// `AC00000000000000000000000000000000` with the token `demo-token`; account `n` is [`AccountSid::numbered`], number `n`
    /// is [`NumberSid::numbered`] with [`World::phone_numbered`], both from 1 on. Without subaccounts the main account owns all.
    pub fn generated(accounts: u64, numbers: u64) -> Self {
        let mut builder = Self::builder(&AccountSid::numbered(0), "demo-token");
        for n in 1..=accounts {
            builder =
                builder.account(&AccountSid::numbered(n), &format!("customer-{n}"), AccountStatus::Active);
        }
        for n in 1..=numbers {
            let owner = if accounts == 0 { 0 } else { (n - 1) % accounts + 1 };
            builder = builder.number(
                &NumberSid::numbered(n),
                &Self::phone_numbered(n),
                &AccountSid::numbered(owner),
            );
        }
        builder.build()
    }
}

/// The error of an inconsistent world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// A SID is not valid.
    #[error(transparent)]
    Sid(#[from] SidError),
    /// Two accounts have the same SID.
    #[error("duplicate account `{0}`")]
    TwiceAnAccount(String),
    /// Two numbers have the same SID or phone number.
    #[error("duplicate number `{0}`")]
    TwiceANumber(String),
    /// Two calls or two addresses have the same SID.
    #[error("duplicate `{0}`")]
    Twice(String),
    /// The account of a call or an address does not exist.
    #[error("{sid}: unknown owner `{owner}`: add the account")]
    NoAccount {
        /// The SID of the call or the address.
        sid: String,
        /// The missing account.
        owner: String,
    },
    /// A phone number is neither valid E.164, nor a short code or a SIP address.
    #[error(
        "`{0}` is not a valid E.164 phone number: expected a plus and 2 to 15 digits, the first not 0; or a short code of 3 \
         to 8 digits, `sip:…`, or null"
    )]
    NotE164(String),
    /// The owner of a number does not exist.
    #[error("number {number}: unknown owner `{owner}`: add the account")]
    NoOwner {
        /// The phone number, or the SID of a number that has none.
        number: String,
        /// The missing owner.
        owner: String,
    },
    /// Twilio does not accept a setting of a number.
    #[error("number {number}: {message}")]
    Setting {
        /// The number, E.164.
        number: String,
        /// Twilio's error message.
        message: String,
    },
}

/// Builds a [`World`], and checks each step. `build` reports the first error.
#[derive(Clone, Debug)]
#[must_use]
pub struct WorldBuilder(Result<World, WorldError>);

impl WorldBuilder {
    /// The default time of creation of everything in a built world: 2024-01-01T00:00:00Z.
    pub const SINCE: Timestamp = Timestamp::constant(1_704_067_200, 0);

    pub(crate) fn new(main_sid: &str, auth_token: &str) -> Self {
        Self(main_sid.parse().map_err(WorldError::from).map(|sid| {
            World::empty(Account {
                auth_token: auth_token.to_owned(),
                ..Account::new(sid, "main", Self::SINCE)
            })
        }))
    }

    pub(crate) fn of(main: Account) -> Self {
        Self(Ok(World::empty(main)))
    }

    /// Changes the main account: its name, its status.
    pub fn main(self, change: impl FnOnce(&mut Account)) -> Self {
        self.and(|world| {
            let mut main = world.main().clone();
            change(&mut main);
            main.sid = world.main().sid.clone();
            world.insert_account(main);
            Ok(())
        })
    }

    /// Adds a subaccount.
    pub fn account(self, sid: &str, friendly_name: &str, status: AccountStatus) -> Self {
        self.account_with(sid, friendly_name, status, |_| {})
    }

    /// Adds a subaccount, and changes its other fields: dates, token, `suspended_by_twilio`.
    pub fn account_with(
        self,
        sid: &str,
        friendly_name: &str,
        status: AccountStatus,
        change: impl FnOnce(&mut Account),
    ) -> Self {
        self.and(|world| {
            let mut account = Account { status, ..Account::new(sid.parse()?, friendly_name, Self::SINCE) };
            change(&mut account);
            add_account(world, account)
        })
    }

    /// Adds a number without requirements to an existing account.
    pub fn number(self, sid: &str, phone_number: &str, owner: &str) -> Self {
        self.number_with(sid, phone_number, owner, |_| {})
    }

    /// Adds a number, and changes its other fields: requirements, bundle, origin and so on.
    pub fn number_with(
        self,
        sid: &str,
        phone_number: &str,
        owner: &str,
        change: impl FnOnce(&mut Number),
    ) -> Self {
        self.and(|world| {
            let sid: NumberSid = sid.parse()?;
            let mut number = Number::new(sid, phone_number, owner.parse()?, Self::SINCE);
            change(&mut number);
            add_number(world, number)
        })
    }

    /// Adds a call to an existing account, and changes its other fields: the two ends, times and so on.
    pub fn call_with(
        self,
        sid: &str,
        owner: &str,
        status: CallStatus,
        change: impl FnOnce(&mut Call),
    ) -> Self {
        self.and(|world| {
            let mut call = Call::new(sid.parse()?, owner.parse()?, status, Self::SINCE);
            change(&mut call);
            add_call(world, call)
        })
    }

    /// Adds an address to an existing account, and changes its other fields.
    pub fn address_with(
        self,
        sid: &str,
        owner: &str,
        iso_country: &str,
        change: impl FnOnce(&mut Address),
    ) -> Self {
        self.and(|world| {
            let mut address = Address::new(sid.parse()?, owner.parse()?, iso_country, Self::SINCE);
            change(&mut address);
            add_address(world, address)
        })
    }

    /// Adds an account that exists, but does not belong to the main account.
    pub fn stranger(self, sid: &str) -> Self {
        self.and(|world| {
            world.add_stranger(sid.parse::<AccountSid>()?);
            Ok(())
        })
    }

    /// Sets the switches.
    pub fn switches(self, switches: Behavior) -> Self {
        self.and(|world| {
            *world.switches_mut() = switches;
            Ok(())
        })
    }

    /// The world, or the first error.
    pub fn try_build(self) -> Result<World, WorldError> {
        self.0
    }

    /// The world.
    ///
    /// # Panics
    ///
    /// When the world is inconsistent. For tests and other worlds that are written in code.
    #[expect(clippy::panic, reason = "a world written in code that contradicts itself is a bug in that code")]
    pub fn build(self) -> World {
        match self.0 {
            Ok(world) => world,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn and(self, step: impl FnOnce(&mut World) -> Result<(), WorldError>) -> Self {
        Self(self.0.and_then(|mut world| {
            step(&mut world)?;
            Ok(world)
        }))
    }
}

pub(crate) fn add_account(world: &mut World, account: Account) -> Result<(), WorldError> {
    if world.account(&account.sid).is_some() || world.is_stranger(&account.sid) {
        return Err(WorldError::TwiceAnAccount(account.sid.to_string()));
    }
    world.insert_account(account);
    Ok(())
}

pub(crate) fn add_number(world: &mut World, number: Number) -> Result<(), WorldError> {
    if !is_number(&number.phone_number) {
        return Err(WorldError::NotE164(number.phone_number));
    }
    for name in [number.sid.as_str(), number.name()] {
        if world.number(name).is_some() {
            return Err(WorldError::TwiceANumber(name.to_owned()));
        }
    }
    if world.account(&number.owner).is_none() {
        return Err(WorldError::NoOwner {
            number: number.name().to_owned(),
            owner: number.owner.to_string(),
        });
    }
    world.insert_number(number);
    Ok(())
}

pub(crate) fn add_call(world: &mut World, call: Call) -> Result<(), WorldError> {
    if world.call(&call.sid).is_some() {
        return Err(WorldError::Twice(call.sid.to_string()));
    }
    if world.account(&call.owner).is_none() {
        return Err(WorldError::NoAccount { sid: call.sid.to_string(), owner: call.owner.to_string() });
    }
    world.insert_call(call);
    Ok(())
}

pub(crate) fn add_address(world: &mut World, address: Address) -> Result<(), WorldError> {
    if world.address(&address.sid).is_some() {
        return Err(WorldError::Twice(address.sid.to_string()));
    }
    if world.account(&address.owner).is_none() {
        return Err(WorldError::NoAccount { sid: address.sid.to_string(), owner: address.owner.to_string() });
    }
    world.put_address(address);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inconsistent_world_is_not_built() {
        let (main, acme) = (AccountSid::numbered(0), AccountSid::numbered(1));
        let start = || World::builder(&main, "t").account(&acme, "acme", AccountStatus::Active);
        let (one, two) = (NumberSid::numbered(1), NumberSid::numbered(2));
        let cases = [
            (start().account(&acme, "again", AccountStatus::Active), "duplicate"),
            (start().account("AC1", "short", AccountStatus::Active), "is not a valid SID"),
            (start().account(&main, "main", AccountStatus::Active), "duplicate"),
            (start().number(&one, "0151", &acme), "E.164"),
            (start().number(&one, "+15105550001", &AccountSid::numbered(9)), "unknown owner"),
            (start().number(&one, "+15105550001", &acme).number(&two, "+15105550001", &main), "duplicate"),
            (start().number(&one, "+15105550001", &acme).number(&one, "+15105550002", &main), "duplicate"),
        ];
        for (builder, words) in cases {
            let error = builder.try_build().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
