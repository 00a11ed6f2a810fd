//! Documents made by walking the schema: the parser takes those that satisfy it, and refuses those that break one of its
//! rules.

use std::{io::Write, sync::LazyLock};

use jsonschema::Validator;
use proptest::{prelude::*, strategy::ValueTree, string::string_regex, test_runner::TestRunner};
use serde_json::{Map, Value, json};
use subaccountd_core::manifest::{DiagnosticCode, Source, parse, schema::json_schema};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&json_schema()).unwrap());
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::draft202012::new(&SCHEMA).unwrap());

/// The codes of faults that depend on the whole state, the calendar or the YAML parser, so that no schema can express them.
const BEYOND: [DiagnosticCode; 9] = [
    DiagnosticCode::AccountTwice,
    DiagnosticCode::NumberTwice,
    DiagnosticCode::ClaimedAndReleased,
    DiagnosticCode::MainAccountListed,
    DiagnosticCode::NameTwice,
    DiagnosticCode::MalformedTime,
    DiagnosticCode::DefaultTwice,
    DiagnosticCode::SettingsConflict,
    DiagnosticCode::Placeholder,
];

/// The settings that contradict each other.
const PAIR: [&str; 2] = ["voiceApplicationSid", "trunkSid"];

/// The codes of the faults of `document`; one without a `mainAccount` is read beside another that has it.
fn faults(document: &Value) -> Vec<DiagnosticCode> {
    let source = |name: &str, document: &Value| Source {
        name: name.to_owned(),
        content: Ok(document.to_string().into_bytes()),
    };
    let mut sources = vec![source("state.yaml", document)];
    if document.get("mainAccount").is_none() {
        let main = json!({"sid": format!("AC{}", "f".repeat(32))});
        let head = json!({"apiVersion": "subaccountd/v1", "kind": "DesiredState", "mainAccount": main});
        sources.push(source("main.yaml", &head));
    }
    parse(&sources).faults.iter().map(|fault| fault.code).collect()
}

/// A walk through the schema that makes a value of it. Every keyword that is met must be known.
struct Walk<'a> {
    runner: &'a mut TestRunner,
    /// Where a rule was applied: the pointer of the value, and the rule.
    rules: Vec<(String, Rule)>,
}

/// A rule of the schema, as it holds for one value.
#[derive(Debug, Clone)]
enum Rule {
    Type,
    Const,
    Choice,
    Pattern,
    Shortest,
    Longest(usize),
    Required(String),
    NoOtherKeys,
    KeysBounded(usize),
    MostKeys(usize),
    EachOnce,
    CloseWithClosed,
    ClosedWithoutClose,
    EndCallsOfActive,
    NoNumbers,
    NameWithoutSid,
    OpenWithoutSid,
    NotBoth,
    Least(u64),
    Most(u64),
    NotEmpty,
    MostItems(usize),
}

const KNOWN: [&str; 30] = [
    "not",
    "$defs",
    "$ref",
    "$schema",
    "title",
    "description",
    "examples",
    "type",
    "properties",
    "patternProperties",
    "additionalProperties",
    "required",
    "items",
    "uniqueItems",
    "const",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "maxProperties",
    "propertyNames",
    "anyOf",
    "if",
    "allOf",
    "dependentRequired",
    "format",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
];

