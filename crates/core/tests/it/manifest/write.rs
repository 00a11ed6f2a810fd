//! The export of a fleet: it is read back without a fault, has an empty plan, and equals the fleet.

use std::collections::BTreeMap;

use proptest::prelude::*;
use subaccountd_core::{
    Account, AccountSid, Desired, DesiredStatus, History, LiveStatus, Now, Number, NumberList, NumberSetting,
    Observed, PhoneNumber, Policy, ResourceRef, ResourceRefs, ShownSettings, Status,
    manifest::{
        Source,
        export::{Export, ExportFilter},
        parse,
    },
    plan,
};

use crate::support::{
    scene::{NOON, desired, number, sid, time},
    text::short,
};

/// A fleet: accounts with names and statuses, and who holds which number.
struct Fleet {
    accounts: Vec<Account>,
    lists: BTreeMap<AccountSid, Result<Vec<Number>, String>>,
}

impl Fleet {
    fn new() -> Self {
        Self { accounts: Vec::new(), lists: BTreeMap::new() }.account("AC00", "main", Status::Active)
    }

    fn account(self, account: &str, name: &str, status: Status) -> Self {
        self.with_status(account, name, LiveStatus::Known(status))
    }

    fn with_status(mut self, account: &str, name: &str, status: LiveStatus) -> Self {
        let (sid, owner) = (sid(account), Some(sid("AC00")));
        self.accounts.push(Account {
            sid,
            owner,
            friendly_name: name.to_owned(),
            status,
            date_created: None,
            date_updated: None,
        });
        self.lists.entry(sid).or_insert_with(|| Ok(Vec::new()));
        self
    }

    fn holds(self, account: &str, phone: &str) -> Self {
        self.holds_one(account, number(phone))
    }

    fn holds_one(mut self, account: &str, number: Number) -> Self {
        self.lists.get_mut(&sid(account)).unwrap().as_mut().unwrap().push(number);
        self
    }

    fn unreadable(mut self, account: &str) -> Self {
        self.lists.insert(sid(account), Err("500".to_owned()));
        self
    }

    /// The observation with the number lists that `filter` needs.
    fn observed(&self, choice: &ExportFilter) -> Observed {
        let mut observed = Observed::new(sid("AC00"), self.accounts.clone());
        for account in choice.lists(&observed) {
            let list = self.lists[&account].clone();
            observed.add_number_list(account, list.map_or_else(NumberList::Unreadable, NumberList::Known));
        }
        observed
    }

    fn draft(&self, choice: &ExportFilter) -> Export {
        Export::new(&self.observed(choice), choice, None)
    }

    /// The text, after it was seen to be a state whose plan is empty, alike in one file and in many.
    fn written(&self, choice: &ExportFilter) -> String {
        let (observed, draft) = (self.observed(choice), self.draft(choice));
        let whole = settled(&[("all.yaml".to_owned(), draft.whole())], &observed);
        assert_eq!(whole, settled(&draft.split().into_iter().collect::<Vec<_>>(), &observed));
        draft.whole()
    }
}

/// The state of `files`, which has no fault and whose plan is empty.
fn settled(files: &[(String, String)], observed: &Observed) -> Desired {
    let source = |(name, text): &(String, String)| Source {
        name: name.clone(),
        content: Ok(text.clone().into_bytes()),
    };
    let reading = parse(&files.iter().map(source).collect::<Vec<_>>());
    assert_eq!(reading.faults, [], "{files:#?}");
    let now = Now::new(time(NOON), Some(time(NOON)));
    let plan = plan(&reading.desired, observed, &History::default(), &Policy::default(), now).unwrap();
    assert_eq!((plan.actions, plan.held), (Vec::new(), Vec::new()));
    reading.desired
}

fn choice(statuses: &[Status]) -> ExportFilter {
    ExportFilter { statuses: statuses.iter().copied().collect(), ..ExportFilter::default() }
}

fn a_fleet() -> Fleet {
    Fleet::new()
        .account("AC01", "acme", Status::Active)
        .account("AC02", "globex: #1 \"the\" one", Status::Suspended)
        .account("AC03", "umbrella", Status::Closed)
        .with_status("AC04", "initech", LiveStatus::Unknown("limited\n- sid".to_owned()))
        .account("AC05", "", Status::Active)
        .holds("AC00", "+15105550100")
        .holds("AC01", "+15105550102")
        .holds("AC01", "+15105550101")
        .holds_one(
            "AC02",
            Number {
                needs_address: true,
                resource_refs: ResourceRefs::from_iter([ResourceRef::Bundle]),
                ..number("+493012345678")
            },
        )
}

