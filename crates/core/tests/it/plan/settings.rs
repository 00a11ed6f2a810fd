//! The decision on the settings of a claimed number: what differs is configured in the account that claims it.

use subaccountd_core::{
    ActionKind, Limit, NumberSetting, NumberType, Outcome, Receipt, ResourceRef, SettingSet, ShownSettings,
    Target, pass::Want,
};

use crate::support::{
    scene::{Scene, desired, ignored, number, phone, sid, unknown},
    text::short,
};

const NUMBER: &str = "+15105550101";

/// AC01 claims a number, whose calls go to one URL and whose messages to none.
const STATE: &str = r#"
    subaccounts:
    - sid: AC01
      friendlyName: acme
      status: active
      numbers: ["+15105550101"]
      numberDefaults: {voiceUrl: "https://user:secret@example.com/voice?key=secret", smsUrl: ""}
    "#;

fn set(shown: &mut ShownSettings) {
    shown.insert(NumberSetting::VoiceUrl, "https://user:secret@example.com/voice?key=secret");
}

fn drift(shown: &mut ShownSettings) {
    shown.insert(NumberSetting::VoiceUrl, "https://old:secret@example.org/?key=secret");
    shown.insert(NumberSetting::SmsUrl, "https://example.org/sms");
}

/// The number has the settings that the state names.
fn in_sync() -> Scene {
    Scene::new(STATE).shows("AC01", NUMBER, set)
}

/// Others changed the settings of the number.
fn drifted() -> Scene {
    Scene::new(STATE).shows("AC01", NUMBER, drift)
}

fn done() -> Outcome {
    Outcome::Done(Receipt::default())
}

fn reverted(scene: &Scene) -> usize {
    scene.history.times_reverted(&Target::Number(phone(NUMBER)), scene.now, scene.policy.window)
}

