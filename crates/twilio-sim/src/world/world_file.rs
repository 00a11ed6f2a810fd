//! The world file: YAML with accounts, numbers, calls, addresses, switches and faults. JSON is valid YAML. Unknown keys are errors.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    faults::Faults,
    shared::clock,
    world::{
        World,
        behavior::Behavior,
        builder::{WorldBuilder, WorldError, add_account, add_address, add_call, add_number},
        call_entry::{AddressEntry, CallEntry},
        entry::{AccountEntry, NumberEntry, ReleaseEntry},
    },
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WorldFile {
    main: AccountEntry,
    #[serde(default)]
    accounts: Vec<AccountEntry>,
    #[serde(default)]
    numbers: Vec<NumberEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<AddressEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    strangers: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    released: Vec<ReleaseEntry>,
    #[serde(default)]
    switches: Behavior,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    faults: Option<Faults>,
}

/// The contents of a world file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The world.
    pub world: World,
    /// The faults, if the file has this section.
    pub faults: Option<Faults>,
}

/// The error of a world file, and its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldFileError {
    /// The name of the file.
    pub file: String,
    /// The line, from 1, if it is known.
    pub line: Option<usize>,
    /// The problem.
    pub message: String,
}

impl fmt::Display for WorldFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for WorldFileError {}

/// Reads the text of a world file. Relative times count back from now.
pub fn load(file: &str, text: &str) -> Result<Loaded, WorldFileError> {
    parse(file, text, clock())
}

/// Reads the text of a world file. Relative times count back from `now`.
pub fn parse(file: &str, text: &str, now: Timestamp) -> Result<Loaded, WorldFileError> {
    let error = |line, message| WorldFileError { file: file.to_owned(), line, message };
    let parsed: WorldFile = serde_yaml::from_str(text).map_err(|fault| {
        let words = fault.to_string();
        let message = words.split(" at line ").next().unwrap_or(&words).to_owned();
        let line = fault.location().map(|place| line_of_word(place.line(), &message, text));
        error(line, message)
    })?;
    let faults = parsed.faults.clone();
    let world = parsed.into_world(now).map_err(|fault| error(line_of(&fault, text), fault.to_string()))?;
    Ok(Loaded { world, faults })
}

/// Writes a world as JSON, which is also a valid world file.
pub fn to_json(world: &World) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&WorldFile::of(world))
}

/// Writes a world as YAML.
pub fn to_yaml(world: &World) -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(&WorldFile::of(world))
}

impl WorldFile {
    fn of(world: &World) -> Self {
        Self {
            main: AccountEntry::of(world.main()),
            accounts: world
                .accounts()
                .filter(|account| !world.is_main(&account.sid))
                .map(AccountEntry::of)
                .collect(),
            numbers: world.numbers().map(NumberEntry::of).collect(),
            calls: world.calls().map(CallEntry::of).collect(),
            addresses: world.addresses().map(AddressEntry::of).collect(),
            strangers: world.strangers().map(ToString::to_string).collect(),
            released: world.released().iter().map(ReleaseEntry::of).collect(),
            switches: *world.switches(),
            faults: None,
        }
    }

    fn into_world(self, now: Timestamp) -> Result<World, WorldError> {
        let main = self.main.into_account(now)?;
        let mut builder = WorldBuilder::of(main).switches(self.switches);
        for entry in self.accounts {
            builder = builder.and(|world| add_account(world, entry.into_account(now)?));
        }
        for entry in self.numbers {
            builder = builder.and(|world| add_number(world, entry.into_number(now)?));
        }
        for entry in self.calls {
            builder = builder.and(|world| add_call(world, entry.into_call(now)?));
        }
        for entry in self.addresses {
            builder = builder.and(|world| add_address(world, entry.into_address(now)?));
        }
        for sid in self.strangers {
            builder = builder.stranger(&sid);
        }
        for entry in self.released {
            builder = builder.and(|world| {
                world.log_release(entry.into_release(now)?);
                Ok(())
            });
        }
        builder.try_build()
    }
}