impl Walk<'_> {
    fn draw<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(self.runner).unwrap().current()
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.draw(&(0..100_u32)) < percent
    }

    fn value(&mut self, schema: &Value, at: &str) -> Value {
        let schema = schema.as_object().unwrap();
        for keyword in schema.keys() {
            assert!(
                KNOWN.contains(&keyword.as_str()) || ["then", "else"].contains(&keyword.as_str()),
                "{keyword}"
            );
        }
        if let Some(Value::String(to)) = schema.get("$ref") {
            return self.value(SCHEMA.pointer(to.trim_start_matches('#')).unwrap(), at);
        }
        if let Some(Value::Array(choices)) =
            schema.get("anyOf").filter(|_| !schema.contains_key("properties"))
        {
            let choice = self.draw(&(0..choices.len()));
            return self.value(&choices[choice], at);
        }
        if let Some(only) = schema.get("const") {
            self.rule(at, Rule::Const);
            return only.clone();
        }
        if let Some(Value::Array(choices)) = schema.get("enum") {
            self.rule(at, Rule::Choice);
            let choice = self.draw(&(0..choices.len()));
            return choices[choice].clone();
        }
        self.rule(at, Rule::Type);
        match schema["type"].as_str().unwrap() {
            "boolean" => self.draw(&any::<bool>()).into(),
            "integer" => self.integer(schema, at),
            "string" => self.text(schema, at).into(),
            "array" => self.array(schema, at),
            "object" => self.object(schema, at),
            other => panic!("{other}"),
        }
    }

    fn rule(&mut self, at: &str, rule: Rule) {
        self.rules.push((at.to_owned(), rule));
    }

    fn text(&mut self, schema: &Map<String, Value>, at: &str) -> String {
        if let Some(Value::String(pattern)) = schema.get("pattern") {
            self.rule(at, Rule::Pattern);
            let pattern = match at.rsplit('/').next() {
                // Ranges that go backwards are beyond schemas.
                Some("schedule") => {
                    "[1-5]?[0-9] (1?[0-9]|\\*) (\\*/)?[1-9] ([Jj]AN|[1-9]) (0-5(,SUN)?|\\*|tue,7)"
                }
                // So are durations that are too long.
                Some("duration") => "[1-9][0-9]?[mhd]|[67][0-9]s",
                Some(_) | None => pattern.trim_start_matches('^').trim_end_matches('$'),
            };
            return self.draw(&string_regex(pattern).unwrap());
        }
        let bound =
            |keyword: &str| schema.get(keyword).and_then(Value::as_u64).map(|n| usize::try_from(n).unwrap());
        let (shortest, longest) = (bound("minLength").unwrap(), bound("maxLength").unwrap());
        self.rule(at, Rule::Shortest);
        self.rule(at, Rule::Longest(longest));
        let length = if self.chance(20) { longest } else { self.draw(&(shortest..longest.min(12))) };
        // Any character but those that YAML takes for line breaks or does not take.
        self.draw(&string_regex(&format!("[ -~¡-ÿ株{{}}\\[\\]:#&*!|>'\"%@`\u{1f389}]{{{length}}}")).unwrap())
    }

    fn integer(&mut self, schema: &Map<String, Value>, at: &str) -> Value {
        let (least, most) = (schema["minimum"].as_u64().unwrap(), schema["maximum"].as_u64().unwrap());
        self.rule(at, Rule::Least(least));
        self.rule(at, Rule::Most(most));
        self.draw(&(least..=most)).into()
    }

    fn array(&mut self, schema: &Map<String, Value>, at: &str) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).map(|n| usize::try_from(n).unwrap());
        let count = self.draw(&(least.unwrap_or_default()..4_usize));
        if least.is_some() {
            self.rule(at, Rule::NotEmpty);
        }
        if let Some(most) = schema.get("maxItems").and_then(Value::as_u64).filter(|_| count > 0) {
            self.rule(at, Rule::MostItems(usize::try_from(most).unwrap()));
        }
        let items: Vec<_> = (0..count).map(|n| self.value(&schema["items"], &format!("{at}/{n}"))).collect();
        if schema.get("uniqueItems").is_some() && count > 0 {
            self.rule(at, Rule::EachOnce);
        }
        items.into()
    }

    fn object(&mut self, schema: &Map<String, Value>, at: &str) -> Value {
        if let Some(most) = schema.get("maxProperties").and_then(Value::as_u64) {
            return self.labels(schema, usize::try_from(most).unwrap(), at);
        }
        let required = schema.get("required").and_then(Value::as_array);
        let required: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (key, of) in schema["properties"].as_object().unwrap() {
            if required.contains(&key.as_str()) || self.chance(60) {
                let value = self.value(of, &format!("{at}/{key}"));
                object.insert(key.clone(), value);
            }
        }
        if schema.contains_key("not") {
            assert_eq!(schema["not"]["required"], json!(PAIR));
            // What the defaults of an account and its claims name together is beyond schemas.
            if at.ends_with("/numberDefaults")
                || PAIR.iter().all(|key| object.get(*key).is_some_and(|sid| sid != ""))
            {
                object.remove(PAIR[0]);
                self.rules.retain(|(place, _)| *place != format!("{at}/{}", PAIR[0]));
            }
            self.rule(at, Rule::NotBoth);
        }
        for key in required {
            self.rule(at, Rule::Required(key.to_owned()));
        }
        if let Some(Value::Object(dependents)) = schema.get("dependentRequired") {
            for (key, needs) in dependents {
                if !object.contains_key(key) {
                    continue;
                }
                let need = needs[0].as_str().unwrap();
                if !object.contains_key(need) {
                    let value = self.value(&schema["properties"][need], &format!("{at}/{need}"));
                    object.insert(need.to_owned(), value);
                }
                self.rule(at, Rule::Required(need.to_owned()));
            }
        }
        assert_eq!(schema["additionalProperties"], json!(false));
        self.rule(at, Rule::NoOtherKeys);
        assert_eq!(schema["patternProperties"], json!({"^x-": true}));
        if self.chance(20) {
            object.insert("x-note".to_owned(), json!([null, {"a": 1.5}]));
        }
        if schema.contains_key("if") {
            self.conditions(schema, &mut object, at);
        }
        if schema.contains_key("anyOf") {
            self.sid_or_name(schema, &mut object, at);
        }
        object.into()
    }

    /// The one choice of keys: an entry has a SID, or a name that Twilio keeps, and then it is not to close.
    fn sid_or_name(&mut self, schema: &Map<String, Value>, object: &mut Map<String, Value>, at: &str) {
        assert_eq!(schema["anyOf"][0], json!({"required": ["sid"]}));
        let other = &schema["anyOf"][1];
        assert_eq!(other["required"], json!(["friendlyName"]));
        assert_eq!(other["properties"]["status"], json!({"enum": ["active", "suspended"]}));
        if object.contains_key("sid") {
            return;
        }
        if object["status"] == json!("closed") {
            let sid = self.value(&schema["properties"]["sid"], &format!("{at}/sid"));
            object.insert("sid".to_owned(), sid);
            return;
        }
        let name = format!("{at}/friendlyName");
        self.rules.retain(|(place, _)| *place != name);
        object.insert("friendlyName".to_owned(), self.draw(&"[!-~¡-¦株]{1,9}( [a-zß]{1,9}){0,3}").into());
        for rule in [Rule::Type, Rule::Shortest, Rule::Longest(64)] {
            self.rule(&name, rule);
        }
        for rule in [Rule::Required("friendlyName".to_owned()), Rule::NameWithoutSid, Rule::OpenWithoutSid] {
            self.rule(at, rule);
        }
    }

    /// The conditions of the format: `close` with `closed` and with nothing else, and no numbers then; no ended calls with
    /// `active`.
    fn conditions(&mut self, schema: &Map<String, Value>, object: &mut Map<String, Value>, at: &str) {
        assert_eq!(schema["if"]["properties"], json!({"status": {"const": "closed"}}));
        assert_eq!(
            schema["then"],
            json!({"required": ["close"], "properties": {"numbers": {"maxItems": 0}}})
        );
        assert_eq!(schema["else"], json!({"properties": {"close": false}}));
        let inside = |(place, _): &(String, Rule)| {
            !place.starts_with(&format!("{at}/close")) && !place.starts_with(&format!("{at}/numbers"))
        };
        if object["status"] == json!("closed") {
            self.rules.retain(|rule| inside(rule) || rule.0.starts_with(&format!("{at}/close")));
            object.insert("numbers".to_owned(), json!([]));
            if !object.contains_key("close") {
                let close = self.value(&schema["properties"]["close"], &format!("{at}/close"));
                object.insert("close".to_owned(), close);
            }
            self.rule(at, Rule::ClosedWithoutClose);
            self.rule(at, Rule::NoNumbers);
        } else {
            self.rules.retain(|rule| !rule.0.starts_with(&format!("{at}/close")));
            object.remove("close");
            self.rule(at, Rule::CloseWithClosed);
        }
        assert_eq!(
            schema["allOf"],
            json!([{"if": {"properties": {"status": {"const": "active"}}, "required": ["status"]},
                    "then": {"properties": {"endCalls": {"const": false}}}}])
        );
        if object["status"] == json!("active") {
            object.entry("endCalls").and_modify(|ended| *ended = json!(false));
            self.rule(at, Rule::EndCallsOfActive);
        }
    }

    fn labels(&mut self, schema: &Map<String, Value>, most: usize, at: &str) -> Value {
        let count = if self.chance(10) { most } else { self.draw(&(0..4_usize)) };
        let label = |n: usize| format!("label{n}");
        let mut labels = Map::new();
        for n in 0..count {
            labels
                .insert(label(n), self.value(&schema["additionalProperties"], &format!("{at}/{}", label(n))));
        }
        let longest = usize::try_from(schema["propertyNames"]["maxLength"].as_u64().unwrap()).unwrap();
        self.rule(at, Rule::KeysBounded(longest));
        self.rule(at, Rule::MostKeys(most));
        labels.into()
    }
}

