//! The page of commands and settings, from the command line.

use std::{collections::BTreeSet, fmt::Write};

use clap::{Arg, Command};

use super::cell;

const INTRODUCTION: &str = "# Commands and settings

<!-- Made from the command line by `make guide`. Do not edit. -->

`subaccountd COMMAND --help` prints the same text. Every setting is a flag and an environment variable; the flag wins.
An unknown `SUBACCOUNTD_…` variable is an error, so that a typo does not switch a safety off. Durations are written as
`90s`, `5m` or `24h`. The result of a command is its [exit code](exit-codes.md).
";

pub(super) fn page() -> String {
    let mut program = subaccountd::command();
    program.build();
    let is_shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    let commands: Vec<_> = program.get_subcommands().filter(is_shown).cloned().collect();
    let mut page = INTRODUCTION.to_owned();
    for command in &commands {
        one(&mut page, command.clone());
    }
    for group in groups(&commands) {
        group_of_settings(&mut page, &group, commands.len());
    }
    page
}

fn one(page: &mut String, mut command: Command) {
    let usage = command.render_usage().to_string().replace("Usage: ", "");
    let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
    let name = command.get_name();
    let _ = write!(page, "\n## {name}\n\n{}\n\n```text\n{usage}\n```\n", about.replace('<', "&lt;"));
    let own: Vec<_> =
        command.get_arguments().filter(|arg| is_shown(arg) && arg.get_env().is_none()).collect();
    if !own.is_empty() {
        *page += "\n| argument | default | meaning |\n| --- | --- | --- |\n";
        for arg in own {
            let _ = writeln!(page, "| {} | {} | {} |", written(arg), default(arg), meaning(arg));
        }
    }
    let mut seen = BTreeSet::new();
    let links: Vec<_> = command
        .get_arguments()
        .filter(|arg| is_setting(arg) && !arg.is_global_set())
        .map(heading)
        .filter(|heading| seen.insert(heading.clone()))
        .map(|heading| format!("[{heading}](#settings-{})", heading.to_lowercase().replace(' ', "-")))
        .collect();
    if !links.is_empty() {
        let _ = writeln!(page, "\nSettings: {}", links.join(", "));
    }
}

/// Settings of one heading, each with the commands that take it.
struct SettingsGroup {
    heading: String,
    settings: Vec<(Arg, Vec<String>)>,
}

fn groups(commands: &[Command]) -> Vec<SettingsGroup> {
    let mut groups: Vec<SettingsGroup> = Vec::new();
    let mut seen = BTreeSet::new();
    for arg in commands.iter().flat_map(Command::get_arguments).filter(|arg| is_setting(arg)) {
        let heading = heading(arg);
        // A flag may have another meaning for another command, under another heading.
        if !seen.insert((arg.get_id().to_string(), heading.clone())) {
            continue;
        }
        let is_same = |other: &Arg| other.get_id() == arg.get_id() && self::heading(other) == heading;
        let takes = |command: &&Command| command.get_arguments().any(is_same);
        let takers = commands.iter().filter(takes).map(|command| command.get_name().to_owned()).collect();
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.settings.push((arg.clone(), takers)),
            None => groups.push(SettingsGroup { heading, settings: vec![(arg.clone(), takers)] }),
        }
    }
    groups
}

fn group_of_settings(page: &mut String, group: &SettingsGroup, commands: usize) {
    let SettingsGroup { heading, settings } = group;
    let of_most = &settings[0].1;
    let _ = write!(
        page,
        "\n## Settings: {heading}\n\nFor {}.\n\n| flag | environment | default | meaning |\n| --- | --- | --- | --- |\n",
        if of_most.len() == commands { "every command".to_owned() } else { links(of_most) }
    );
    for (arg, takers) in settings {
        let variable = arg.get_env().unwrap().to_str().unwrap();
        let only = if takers == of_most { String::new() } else { format!(". For {}", links(takers)) };
        let _ =
            writeln!(page, "| {} | `{variable}` | {} | {}{only} |", written(arg), default(arg), meaning(arg));
    }
}

fn links(commands: &[String]) -> String {
    commands.iter().map(|name| format!("[{name}](#{name})")).collect::<Vec<_>>().join(", ")
}

fn is_shown(arg: &Arg) -> bool {
    !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version")
}

fn is_setting(arg: &Arg) -> bool {
    is_shown(arg) && arg.get_env().is_some()
}

/// The heading that `--help` shows a setting under, up to its first comma.
fn heading(arg: &Arg) -> String {
    let heading = arg.get_help_heading().unwrap_or("Options");
    heading.split(',').next().unwrap_or_default().to_owned()
}

fn written(arg: &Arg) -> String {
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let value = value.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    let flag = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        (_, None) => return format!("`{}`", cell(&value.unwrap())),
    };
    format!("`{}`", cell(&[Some(flag), value].into_iter().flatten().collect::<Vec<_>>().join(" ")))
}

fn default(arg: &Arg) -> String {
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_str().unwrap())).collect();
    if arg.get_action().takes_values() { defaults.join(", ") } else { String::new() }
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let is_choice = arg.get_action().takes_values() && !values.is_empty() && arg.get_long() != Some("verbs");
    let choice = if is_choice { format!(" ({})", values.join(", ")) } else { String::new() };
    cell(&help.replace("\n\n", ". ")) + &choice
}