#[test]
fn drift_is_configured_and_shown_without_credentials() {
    let shown = drifted().shown();
    assert!(!shown.contains("secret") && !format!("{:?}", drifted().plan()).contains("secret"), "{shown}");
    insta::assert_snapshot!(shown, @r"
    configure +15105550101 of AC01 (voiceUrl, smsUrl) (voiceUrl: https://…@example.org/?… → https://…@example.com/voice?…; smsUrl: https://example.org/sms → (empty))
    ");
    assert_eq!(in_sync().brief(), "");
}

#[test]
fn settings_that_the_state_does_not_name_are_never_sent() {
    let scene = drifted().shows("AC01", NUMBER, |shown| {
        shown.insert(NumberSetting::VoiceUrl, "https://user:secret@example.com/voice?key=secret");
        shown.insert(NumberSetting::StatusCallback, "https://example.org/");
    });
    assert_eq!(scene.brief(), "configure +15105550101 of AC01 (smsUrl)");
    let short = Scene::new("subaccounts: [{sid: AC01, status: active, numbers: ['+15105550101']}]");
    assert_eq!(short.shows("AC01", NUMBER, drift).brief(), "");
}

#[test]
fn claim_wins_over_the_defaults_of_its_account() {
    let own = r#"[{number: "+15105550101", voiceUrl: "", voiceMethod: GET}]"#;
    let scene = drifted().says(&STATE.replace(r#"["+15105550101"]"#, own));
    insta::assert_snapshot!(scene.shown(), @r"
    configure +15105550101 of AC01 (voiceUrl, voiceMethod, smsUrl) (voiceUrl: https://…@example.org/?… → (empty); voiceMethod: POST → GET; smsUrl: https://example.org/sms → (empty))
    ");
}

#[test]
fn main_account_has_defaults_as_well() {
    let state = r#"
        mainAccount: {sid: AC00, numbers: ["+15105550101"], numberDefaults: {friendlyName: front desk}}
        subaccounts: []
        "#;
    assert_eq!(Scene::new(state).brief(), "configure +15105550101 of AC00 (friendlyName)");
}

#[test]
fn transfer_carries_the_settings_and_tells_what_it_may_lose() {
    let urls: SettingSet =
        [NumberSetting::VoiceUrl, NumberSetting::StatusCallback, NumberSetting::SmsFallbackUrl]
            .into_iter()
            .collect();
    let scene = Scene::new(STATE)
        .account("AC02", "hooli", subaccountd_core::Status::Active)
        .nowhere(NUMBER)
        .also_holds_with("AC02", NUMBER, |number| number.urls = urls);
    insta::assert_snapshot!(scene.shown(), @r"
    transfer +15105550101 from AC02 to AC01 (the transfer may clear its smsFallbackUrl and statusCallback: name the settings in the claim to keep them)
    ");
    let [planned] = &scene.plan().actions[..] else { panic!("{}", scene.brief()) };
    let subaccountd_core::Action::Transfer(transfer) = &planned.action else { panic!("{}", scene.brief()) };
    assert_eq!(transfer.settings.names().iter().count(), 2);
    assert_eq!(transfer.settings.value(NumberSetting::SmsUrl), Some(""));
}

#[test]
fn replaced_applications_and_trunks_are_told() {
    let state = r#"
        subaccounts:
        - sid: AC01
          status: active
          numbers: [{number: "+15105550101", voiceApplicationSid: AP01, smsApplicationSid: ""}]
        - {sid: AC02, status: active}
        "#;
    let scene = Scene::new(state).nowhere(NUMBER).also_holds_with("AC02", NUMBER, |number| {
        number.resource_refs =
            [ResourceRef::VoiceApplication, ResourceRef::SmsApplication, ResourceRef::Trunk]
                .into_iter()
                .collect();
    });
    insta::assert_snapshot!(scene.shown(), @r"
    transfer +15105550101 from AC02 to AC01 (its trunk belongs to AC02 and does not transfer: configure it again in AC01; its voice application of AC02 is replaced by AP01 of AC01; its SMS application of AC02 is removed)
    ");
}

#[test]
fn settings_are_held_while_they_must_not_be_changed() {
    let cases = [
        drifted().says(&STATE.replace("status: active", "status: active\n      paused: true")),
        drifted().says(&format!("\n    paused: true{STATE}")),
        drifted().with("AC01", |account| account.friendly_name = "hooli".to_owned()),
        drifted().odd_status("AC01"),
        // Suspended, and about to be suspended.
        drifted().says(&STATE.replace("status: active", "status: suspended")).suspended("AC01"),
        drifted().says(&STATE.replace("status: active", "status: suspended")),
        drifted().forbids(ActionKind::Configure),
        drifted().limit(ActionKind::Configure, Limit::Count(0)),
        in_sync().also_holds("AC00", NUMBER),
    ];
    let briefs: Vec<_> = cases.iter().map(Scene::brief).collect();
    insta::assert_snapshot!(briefs.join("\n--\n"), @r"
    Paused configure AC01 +15105550101
    --
    Paused configure AC01 +15105550101
    --
    NameMismatch configure AC01 +15105550101
    --
    Unreadable reactivate AC01
    Unreadable configure AC01 +15105550101
    --
    TargetNotActive configure AC01 +15105550101
    --
    suspend AC01
    TargetNotActive configure AC01 +15105550101
    --
    NotAllowed configure AC01 +15105550101
    --
    OverLimit configure AC01 +15105550101
    --
    ");
    for scene in cases {
        assert_eq!(scene.plan().of(ActionKind::Configure).count(), 0);
    }
    let words =
        drifted().says(&STATE.replace("status: active", "status: suspended")).suspended("AC01").shown();
    insta::assert_snapshot!(words, @r"
    TargetNotActive: configure of AC01 +15105550101
      settings of +15105550101 are not changed while AC01 is not active: it is not known that Twilio accepts that
      = no action needed: they are changed when the account is active; or remove them from the claim
    ");
}

#[test]
fn settings_of_a_reactivated_account_follow_its_reactivation() {
    let scene = drifted().suspended("AC01");
    assert_eq!(scene.brief(), "reactivate AC01\nconfigure +15105550101 of AC01 (voiceUrl, smsUrl)");
    let over = scene.limit(ActionKind::Reactivate, Limit::Count(0));
    assert_eq!(over.brief(), "OverLimit reactivate AC01\nTargetNotActive configure AC01 +15105550101");
}

#[test]
fn settings_that_cannot_be_read_are_held_and_those_that_the_snapshot_lacks_are_not_known() {
    let unread = in_sync().shows("AC01", NUMBER, |shown| shown.set_unreadable(NumberSetting::SmsUrl));
    let mut dropped = in_sync();
    for number in dropped.lists.get_mut(&sid("AC01")).unwrap().as_mut().unwrap() {
        number.settings = None;
    }
    insta::assert_snapshot!(format!("{}{}", unread.shown(), dropped.shown()), @r"
    Unreadable: configure of AC01 +15105550101
      settings of +15105550101 are not changed: its smsUrl cannot be read
      = check the number in the Twilio Console
    ");
    let open = dropped.plan().not_known;
    assert_eq!(open.len(), 1);
    assert_eq!(short(&open[0].message), "the snapshot has no settings of +15105550101 in AC01");
}

#[test]
fn pass_keeps_settings_only_where_the_state_names_some() {
    let scene = in_sync().also_holds("AC01", "+15105550102").holds("AC00", "+15105550103");
    let observed = scene.observe();
    let kept = observed.lists().flat_map(|(_, list)| list).filter(|number| number.settings.is_some());
    assert_eq!(kept.map(|number| number.phone).collect::<Vec<_>>(), [Some(phone(NUMBER))]);
    // A number of a fleet takes no more memory for settings than a pointer.
    assert!(size_of::<subaccountd_core::Number>() <= 48, "{}", size_of::<subaccountd_core::Number>());
}

/// Twenty claimed numbers of which some have other settings.
fn twenty(drifted: usize) -> Scene {
    let numbers: Vec<_> = (0..20).map(|n| format!("'+151055502{n:02}'")).collect();
    let state = format!(
        "subaccounts: [{{sid: AC01, status: active, numbers: [{}], numberDefaults: {{smsUrl: ''}}}}]",
        numbers.join(", ")
    );
    (0..drifted).fold(Scene::new(&state), |scene, n| scene.shows("AC01", &format!("+151055502{n:02}"), drift))
}

#[test]
fn limit_is_a_quarter_of_the_claimed_numbers_and_at_least_ten() {
    assert_eq!(Limit::Percent(25).allows(ActionKind::Configure, 20), Some(10));
    assert_eq!(Limit::Percent(25).allows(ActionKind::Configure, 400), Some(100));
    assert_eq!(twenty(10).plan().actions.len(), 10);
    let over = twenty(11);
    assert_eq!((over.plan().actions.len(), over.plan().held.len()), (0, 11));
    assert_eq!(
        over.plan().held[0].remedy.split("--max-").nth(1),
        Some("configures` to at least 11, or change the desired state in smaller steps")
    );
    // Unclaimed numbers do not raise it.
    let beside = (0..80).fold(twenty(11), |scene, n| scene.holds("AC00", &format!("+151055503{n:02}")));
    assert_eq!(beside.plan().actions.len(), 0);
}

#[test]
fn fault_that_hides_claims_counts_for_the_limit() {
    let scene = twenty(6).limit(ActionKind::Configure, Limit::Count(10));
    assert_eq!(scene.plan().of(ActionKind::Configure).count(), 6);
    let numbers: Vec<_> = (0..20).map(|n| format!("'+151055502{n:02}'")).collect();
    let state = |faulty: &str| {
        format!(
            "subaccounts:\n- {{sid: AC01, status: active, numbers: [{}], numberDefaults: {{smsUrl: ''}}}}\n- {faulty}\n",
            numbers.join(", ")
        )
    };
    let hidden = "{sid: AC02, status: active, colour: red, numbers: ['+15105550301', '+15105550302', '+15105550303', '+15105550304']}";
    let with_fault = scene.clone().says(&state(hidden));
    assert_eq!(with_fault.plan().of(ActionKind::Configure).count(), 0, "{}", with_fault.brief());
    let three = hidden.replace(", '+15105550304'", "");
    assert_eq!(scene.says(&state(&three)).plan().of(ActionKind::Configure).count(), 6);
}

#[test]
fn settings_that_others_changed_back_twice_are_contested() {
    let mut scene = drifted();
    for _ in 0..2 {
        scene = scene.does(&done()).after("10m").pass();
        assert_eq!(scene.brief(), "");
        scene = scene.shows("AC01", NUMBER, drift).after("10m").pass();
    }
    assert_eq!((reverted(&scene), scene.brief().as_str()), (2, "Contested configure AC01 +15105550101"));
    let restarted = scene.restarted();
    assert_eq!(
        (reverted(&restarted), restarted.brief().as_str()),
        (2, "Contested configure AC01 +15105550101")
    );
    assert_eq!(restarted.after("25h").pass().brief(), "configure +15105550101 of AC01 (voiceUrl, smsUrl)");
}

#[test]
fn drift_after_an_edit_is_not_counted_as_reverted() {
    let edited = STATE.replace("smsUrl: \"\"", "smsUrl: \"https://example.com/sms\"");
    let scene = drifted().does(&done()).after("10m").says(&edited).pass();
    assert_eq!((reverted(&scene), scene.brief().as_str()), (0, "configure +15105550101 of AC01 (smsUrl)"));
    assert_eq!(scene.history.configured().count(), 0, "another configure is desired now");
}

#[test]
fn own_configure_is_not_repeated_when_the_list_does_not_show_it_yet() {
    let mut scene = drifted().lags_number(NUMBER, |scene| scene.does(&done()));
    assert_eq!(
        scene.asks().last(),
        Some(&Want::Number(sid("AC01"), number(NUMBER).sid, phone(NUMBER).into()))
    );
    for _ in 0..5 {
        assert_eq!((scene.brief().as_str(), reverted(&scene)), ("", 0));
        scene = scene.after("20s").pass();
    }
    // The list is believed again once the write is old.
    assert_eq!(scene.after("1m").brief(), "configure +15105550101 of AC01 (voiceUrl, smsUrl)");
}

#[test]
fn fetch_that_shows_other_settings_is_believed() {
    let mut scene = drifted().lags_number(NUMBER, |scene| scene.does(&done()));
    scene.settings_truth.clear();
    assert_eq!(scene.brief(), "configure +15105550101 of AC01 (voiceUrl, smsUrl)");
}

#[test]
fn fleet_at_rest_makes_no_request_for_settings() {
    assert!(in_sync().asks().iter().all(|want| matches!(want, Want::Numbers(_))));
    let scene = drifted().does(&done()).after("3m").pass();
    assert!(scene.asks().iter().all(|want| matches!(want, Want::Numbers(_))));
}

#[test]
fn unknown_configure_is_resolved_by_the_list_or_repeated_in_its_place() {
    let lost = drifted().limit(ActionKind::Configure, Limit::Count(1)).does(&unknown()).after("5m");
    // The list shows the old settings, so the write is repeated once, at the same price.
    assert_eq!(lost.clone().pass().brief(), "configure +15105550101 of AC01 (voiceUrl, smsUrl)");
    let twice = lost.clone().does(&unknown());
    assert_eq!(twice.history.spent(ActionKind::Configure, twice.now, twice.limits.window), 1);
    assert_eq!(twice.brief(), "Unconfirmed configure AC01 +15105550101");
    // It took effect, and is a write of the daemon from then on.
    let shown =
        lost.shows("AC01", NUMBER, |shown| *shown = ShownSettings::default()).shows("AC01", NUMBER, set);
    let resolved = shown.pass();
    assert_eq!(resolved.history.open_writes().count(), 0);
    assert_eq!(resolved.history.configured().count(), 1);
}

#[test]
fn ignored_configure_is_refused_and_retried_after_a_pause() {
    let scene = drifted().does(&ignored("Twilio answered 2xx, but smsUrl differs")).after("5s").pass();
    assert_eq!(scene.brief(), "RefusedByTwilio configure AC01 +15105550101");
    let edited = scene.says(&STATE.replace("smsUrl: \"\"", "smsMethod: GET"));
    assert_eq!(edited.brief(), "configure +15105550101 of AC01 (voiceUrl, smsMethod)");
}

fn with_entry(state: &str, entry: &str) -> String {
    format!("{}\n    - {entry}\n", state.trim_end())
}

/// AC01 claims a number with settings that is in AC02.
fn elsewhere() -> Scene {
    let state = with_entry(STATE, "{sid: AC02, status: active}");
    Scene::new(&state).nowhere(NUMBER).also_holds("AC02", NUMBER)
}

#[test]
fn transfer_is_confirmed_after_a_configure_of_the_same_number() {
    let moved = elsewhere().does(&done());
    assert_eq!(moved.brief(), "", "the transfer carried the settings");
    // They were lost, and are configured; meanwhile the lists of both accounts lag behind the transfer.
    let configured = moved.after("5s").shows("AC01", NUMBER, drift).does(&done());
    assert_eq!(configured.history.writes().count(), 2);
    let lists = elsewhere().lists;
    let lagging = configured.lags_number(NUMBER, |scene| scene.shows("AC01", NUMBER, |_| {}));
    let lagging = Scene { lists, ..lagging }.after("10s").pass();
    assert_eq!((lagging.brief().as_str(), reverted(&lagging)), ("", 0));
}

#[test]
fn settings_that_a_transfer_lost_are_no_revert_of_an_earlier_configure() {
    let configured = drifted().does(&done()).after("10m");
    let other = STATE.replace("AC01", "AC02");
    let moved =
        configured.account("AC02", "acme", subaccountd_core::Status::Active).says(&other).does(&done());
    let lost = moved.after("10m").shows("AC02", NUMBER, |shown| *shown = ShownSettings::default()).pass();
    assert_eq!((reverted(&lost), lost.brief().as_str()), (0, "configure +15105550101 of AC02 (voiceUrl)"));
}

#[test]
fn returning_a_number_is_free_after_its_settings_were_changed() {
    let moved = elsewhere().does(&done()).after("5m").shows("AC01", NUMBER, drift).does(&done()).after("5m");
    let unclaimed = STATE.replace("      numbers: [\"+15105550101\"]\n", "");
    let back = with_entry(&unclaimed, "{sid: AC02, status: active, numbers: [\"+15105550101\"]}");
    let back = moved.says(&back).limit(ActionKind::Transfer, Limit::Count(0));
    assert_eq!(back.brief(), "transfer +15105550101 from AC01 to AC02", "it undoes the last transfer");
}

#[test]
fn states_agree_on_a_number_only_with_the_same_settings() {
    let (accounts, numbers) = (&[sid("AC00").into()][..], &[phone(NUMBER)][..]);
    let state = |defaults: &str| {
        desired(&format!("mainAccount: {{sid: AC00, numbers: ['{NUMBER}'], {defaults}}}\nsubaccounts: []"))
    };
    let plain = state("numberDefaults: {voiceUrl: 'https://a:1@example.com'}");
    assert!(plain.agrees_on(&plain, accounts, numbers));
    for other in ["numberDefaults: {voiceUrl: 'https://a:2@example.com'}", "numberDefaults: {}"] {
        assert!(!plain.agrees_on(&state(other), accounts, numbers), "{other}");
        assert_ne!(plain.digest(), state(other).digest());
    }
    // An unclaimed number enters the main account with its transfer defaults.
    let with = |digit: u8| state(&format!("transferDefaults: [{{prefix: '+1', addressSid: AD0{digit}}}]"));
    assert!(!with(1).agrees_on(&with(2), accounts, &[]));
}

#[test]
fn type_of_a_number_has_twilios_words() {
    for number_type in NumberType::ALL {
        assert_eq!(serde_json::to_value(number_type).unwrap(), number_type.as_str());
        assert_eq!(NumberType::from_word(number_type.as_str()), Some(number_type));
    }
    assert_eq!(NumberType::from_word("Local"), None);
}
