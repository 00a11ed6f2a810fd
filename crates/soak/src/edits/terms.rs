//! Edits of what entries say about numbers and calls.

use fastrand::Rng;

use super::Editor;
use crate::{
    ask::{SETTINGS, Settings},
    secrets::SETTING,
    state::Word,
};

/// The settings of all numbers of an entry: none for two of three.
pub(super) fn defaults(rng: &mut Rng) -> Settings {
    if rng.u8(0..3) == 0 { settings(rng, &SETTINGS[1..]) } else { Settings::new() }
}

/// Some of these settings, with values.
fn settings(rng: &mut Rng, names: &[&str]) -> Settings {
    let mut all = Settings::new();
    for _ in 0..rng.u8(1..4) {
        let name = names[rng.usize(0..names.len())];
        all.insert(name.to_owned(), value(name, rng));
    }
    all
}

/// A value of a setting. Some URLs carry what must not be shown.
pub(crate) fn value(name: &str, rng: &mut Rng) -> String {
    let n = rng.u8(0..4);
    match name {
        "FriendlyName" => format!("line {n}"),
        "SmsMethod" | "VoiceMethod" => ["GET", "POST"][usize::from(n % 2)].to_owned(),
        _ if n == 0 => String::new(),
        _ => format!("https://u{n}:{SETTING}@example.com/{n}?key={SETTING}"),
    }
}

impl Editor {
    /// Changes the settings that an entry names for all of its numbers, or for one.
    pub(super) fn edit_settings(&mut self, rng: &mut Rng) {
        let Some(key) = self.pick(rng, |_, entry| entry.word != Word::Closed && !entry.numbers.is_empty())
        else {
            return;
        };
        let Some(entry) = self.state.entries.get_mut(&key) else { return };
        if rng.u8(0..3) == 0 {
            entry.defaults = defaults(rng);
        } else {
            let phone = entry.numbers.iter().nth(rng.usize(0..entry.numbers.len())).cloned();
            let own = if rng.u8(0..4) == 0 { Settings::new() } else { settings(rng, &SETTINGS) };
            entry.own.extend(phone.map(|phone| (phone, own)));
        }
        self.count("settings of numbers");
    }

    pub(super) fn edit_end_calls(&mut self, rng: &mut Rng) {
        if let Some(key) = self.pick(rng, |_, _| true)
            && let Some(entry) = self.state.entries.get_mut(&key)
        {
            entry.end_calls ^= true;
            self.count("endCalls");
        }
    }
}
