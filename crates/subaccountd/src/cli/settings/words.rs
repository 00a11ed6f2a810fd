//! The rules as flag values, so that a snapshot can carry them.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Command, FromArgMatches};
use subaccountd_core::Limit;

use super::{AllowancesName, GuardrailArgs, Prepared, ReactivationName, prepare};

/// Values by the names of their flags.
pub(crate) type FlagValues = BTreeMap<String, String>;

impl GuardrailArgs {
    /// The names of the flags of these rules.
    pub(crate) fn flags() -> BTreeSet<String> {
        let command = Self::augment_args(Command::new("rules"));
        command.get_arguments().filter_map(|flag| Some(flag.get_long()?.to_owned())).collect()
    }

    /// These rules as flag values.
    pub(crate) fn words(&self) -> FlagValues {
        // A new field does not compile until it is added here.
        let Self { verbs, close_after, release_after, reactivation, allowances, budgets } = self;
        let verbs: BTreeSet<_> = verbs.iter().flat_map(|name| name.kinds()).collect();
        let verbs: Vec<_> = verbs.into_iter().map(|kind| kind.as_str()).collect();
        let reactivation = match reactivation {
            ReactivationName::Normal => "normal",
            ReactivationName::Strict => "strict",
            ReactivationName::Always => "always",
        };
        let allowances = match allowances {
            AllowancesName::Honor => "honor",
            AllowancesName::Ignore => "ignore",
        };
        let limit = |limit: Limit| match limit {
            Limit::Count(count) => count.to_string(),
            Limit::Percent(percent) => format!("{percent}%"),
        };
        [
            ("verbs", verbs.join(",")),
            ("close-after", format!("{close_after:#}")),
            ("release-after", format!("{release_after:#}")),
            ("reactivation", reactivation.to_owned()),
            ("allowances", allowances.to_owned()),
            ("max-reactivations", limit(budgets.max_reactivations)),
            ("max-suspends", limit(budgets.max_suspends)),
            ("max-closes", limit(budgets.max_closes)),
            ("max-transfers", limit(budgets.max_transfers)),
            ("max-creates", budgets.max_creates.to_string()),
            ("max-configures", limit(budgets.max_configures)),
            ("max-released-numbers", budgets.max_released_numbers.to_string()),
            ("budget-window", format!("{:#}", budgets.budget_window)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The rules with these flag values. A flag without a value is read from its variable, or has its default. Names
    /// that only a later version knows are ignored.
    pub(crate) fn from_words(words: &FlagValues) -> Result<Self, clap::Error> {
        let known = Self::flags();
        let of_ours = words.iter().filter(|(name, _)| known.contains(*name));
        let flags = of_ours.map(|(name, value)| format!("--{name}={value}").into()).collect();
        let command = Self::augment_args(Command::new("rules").no_binary_name(true));
        let Prepared { command, args } = prepare(command, flags)?;
        Self::from_arg_matches(&command.try_get_matches_from(args)?)
    }
}

#[cfg(test)]
mod tests {
    use subaccountd_core::ActionKind;

    use super::*;

    #[test]
    fn rules_come_back_from_their_words() {
        let words: FlagValues = [
            ("verbs", "default,create,release"),
            ("close-after", "90m"),
            ("release-after", "45m"),
            ("reactivation", "strict"),
            ("allowances", "ignore"),
            ("max-reactivations", "0"),
            ("max-suspends", "100%"),
            ("max-closes", "7"),
            ("max-transfers", "12%"),
            ("max-creates", "4"),
            ("max-configures", "9"),
            ("max-released-numbers", "3"),
            ("budget-window", "36h 30m"),
            ("of-a-later-version", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let rules = GuardrailArgs::from_words(&words).unwrap_or_else(|error| panic!("{error}"));
        let again = GuardrailArgs::from_words(&rules.words()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((rules.policy(), rules.limits()), (again.policy(), again.limits()));
        assert_eq!(
            rules.words()["verbs"],
            "reactivate,create,transfer,suspend,configure,endCalls,release,close"
        );
        assert_eq!(rules.limits().verbs[&ActionKind::Create], Limit::Count(4));
        assert_eq!(rules.policy().close_after, jiff::SignedDuration::from_mins(90));
        assert_eq!(rules.policy().release_after, jiff::SignedDuration::from_mins(45));
        assert_eq!(rules.limits().verbs[&ActionKind::Transfer], Limit::Percent(12));
        assert_eq!(rules.words().keys().cloned().collect::<BTreeSet<_>>(), GuardrailArgs::flags());
    }

    #[test]
    fn words_that_no_flag_takes_are_refused() {
        for (name, value) in [("max-closes", "101%"), ("close-after", "soon"), ("verbs", "destroy")] {
            let words = FlagValues::from([(name.to_owned(), value.to_owned())]);
            assert!(GuardrailArgs::from_words(&words).is_err(), "{name}={value}");
        }
    }
}
