//! The world file: YAML that says who owns what, and how this Twilio behaves. JSON is YAML too. Unknown keys are errors.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    builder::{WorldBuilder, WorldError, add_account, add_number},
    entry::{AccountEntry, NumberEntry, ReleaseEntry},
    faults::Faults,
    shared::clock,
    switches::Switches,
    world::World,
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
    strangers: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    released: Vec<ReleaseEntry>,
    #[serde(default)]
    switches: Switches,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    faults: Option<Faults>,
}

/// What a world file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The world.
    pub world: World,
    /// The faults, if the file has that section.
    pub faults: Option<Faults>,
}

/// Why a world file was not understood, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldFileError {
    /// The name of the file.
    pub file: String,
    /// The line, from 1 on, if it is known.
    pub line: Option<usize>,
    /// What is wrong.
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

/// Reads the text of a world file whose relative times count back from the present.
pub fn load(file: &str, text: &str) -> Result<Loaded, WorldFileError> {
    parse(file, text, clock())
}

/// Reads the text of a world file; `now` is what its relative times count back from.
pub fn parse(file: &str, text: &str, now: Timestamp) -> Result<Loaded, WorldFileError> {
    let error = |line, message| WorldFileError { file: file.to_owned(), line, message };
    let parsed: WorldFile = serde_yaml::from_str(text).map_err(|fault| {
        let words = fault.to_string();
        let message = words.split(" at line ").next().unwrap_or(&words).to_owned();
        error(fault.location().map(|place| place.line()), message)
    })?;
    let faults = parsed.faults.clone();
    let world = parsed.into_world(now).map_err(|fault| error(line_of(&fault, text), fault.to_string()))?;
    Ok(Loaded { world, faults })
}

/// Writes a world as JSON, which is also a world file.
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

/// The line of the text that the error is about: where the text it names stands, the second time for what is there twice.
fn line_of(error: &WorldError, text: &str) -> Option<usize> {
    let (words, nth) = match error {
        WorldError::Sid(error) => (error.text.as_str(), 0),
        WorldError::TwiceAnAccount(words) | WorldError::TwiceANumber(words) => (words.as_str(), 1),
        WorldError::NotE164(words) => (words.as_str(), 0),
        WorldError::NoOwner { number, .. } | WorldError::Setting { number, .. } => (number.as_str(), 0),
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| !words.is_empty() && line.contains(words));
    lines.nth(nth).map(|(at, _)| at + 1)
}
