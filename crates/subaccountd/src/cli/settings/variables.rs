//! Settings in variables of the environment.
//!
//! An empty variable counts as not set, and white space around a value is not part of it. An error about a value names the
//! variable that it came from.

use std::{
    any::TypeId,
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap::{
    Arg, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};
use subaccountd_core::manifest::near;
use subaccountd_twilio::trimmed;

/// The prefix of the variables of this program.
const PREFIX: &str = "SUBACCOUNTD_";

/// A command, and its arguments, in which the flags of those variables stand that clap would read otherwise.
pub(crate) struct Prepared {
    pub(crate) command: Command,
    pub(crate) args: Vec<OsString>,
}

/// A variable that is read in another way than clap does: as not set, with this value, or as an error.
enum Odd {
    NotSet,
    Value(String),
    NotText,
}

/// Prepares `command` and the arguments `args` that were given for the variables of this process.
///
/// # Errors
/// A variable of the command that is asked for is not text.
pub(crate) fn prepare(command: Command, args: Vec<OsString>) -> Result<Prepared, clap::Error> {
    let mut odd = BTreeMap::new();
    let mut command = without_odd(command, &mut odd);
    if !odd.values().any(|(_, odd)| matches!(odd, Odd::Value(_) | Odd::NotText)) {
        return Ok(Prepared { command, args });
    }
    let chosen = command.clone().ignore_errors(true).try_get_matches_from(&args).ok();
    let chosen = chosen.as_ref().and_then(|matches| matches.subcommand_name());
    let subcommand = chosen.and_then(|name| command.find_subcommand(name));
    let flags = command.get_arguments().chain(subcommand.into_iter().flat_map(Command::get_arguments));
    let mut added = Vec::new();
    let mut not_text = None;
    for flag in flags.filter_map(Arg::get_long).filter(|flag| !is_given(flag, &args)) {
        match odd.get(flag) {
            Some((_, Odd::Value(value))) => added.push(OsString::from(format!("--{flag}={value}"))),
            Some((name, Odd::NotText)) => not_text = Some(name.clone()),
            Some((_, Odd::NotSet)) | None => {}
        }
    }
    if let Some(name) = not_text {
        let message = format!("the variable {name} is not text: set it in UTF-8\n");
        return Err(command.error(ErrorKind::InvalidUtf8, message));
    }
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let args = [&args[..end], &added, &args[end..]].concat();
    Ok(Prepared { command, args })
}

/// The command without the variables that clap would read otherwise; these go into `odd`, by their flags.
fn without_odd(command: Command, odd: &mut BTreeMap<String, (String, Odd)>) -> Command {
    let command = command.mut_args(|arg| {
        let (Some(flag), Some(name)) = (arg.get_long(), arg.get_env()) else { return arg };
        let Some(value) = env::var_os(name).and_then(|value| odd_value(&arg, &value)) else { return arg };
        odd.insert(flag.to_owned(), (name.to_string_lossy().into_owned(), value));
        arg.env(Resettable::Reset)
    });
    command.mut_subcommands(|command| without_odd(command, odd))
}

fn odd_value(arg: &Arg, value: &OsStr) -> Option<Odd> {
    let Some(text) = value.to_str() else {
        return (arg.get_value_parser().type_id() != TypeId::of::<PathBuf>()).then_some(Odd::NotText);
    };
    match trimmed(text) {
        "" => Some(Odd::NotSet),
        bare => (bare != text).then(|| Odd::Value(bare.to_owned())),
    }
}

/// Returns true when `args` have `--flag`.
fn is_given(flag: &str, args: &[OsString]) -> bool {
    let before_the_end = args.iter().take_while(|arg| *arg != "--");
    let mut flags = before_the_end.filter_map(|arg| arg.to_str()?.strip_prefix("--"));
    flags.any(|given| given.split('=').next() == Some(flag))
}

/// `error` about the arguments `args` of `command` with the name of the variable that the wrong value came from. A value in
/// the place of a SID that does not look like one may be a secret, and is not shown.
pub(crate) fn explain(mut error: clap::Error, command: &Command, args: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg).cloned() else { return error };
    let mut command = command.clone();
    command.build();
    let subcommands = command.get_subcommands().flat_map(Command::get_arguments);
    let Some(arg) = command.get_arguments().chain(subcommands).find(|arg| arg.to_string() == shown) else {
        return error;
    };
    let is_sid = arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "SID"));
    if is_sid
        && let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && !(value.starts_with("AC") && value.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    {
        error.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
    }
    if let (Some(flag), Some(name)) = (arg.get_long(), arg.get_env())
        && !is_given(flag, args)
    {
        error.insert(ContextKind::InvalidArg, ContextValue::String(name.to_string_lossy().into_owned()));
    }
    error
}