/// The line, from `line` on, with the word that the message quotes; the parser may only know the start of the entry.
fn line_of_word(line: usize, message: &str, text: &str) -> usize {
    let Some(word) = message.split('`').nth(1).filter(|word| !word.is_empty()) else { return line };
    let mut lines = text.lines().enumerate().skip(line.saturating_sub(1));
    lines.find(|(_, text)| text.contains(word)).map_or(line, |(at, _)| at + 1)
}

/// The line of the error: the one with the text that it names, the second one for a duplicate.
fn line_of(error: &WorldError, text: &str) -> Option<usize> {
    let (words, nth) = match error {
        WorldError::Sid(error) => (error.text.as_str(), 0),
        WorldError::TwiceAnAccount(words) | WorldError::TwiceANumber(words) | WorldError::Twice(words) => {
            (words.as_str(), 1)
        }
        WorldError::NoAccount { sid, .. } => (sid.as_str(), 0),
        WorldError::NotE164(words) => (words.as_str(), 0),
        WorldError::NoOwner { number, .. } | WorldError::Setting { number, .. } => (number.as_str(), 0),
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| !words.is_empty() && line.contains(words));
    lines.nth(nth).map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        faults::Fault,
        http::operation::Operation,
        world::{
            account::AccountStatus,
            behavior::SuspendedNumbers,
            number::{AddressRequirements, Origin},
            sid::AccountSid,
        },
    };

    const FULL: &str = r#"
main: {sid: AC00000000000000000000000000000000, authToken: secret, friendlyName: main}
accounts:
  - {sid: AC00000000000000000000000000000001, friendlyName: acme, status: active}
  - sid: AC00000000000000000000000000000002
    friendlyName: globex
    status: suspended
    suspendedByTwilio: true
    dateUpdated: 10d ago
numbers:
  - {sid: PN00000000000000000000000000000001, phoneNumber: "+15105550101", owner: AC00000000000000000000000000000001, addressRequirements: none}
  - sid: PN00000000000000000000000000000002
    phoneNumber: "+493012345678"
    owner: AC00000000000000000000000000000002
    addressRequirements: local
    bundleSid: BU00000000000000000000000000000001
    origin: hosted
    portingOut: true
    type: mobile
    settings: {VoiceUrl: "https://example.org/voice"}
  - {sid: PN00000000000000000000000000000003, phoneNumber: "+15105550103", owner: AC00000000000000000000000000000000, emergencyAddressStatus: pending-unregistration, releaseRefusal: 22400}
calls:
  - {sid: CA00000000000000000000000000000001, owner: AC00000000000000000000000000000001, status: in-progress}
  - {sid: CA00000000000000000000000000000002, owner: AC00000000000000000000000000000001, status: queued, to: "+15105550104"}
  - {sid: CA00000000000000000000000000000003, owner: AC00000000000000000000000000000002, status: no-answer, startTime: -1h, direction: inbound}
addresses:
  - {sid: AD00000000000000000000000000000001, owner: AC00000000000000000000000000000001, isoCountry: DE, city: Berlin}
strangers: [AC00000000000000000000000000000009]
switches: {suspendedNumbers: empty}
faults:
  concurrencyLimit: 8
  list:
    - {operation: update_number, times: 1, fault: {kind: reset, after: true}}