/// `document` with `rule` broken at `place`, and nothing else.
fn broken(document: &Value, place: &str, rule: &Rule, pick: usize) -> Value {
    let mut document = document.clone();
    let value = document.pointer_mut(place).unwrap();
    let others = [json!(null), json!(true), json!(7), json!("x"), json!([]), json!({})];
    let of_type = |value: &Value| others.iter().position(|other| kind(other) == kind(value)).unwrap();
    match rule {
        Rule::Type => {
            *value = others[(of_type(value) + 1 + pick % (others.len() - 1)) % others.len()].clone();
        }
        Rule::Const | Rule::Choice => *value = json!(format!("{}x", value.as_str().unwrap())),
        Rule::Pattern => {
            let text = value.as_str().unwrap();
            // Blanks around a schedule mean nothing.
            let one_more = if place.ends_with("/schedule") { "é" } else { ["", " ", "é"][pick % 3] };
            let first = text.get(..1).unwrap_or("x");
            *value = if one_more.is_empty() { json!(first) } else { json!(format!("{text}{one_more}")) };
        }
        Rule::Shortest => *value = json!(""),
        Rule::Longest(longest) => *value = json!("ä".repeat(longest + 1)),
        Rule::Required(key) => drop(value.as_object_mut().unwrap().remove(key)),
        Rule::NoOtherKeys => {
            let key = ["colour", "X-note", "", "sids", "x_note"][pick % 5];
            value.as_object_mut().unwrap().insert(key.to_owned(), json!("x"));
        }
        Rule::KeysBounded(longest) => {
            let key = if pick.is_multiple_of(2) { String::new() } else { "k".repeat(longest + 1) };
            let labels = value.as_object_mut().unwrap();
            labels.clear();
            labels.insert(key, json!("x"));
        }
        Rule::MostKeys(most) => {
            *value = (0..=*most).map(|n| (format!("k{n}"), json!("x"))).collect::<Map<_, _>>().into();
        }
        Rule::EachOnce => {
            let items = value.as_array_mut().unwrap();
            items.push(items[pick % items.len()].clone());
        }
        Rule::NotBoth => {
            value[PAIR[0]] = json!(format!("AP{}", "0".repeat(32)));
            value[PAIR[1]] = json!(format!("TK{}", "0".repeat(32)));
        }
        Rule::Least(least) => *value = json!(least - 1),
        Rule::Most(most) => *value = json!(most + 1),
        Rule::NotEmpty => *value = json!([]),
        Rule::MostItems(most) => {
            let items = value.as_array_mut().unwrap();
            let first = items[0].clone();
            items.resize(most + 1, first);
        }
        Rule::CloseWithClosed => value["close"] = json!({"confirm": "acme"}),
        Rule::ClosedWithoutClose => drop(value.as_object_mut().unwrap().remove("close")),
        Rule::NameWithoutSid => {
            value["friendlyName"] =
                json!([" acme", "acme ", "a  b", "a\tb", "a\u{a0}b", "a\u{7f}"][pick % 6]);
        }
        Rule::OpenWithoutSid => {
            let entry = value.as_object_mut().unwrap();
            entry.insert("status".to_owned(), json!("closed"));
            entry.insert("close".to_owned(), json!({"confirm": "acme"}));
            entry.remove("numbers");
        }
        Rule::EndCallsOfActive => value["endCalls"] = json!(true),
        Rule::NoNumbers => value["numbers"] = json!(["+999999999999999"]),
    }
    document
}

const fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// The number of documents, and the seed of their draws: the same in every build; others with
/// `GENERATED=5000 cargo test -p subaccountd-core generated`.
fn draws() -> (usize, TestRunner) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let asked = std::env::var("GENERATED").ok().and_then(|count| count.parse().ok());
    asked.map_or_else(|| (25, TestRunner::deterministic()), |count| (count, TestRunner::new(config)))
}

#[test]
fn parser_accepts_documents_of_the_schema_and_refuses_those_that_break_one_rule() {
    let (count, mut runner) = draws();
    let (mut taken, mut beyond, mut refused) = (0, 0, 0);
    let mut kinds = std::collections::BTreeSet::new();
    for pick in 0..count {
        let mut walk = Walk { runner: &mut runner, rules: Vec::new() };
        let document = walk.value(&SCHEMA, "");
        let rules = walk.rules;
        assert!(VALIDATOR.is_valid(&document), "the walk left the schema: {document}");
        let found = faults(&document);
        assert!(found.iter().all(|code| BEYOND.contains(code)), "{found:?}: {document}");
        beyond += usize::from(!found.is_empty());
        taken += 1;
        for (place, rule) in rules {
            // An empty document is skipped, which no schema can express.
            let document = broken(&document, &place, &rule, pick);
            if document.is_null() {
                continue;
            }
            assert!(
                !VALIDATOR.is_valid(&document),
                "the schema takes {rule:?} broken at {place}: {document}"
            );
            assert!(!faults(&document).is_empty(), "the parser takes {rule:?} broken at {place}: {document}");
            kinds.insert(format!("{rule:?}").split('(').next().unwrap().to_owned());
            refused += 1;
        }
    }
    let told = format!("{taken} made, {beyond} with a fault beyond schemas; {refused} broken and refused\n");
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    assert_eq!(kinds.len(), 22, "{kinds:?}");
    assert!(beyond * 10 < taken && refused > taken, "{beyond} of {taken}, {refused}");
}