#[test]
fn settings_are_written_when_asked_for_and_urls_with_credentials_are_told() {
    let with = |text: &str, values: &[(NumberSetting, &str)]| {
        let mut shown = ShownSettings::default();
        for (setting, value) in values {
            shown.insert(*setting, value);
        }
        Number { settings: Some(Box::new(shown)), ..number(text) }
    };
    let fleet = Fleet::new()
        .account("AC01", "acme", Status::Active)
        .holds_one(
            "AC01",
            with(
                "+15105550101",
                &[
                    (NumberSetting::FriendlyName, "desk: \"front\" #1"),
                    (NumberSetting::VoiceUrl, "https://example.com/voice"),
                    (NumberSetting::VoiceMethod, "GET"),
                    (NumberSetting::SmsMethod, "POST"),
                    (NumberSetting::SmsUrl, "https://user:secret@example.com/sms"),
                    (NumberSetting::StatusCallback, "https://example.com/?token=secret"),
                    (NumberSetting::TrunkSid, "TK00000000000000000000000000000001"),
                ],
            ),
        )
        .holds_one("AC01", with("+15105550102", &[(NumberSetting::VoiceUrl, "example.com")]))
        .holds_one("AC01", with("+15105550103", &[(NumberSetting::FriendlyName, &"x".repeat(65))]));
    let text = fleet.written(&ExportFilter { number_settings: true, ..ExportFilter::default() });
    assert!(!text.contains("secret"), "{text}");
    insta::assert_snapshot!(short(&text), @r#"
    # yaml-language-server: $schema=./desired-state.v1.schema.json
    # Written by `subaccountd import`: the accounts as they are at Twilio; the plan of this state is empty.
    # Edit it as needed. Accounts that it does not list are never changed.
    apiVersion: subaccountd/v1
    kind: DesiredState
    mainAccount:
      sid: AC00
    subaccounts:
      - sid: AC01 # acme
        status: active
        numbers:
          - number: "+15105550101"
            friendlyName: "desk: \"front\" #1"
            voiceUrl: "https://example.com/voice"
            voiceMethod: "GET"
            trunkSid: "TK01"
            # smsUrl is skipped: it carries user information, a query or a fragment, or is not a valid URL
            # statusCallback is skipped: it carries user information, a query or a fragment, or is not a valid URL
          - "+15105550102"
            # voiceUrl is skipped: it carries user information, a query or a fragment, or is not a valid URL
          - "+15105550103"
            # friendlyName is skipped: a state cannot name its value
    "#);
    let plain = fleet.written(&ExportFilter::default());
    assert!(!plain.contains("desk") && !plain.contains("skipped"), "{plain}");
}

#[test]
fn a_fleet_is_written_by_sid_with_one_number_per_line_and_names_as_comments() {
    let text = a_fleet().written(&ExportFilter::default());
    insta::assert_snapshot!(short(&text), @r#"
    # yaml-language-server: $schema=./desired-state.v1.schema.json
    # Written by `subaccountd import`: the accounts as they are at Twilio; the plan of this state is empty.
    # Edit it as needed. Accounts that it does not list are never changed.
    apiVersion: subaccountd/v1
    kind: DesiredState
    mainAccount:
      sid: AC00
      numbers:
        - "+15105550100"
    subaccounts:
      - sid: AC01 # acme
        status: active
        numbers:
          - "+15105550101"
          - "+15105550102"
      - sid: AC02 # globex: #1 "the" one
        status: suspended
        numbers:
          - "+493012345678" # a transfer needs an addressSid and a bundleSid
      # AC04 (initech) is skipped: unknown status "limited�- sid" at Twilio
      - sid: AC05
        status: active
    "#);
    assert_eq!(a_fleet().draft(&ExportFilter::default()).closed_left_out(), 1);
}

#[test]
fn closed_accounts_are_written_when_asked_for_and_names_as_checks() {
    let choice = ExportFilter { check_names: true, ..choice(&Status::ALL) };
    insta::assert_snapshot!(short(&a_fleet().written(&choice)), @r#"
    # yaml-language-server: $schema=./desired-state.v1.schema.json
    # Written by `subaccountd import`: the accounts as they are at Twilio; the plan of this state is empty.
    # Edit it as needed. Accounts that it does not list are never changed.
    apiVersion: subaccountd/v1
    kind: DesiredState
    mainAccount:
      sid: AC00
      numbers:
        - "+15105550100"
    subaccounts:
      - sid: AC01
        friendlyName: "acme"
        status: active
        numbers:
          - "+15105550101"
          - "+15105550102"
      - sid: AC02
        friendlyName: "globex: #1 \"the\" one"
        status: suspended
        numbers:
          - "+493012345678" # a transfer needs an addressSid and a bundleSid
      - sid: AC03
        friendlyName: "umbrella"
        status: closed
        close:
          confirm: "umbrella"
      # AC04 (initech) is skipped: unknown status "limited�- sid" at Twilio
      - sid: AC05
        status: active
    "#);
}

#[test]
fn each_account_has_a_file_of_its_own_and_the_main_account_too() {
    let files = a_fleet().draft(&ExportFilter::default()).split();
    let names: Vec<_> = files.keys().map(|name| short(name)).collect();
    assert_eq!(names, ["AC01.yaml", "AC02.yaml", "AC05.yaml", "main.yaml"]);
    insta::assert_snapshot!(short(&files["main.yaml"]), @r#"
    # yaml-language-server: $schema=./desired-state.v1.schema.json
    # Written by `subaccountd import`: the accounts as they are at Twilio; the plan of this state is empty.
    # Edit it as needed. Accounts that it does not list are never changed.
    apiVersion: subaccountd/v1
    kind: DesiredState
    mainAccount:
      sid: AC00
      numbers:
        - "+15105550100"
      # AC04 (initech) is skipped: unknown status "limited�- sid" at Twilio
    "#);
    insta::assert_snapshot!(short(files.values().next().unwrap()), @r#"
    # yaml-language-server: $schema=./desired-state.v1.schema.json
    # Written by `subaccountd import`: the accounts as they are at Twilio; the plan of this state is empty.
    # Edit it as needed. Accounts that it does not list are never changed.
    apiVersion: subaccountd/v1
    kind: DesiredState
    subaccounts:
      - sid: AC01 # acme
        status: active
        numbers:
          - "+15105550101"
          - "+15105550102"
    "#);
}

#[test]
fn filters_hold_for_the_numbers_of_the_main_account_too() {
    let written = |choice: ExportFilter| {
        let reading = parse(&[Source {
            name: "state.yaml".to_owned(),
            content: Ok(a_fleet().written(&choice).into_bytes()),
        }]);
        let accounts: Vec<_> =
            reading.desired.accounts().map(|entry| short(&entry.sid.to_string())).collect();
        let numbers: Vec<_> = reading.desired.claims().map(|(_, number, _)| number.to_string()).collect();
        (accounts.join(" "), numbers.join(" "))
    };
    let of = |accounts: &str, numbers: &str| (accounts.to_owned(), numbers.to_owned());
    let sids = |sids: &[&str]| ExportFilter {
        sids: sids.iter().map(|text| sid(text)).collect(),
        ..ExportFilter::default()
    };
    let prefix = |prefix: &str| ExportFilter { name_prefix: prefix.to_owned(), ..ExportFilter::default() };
    assert_eq!(written(choice(&[Status::Suspended])), of("AC02", "+493012345678"));
    assert_eq!(written(choice(&[Status::Closed])), of("AC03", ""));
    assert_eq!(written(prefix("ac")), of("AC01", "+15105550101 +15105550102"));
    assert_eq!(written(prefix("ma")), of("", "+15105550100"));
    assert_eq!(written(sids(&["AC05", "AC02"])), of("AC02 AC05", "+493012345678"));
    assert_eq!(written(sids(&["AC00"])), of("", "+15105550100"));
    let none = ExportFilter { numbers: false, ..ExportFilter::default() };
    assert_eq!(written(none), of("AC01 AC02 AC05", ""));
}

#[test]
fn unclaimable_number_is_skipped_with_a_comment() {
    let fleet = a_fleet().holds("AC05", "+15105550101").unreadable("AC02");
    insta::assert_snapshot!(short(&fleet.written(&ExportFilter::default())), @r#"
    # yaml-language-server: $schema=./desired-state.v1.schema.json
    # Written by `subaccountd import`: the accounts as they are at Twilio; the plan of this state is empty.
    # Edit it as needed. Accounts that it does not list are never changed.
    apiVersion: subaccountd/v1
    kind: DesiredState
    mainAccount:
      sid: AC00
      numbers:
        - "+15105550100"
    subaccounts:
      - sid: AC01 # acme
        status: active
        # "+15105550101" is skipped: seen in two accounts at once: a transfer is in progress
        numbers:
          - "+15105550102"
      - sid: AC02 # globex: #1 "the" one
        status: suspended
        # its numbers are skipped: the number list could not be read
      # AC04 (initech) is skipped: unknown status "limited�- sid" at Twilio
      - sid: AC05
        status: active
        # "+15105550101" is skipped: seen in two accounts at once: a transfer is in progress
    "#);
    let said: Vec<_> =
        fleet.draft(&ExportFilter::default()).left_out().iter().map(|line| short(line)).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    AC01: "+15105550101" is skipped: seen in two accounts at once: a transfer is in progress
    AC02: its numbers are skipped: the number list could not be read
    AC05: "+15105550101" is skipped: seen in two accounts at once: a transfer is in progress
    AC04 (initech) is skipped: unknown status "limited�- sid" at Twilio
    "#);
}

#[test]
fn an_invalid_name_is_omitted_and_its_account_is_skipped_when_closed() {
    let long = "x".repeat(65);
    let fleet = Fleet::new()
        .account("AC01", &long, Status::Active)
        .account("AC02", &long, Status::Closed)
        .account("AC03", &long[1..], Status::Closed);
    let choice = ExportFilter { check_names: true, ..choice(&Status::ALL) };
    insta::assert_snapshot!(short(&fleet.written(&choice)), @r#"
    # yaml-language-server: $schema=./desired-state.v1.schema.json
    # Written by `subaccountd import`: the accounts as they are at Twilio; the plan of this state is empty.
    # Edit it as needed. Accounts that it does not list are never changed.
    apiVersion: subaccountd/v1
    kind: DesiredState
    mainAccount:
      sid: AC00
    subaccounts:
      - sid: AC01 # xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
        status: active
      # AC02 (xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…) is skipped: it is closed, and `close.confirm` needs a name of 1 to 64 characters
      - sid: AC03
        friendlyName: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        status: closed
        close:
          confirm: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "#);
}

#[test]
fn invisible_characters_are_replaced_in_comments_and_escaped_in_values() {
    let name = "a\n\u{7f}\u{85}\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{202e}\u{2066}\u{feff}\u{fff9}\u{ffff}\u{e0041}";
    let kept = "é\u{200d}🏳️‍🌈\u{e000}";
    let fleet = Fleet::new().account("AC01", &format!(" {name} "), Status::Active).account(
        "AC02",
        kept,
        Status::Active,
    );
    let comments = fleet.written(&ExportFilter::default());
    assert!(
        comments.contains(&format!(" # a{}\n", "\u{fffd}".repeat(name.chars().count() - 1))),
        "{comments}"
    );
    assert!(comments.contains(&format!(" # {kept}\n")), "{comments}");
    let checks = fleet.written(&ExportFilter { check_names: true, ..ExportFilter::default() });
    let spelled = r#"" a\u000A\u007F\u0085\u00AD\u061C\u200B\u200E\u200F\u2028\u202E\u2066\uFEFF\uFFF9\uFFFF\U000E0041 ""#;
    assert!(checks.contains(&format!("friendlyName: {spelled}\n")), "{checks}");
    assert!(checks.contains(&format!("friendlyName: \"{kept}\"\n")), "{checks}");
}

#[test]
fn missing_accounts_go_beside_the_state_without_a_fault() {
    let state = "
        subaccounts:
        - {sid: AC02, status: suspended, numbers: ['+15105550101']}
        - {sid: AC03, status: closed, close: {confirm: umbrella, release: ['+15105550102']}}
";
    let fleet = a_fleet().account("AC06", "hooli", Status::Active).holds("AC06", "+15105550106");
    let (choice, listed) = (ExportFilter::default(), desired(state));
    let draft = Export::new(&fleet.observed(&choice), &choice, Some(&listed));
    insta::assert_snapshot!(short(&draft.whole()), @r#"
    # yaml-language-server: $schema=./desired-state.v1.schema.json
    # Written by `subaccountd import --missing`: accounts that the desired state does not list, as they are at Twilio.
    apiVersion: subaccountd/v1
    kind: DesiredState
    subaccounts:
      # AC00 (main) is listed, but the desired state does not claim all of its numbers
      #   - "+15105550100"
      - sid: AC01 # acme
        status: active
        # "+15105550101" is skipped: AC02 already claims it
        # "+15105550102" is skipped: `close.release` of AC03 lists it
      # AC02 (globex: #1 "the" one) is listed, but the desired state does not claim all of its numbers
      #   - "+493012345678"
      # AC04 (initech) is skipped: unknown status "limited�- sid" at Twilio
      - sid: AC05
        status: active
      - sid: AC06 # hooli
        status: active
        numbers:
          - "+15105550106"
    "#);
    assert_eq!((draft.accounts(), draft.numbers()), (3, 1));
    let head = "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n";
    let first = crate::support::text::long(&format!("{head}{}", crate::support::text::dedent(state)));
    let both = [first, draft.whole()]
        .map(|text| Source { name: "state.yaml".to_owned(), content: Ok(text.into_bytes()) });
    let reading = parse(&both);
    assert_eq!(reading.faults, []);
    assert_eq!(reading.desired.accounts().count(), 5);
}

#[test]
fn a_state_that_lists_everything_lacks_nothing() {
    let fleet = a_fleet();
    let choice = ExportFilter::default();
    let listed = settled(&[("a".to_owned(), fleet.written(&choice))], &fleet.observed(&choice));
    let fleet =
        Fleet { accounts: fleet.accounts.into_iter().filter(|a| a.sid != sid("AC04")).collect(), ..fleet };
    let draft = Export::new(&fleet.observed(&choice), &choice, Some(&listed));
    assert!(draft.whole().ends_with("subaccounts: []\n"), "{}", draft.whole());
    assert_eq!(draft.split(), BTreeMap::new());
    assert_eq!(draft.left_out(), Vec::<String>::new());
}

/// Ordinary names, and names that try to be read as something else.
fn name() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec![
        "yes",
        "null",
        "~",
        "0o17",
        "1_000",
        "-",
        "? a",
        ": b",
        " # c",
        "a: b",
        "[x]",
        "{x: y}",
        "&a",
        "*a",
        "!t",
        "%d",
        "@",
        "`",
        "'",
        "\"",
        "\\",
        "\\n",
        "x\n  - sid: y",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\0",
        "\u{1b}[2J",
        "\u{202e}",
        "\t",
        "...",
        "---",
        "|",
        ">",
        "<<",
        "🏳️‍🌈",
        "日本",
    ]);
    prop_oneof![
        2 => prop::collection::vec(any::<char>(), 0..80).prop_map(String::from_iter),
        3 => prop::collection::vec(hostile, 0..8).prop_map(|words| words.concat()),
        1 => "[a-z ]{0,70}",
    ]
}

fn status() -> impl Strategy<Value = LiveStatus> {
    prop_oneof![
        8 => prop::sample::select(Status::ALL.to_vec()).prop_map(LiveStatus::Known),
        1 => name().prop_map(LiveStatus::Unknown),
    ]
}

proptest! {
    #[test]
    fn exported_state_reads_back_as_the_fleet_under_any_names(
        accounts in prop::collection::vec((name(), status()), 0..6),
        holders in prop::collection::vec((0_usize..7, any::<bool>(), any::<bool>()), 0..12),
        check_names: bool,
    ) {
        let mut fleet = Fleet::new();
        for (n, (name, status)) in accounts.iter().enumerate() {
            fleet = fleet.with_status(&format!("AC{:02}", n + 1), name, status.clone());
        }
        for (n, (holder, needs_address, has_bundle)) in holders.iter().enumerate() {
            let number = number(&format!("+151055501{n:02}"));
            let number = Number { needs_address: *needs_address, resource_refs: has_bundle.then_some(ResourceRef::Bundle).into_iter().collect(), ..number };
            fleet = fleet.holds_one(&format!("AC{:02}", holder % (accounts.len() + 1)), number);
        }
        let choice = ExportFilter { check_names, ..choice(&Status::ALL) };
        fleet.written(&choice);
        let observed = fleet.observed(&choice);
        let state = settled(&[("a".to_owned(), fleet.draft(&choice).whole())], &observed);
        for account in observed.subaccounts() {
            let fits = (1..=64).contains(&account.friendly_name.chars().count());
            let entry = state.entry(account.sid);
            let Some(status) = account.status.known().filter(|status| fits || *status != Status::Closed) else {
                prop_assert!(entry.is_none());
                continue;
            };
            let entry = entry.unwrap();
            prop_assert_eq!(entry.desired_status.status(), status);
            let checked = (check_names && fits).then_some(&account.friendly_name);
            prop_assert_eq!(entry.friendly_name.as_ref(), checked);
            if let DesiredStatus::Closed(terms) = &entry.desired_status {
                prop_assert_eq!(&terms.confirm, &account.friendly_name);
            }
            let held = observed.numbers(account.sid).unwrap_or_default().iter().filter_map(|number| number.phone);
            let mut held: Vec<PhoneNumber> = held.collect();
            held.sort();
            prop_assert_eq!(entry.numbers.keys().copied().collect::<Vec<_>>(), held);
        }
    }
}