"#;

    fn now() -> Timestamp {
        "2026-05-01T10:00:00Z".parse().unwrap()
    }

    fn read(text: &str) -> Result<Loaded, WorldFileError> {
        parse("world.yaml", text, now())
    }

    #[test]
    fn a_world_file_has_accounts_numbers_switches_and_faults() {
        let Loaded { world, faults } = read(FULL).unwrap();
        assert_eq!(world.main().auth_token, "secret");
        let globex = world.account(&AccountSid::numbered(2)).unwrap();
        assert_eq!((globex.status, globex.suspended_by_twilio), (AccountStatus::Suspended, true));
        assert_eq!(globex.date_updated.to_string(), "2026-04-21T10:00:00Z");
        let number = world.number("+493012345678").unwrap();
        assert_eq!(
            (number.address_requirements, number.origin, number.porting_out, number.owner.as_str()),
            (AddressRequirements::Local, Origin::Hosted, true, globex.sid.as_str())
        );
        assert_eq!(number.settings.get("VoiceUrl"), Some("https://example.org/voice"));
        let calls: Vec<_> = world.calls().map(|call| (call.status.as_str(), call.start_time)).collect();
        let hour_ago = now() - jiff::SignedDuration::from_hours(1);
        let since = Some(WorldBuilder::SINCE);
        assert_eq!(calls, [("in-progress", since), ("queued", None), ("no-answer", Some(hour_ago))]);
        let address = world.addresses().next().unwrap();
        assert_eq!((address.iso_country.as_str(), address.city.as_str()), ("DE", "Berlin"));
        assert_eq!(world.switches().suspended_numbers, SuspendedNumbers::Empty);
        let faults = faults.unwrap();
        assert_eq!(faults.concurrency_limit, Some(8));
        assert_eq!(faults.list, [Fault::reset_after().on(Operation::UpdateNumber).times(1)]);
    }

    #[test]
    fn a_world_is_the_same_after_writing_and_reading_it() {
        let mut world = read(FULL).unwrap().world;
        world.change_status(&AccountSid::numbered(1), "closed", now()).unwrap();
        assert_eq!(world.released().len(), 1);
        for text in [to_yaml(&world).unwrap(), to_json(&world).unwrap()] {
            assert_eq!(read(&text).unwrap().world, world, "{text}");
        }
    }

    #[test]
    fn an_account_without_a_token_always_has_the_same_one() {
        let token =
            |n| read(FULL).unwrap().world.account(&AccountSid::numbered(n)).unwrap().auth_token.clone();
        assert_eq!(token(1), token(1));
        assert_ne!(token(1), token(2));
        assert_eq!(token(1).len(), 32);
    }

    #[test]
    fn error_of_a_world_file_has_its_file_and_line() {
        let cases = [
            ("status: suspended", "status: sleeping", 7, "unknown variant `sleeping`"),
            ("dateUpdated: 10d ago", "dateUpdated: 10d", 9, "`10d` is not a valid time"),
            ("friendlyName: acme", "name: acme", 4, "unknown field `name`"),
            ("\"+15105550101\"", "\"+493012345678\"", 13, "duplicate"),
            ("\"+15105550101\"", "\"0151\"", 11, "is not a valid E.164 phone number"),
            ("owner: AC00000000000000000000000000000002", "owner: AC2", 14, "`AC2` is not a valid SID"),
            (
                "owner: AC00000000000000000000000000000002",
                "owner: AC00000000000000000000000000000007",
                13,
                "unknown owner",
            ),
            (
                "  - sid: AC00000000000000000000000000000002",
                "  - sid: AC00000000000000000000000000000001",
                5,
                "duplicate",
            ),
            ("VoiceUrl: \"https", "VoiceUrl: \"ftp", 13, "Invalid Url"),
            ("VoiceUrl:", "voiceUrl:", 13, "is not a setting"),
            ("kind: reset", "kind: rest", 33, "unknown variant `rest`"),
            ("switches: {suspended", "switches: {suspend", 29, "unknown field"),
            ("status: no-answer", "status: over", 25, "unknown variant `over`"),
            (
                "sid: CA00000000000000000000000000000002",
                "sid: CA00000000000000000000000000000001",
                24,
                "duplicate",
            ),
            (
                "sid: AD00000000000000000000000000000001, owner: AC00000000000000000000000000000001",
                "sid: AD00000000000000000000000000000001, owner: AC00000000000000000000000000000008",
                27,
                "unknown owner",
            ),
            ("numbers:", "numbers: [", 11, ""),
        ];
        for (right, wrong, line, words) in cases {
            let error = read(&FULL.replacen(right, wrong, 1)).unwrap_err();
            assert!(error.message.contains(words), "{wrong}: {error}");
            assert_eq!(error.line, Some(line), "{wrong}: {error}");
            assert!(error.to_string().starts_with("world.yaml:"), "{error}");
        }
    }
}