/// The value of the variable `name` as text, unless it is empty. A value that is not text is an error.
pub(crate) fn variable(name: &'static str) -> Result<Option<String>, NotText> {
    let Some(value) = env::var_os(name) else { return Ok(None) };
    let value = value.to_str().ok_or(NotText(name))?;
    Ok(Some(trimmed(value)).filter(|value| !value.is_empty()).map(str::to_owned))
}

/// The error of a variable that is not text.
#[derive(Debug, thiserror::Error)]
#[error("the variable {0} is not text: set it in UTF-8")]
pub(crate) struct NotText(&'static str);

/// The hint for a setting that is missing: the first of `variables` is set and empty, or a variable is set that most likely
/// stands for one of them. All words of such a name are among `words`.
pub(crate) fn missing_hint(variables: &[&'static str], words: &[&str]) -> String {
    if let Some(empty) = variables.iter().find(|name| env::var_os(name).is_some()) {
        return format!("`{empty}` is empty: ");
    }
    let is_like = |name: &String| {
        let upper = name.to_ascii_uppercase();
        let of_twilio = upper.strip_prefix("TWILIO_").or_else(|| upper.strip_prefix("TWILLIO_"));
        near(name, variables).is_some()
            || of_twilio.is_some_and(|rest| rest.split('_').all(|word| words.contains(&word)))
    };
    let names = env::vars_os().filter(|(_, value)| !value.is_empty());
    let names = names.filter_map(|(name, _)| name.into_string().ok());
    // Those are settings.
    let others = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FILE"];
    let like = names.filter(|name| !others.contains(&name.as_str()) && is_like(name)).min();
    like.map_or_else(String::new, |name| format!("`{name}` is set, which is not a setting: "))
}

/// Returns true for a name of our prefix that Kubernetes injects for a Service of our name.
fn is_injected_by_kubernetes(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}

/// A variable of our prefix, in any case, that no flag reads: most likely a typo, which must not switch a safety off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownVariable {
    /// Its name.
    pub(crate) name: String,
    /// The setting that it most likely stands for.
    pub(crate) meant: Option<String>,
}

/// The first variable of our prefix that no flag of `command` reads.
pub(crate) fn unknown_variable(
    command: &Command,
    mut names: impl Iterator<Item = String>,
) -> Option<UnknownVariable> {
    let mut known = Vec::new();
    let mut commands = vec![command];
    while let Some(command) = commands.pop() {
        known.extend(command.get_arguments().filter_map(|arg| arg.get_env()?.to_str()));
        commands.extend(command.get_subcommands());
    }
    let name = names.find(|name| {
        name.to_ascii_uppercase().starts_with(PREFIX)
            && !known.contains(&name.as_str())
            && !is_injected_by_kubernetes(name)
    })?;
    // All have the prefix, which would make short names alike.
    let of_ours: Vec<_> = known.iter().filter_map(|name| name.strip_prefix(PREFIX)).collect();
    let meant = near(&name[PREFIX.len()..].to_ascii_uppercase(), &of_ours);
    Some(UnknownVariable { meant: meant.map(|meant| format!("{PREFIX}{meant}")), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injected_kubernetes_variable_is_not_a_typo() {
        for name in [
            "SUBACCOUNTD_SERVICE_HOST",
            "SUBACCOUNTD_SERVICE_PORT_HTTP",
            "SUBACCOUNTD_PORT",
            "SUBACCOUNTD_PORT_8080_TCP_ADDR",
        ] {
            assert!(is_injected_by_kubernetes(name), "{name}");
        }
        assert!(!is_injected_by_kubernetes("SUBACCOUNTD_MAX_CLOSE"));
    }

    #[test]
    fn flag_is_given_before_the_end_of_the_flags() {
        let given = |args: &[&str]| is_given("log", &args.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(given(&["plan", "--log", "info"]) && given(&["--log=info", "plan"]));
        for args in [&["plan", "--log-format", "text"][..], &["plan", "--", "--log"], &["log"]] {
            assert!(!given(args), "{args:?}");
        }
    }
}
