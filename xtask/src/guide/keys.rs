//! The page of keys, from the JSON Schema.

use std::fmt::Write;

use serde_json::Value;
use subaccountd_core::manifest::schema::json_schema;

use super::cell;

const INTRODUCTION: &str = "# Every key of the state

<!-- Made from the JSON Schema by `make guide`. Do not edit. -->

`subaccountd schema` prints the schema that this page is made from, for editors and programs; with
`# yaml-language-server: $schema=PATH` at the top of a file, editors complete keys and show faults while you type. Keys
that start with `x-` are allowed at every level and ignored; any other unknown key is a fault. Faults that a schema
cannot express, such as a number that two accounts claim, are found by `subaccountd validate`.
";

/// The definitions that are mappings, in the order of a file, and their titles on the page.
const MAPPINGS: [(&str, &str); 9] = [
    ("Window", "An item of `windows`"),
    ("Allowance", "An item of `allowances`"),
    ("MainAccount", "`mainAccount`"),
    ("Subaccount", "An entry of `subaccounts`"),
    ("LongNumber", "A number in the long form"),
    ("NumberSettings", "`numberDefaults`"),
    ("TransferDefault", "An item of `transferDefaults`"),
    ("Release", "An item of `release`"),
    ("Close", "`close`"),
];

pub(super) fn page() -> String {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let mut page = INTRODUCTION.to_owned();
    mapping(&mut page, "A document", &schema);
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, title) in MAPPINGS {
        mapping(&mut page, title, &definitions[name]);
    }
    let is_mapping = |name: &str| MAPPINGS.iter().any(|(mapping, _)| *mapping == name);
    page += "\n## Values\n\n| kind | what it is | written as |\n| --- | --- | --- |\n";
    for (name, definition) in definitions.iter().filter(|(name, _)| !is_mapping(name)) {
        let _ =
            writeln!(page, "| {} | {} | {} |", spaced(name), described(definition), shape(name, definition));
    }
    page
}

fn mapping(page: &mut String, title: &str, definition: &Value) {
    let _ = write!(
        page,
        "\n## {title}\n\n{}\n\n| key | value | meaning |\n| --- | --- | --- |\n",
        described(definition)
    );
    let required: Vec<_> = definition["required"].as_array().into_iter().flatten().collect();
    for (key, value) in definition["properties"].as_object().unwrap() {
        let must = if required.contains(&&Value::from(key.as_str())) { "<br>required" } else { "" };
        let _ = writeln!(page, "| `{key}` | {}{must} | {} |", kind(value), described(value));
    }
}

fn described(schema: &Value) -> String {
    cell(schema["description"].as_str().expect("everything in the schema is described"))
}

/// The kind of a value as text, with its bounds.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return link(reference.rsplit('/').next().unwrap());
    }
    if let Some(only) = schema["const"].as_str() {
        return format!("`{only}`");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(|value| format!("`{}`", value.as_str().unwrap())).collect();
        return values.join(", ");
    }
    if let Some(examples) = schema["examples"].as_array() {
        return format!("text, as {}", quoted(examples));
    }
    let most = |key: &str| schema[key].as_u64();
    if let Some(pattern) = schema["pattern"].as_str() {
        return format!("text of the form `{}`", pattern.replace('|', "\\|"));
    }
    match schema["type"].as_str() {
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => format!("list, each {}", kind(&schema["items"])),
        Some("object") => format!("at most {} texts by name", most("maxProperties").unwrap()),
        Some("integer") => {
            format!("whole number from {} to {}", most("minimum").unwrap(), most("maximum").unwrap())
        }
        Some("string") => format!("text of at most {} characters", most("maxLength").unwrap()),
        other => panic!("a kind without words: {other:?}"),
    }
}

fn link(name: &str) -> String {
    match MAPPINGS.iter().find(|(mapping, _)| *mapping == name) {
        Some((_, title)) => {
            let anchor = title.to_lowercase().replace('`', "").replace(' ', "-");
            format!("[{}](#{anchor})", spaced(name))
        }
        None => format!("[{}](#values)", spaced(name)),
    }
}

/// The notation of a value: an example, or its form.
fn shape(name: &str, definition: &Value) -> String {
    if let Some(examples) = definition["examples"].as_array() {
        return quoted(examples);
    }
    if let Some(choices) = definition["anyOf"].as_array() {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let pattern = definition["pattern"].as_str().unwrap_or_else(|| panic!("{name} has no form"));
    let prefix = pattern.trim_start_matches('^').trim_start_matches('(').split('[').next().unwrap();
    let or_empty = if pattern.ends_with(")?$") { ", or an empty text" } else { "" };
    format!("`{prefix}` and 32 hexadecimal digits{or_empty}")
}

/// Examples of a value, as they are written.
fn quoted(examples: &[Value]) -> String {
    let examples = examples.iter().map(|example| format!("`\"{}\"`", example.as_str().unwrap()));
    examples.collect::<Vec<_>>().join(" or ")
}

/// `PhoneNumber` as `phone number`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words.replace(" sid", " SID")
}
