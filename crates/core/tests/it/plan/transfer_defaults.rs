//! The resources that an account gives for transfers into it, and transfers that are alike to a refused one.

use subaccountd_core::{Action, NumberType, ResourceRef, Status};

use crate::support::{
    scene::{Scene, phone, refused},
    text::short,
};

const STATE: &str = r#"
    subaccounts:
    - sid: AC01
      status: active
      numbers: ["+493012345601", "+493012345602", "+15105550101"]
      transferDefaults:
      - {prefix: "+49", addressSid: AD01}
      - {prefix: "+4930", addressSid: AD02, bundleSid: BU02}
      - {prefix: "+4930", type: mobile, addressSid: AD03, identitySid: RI03}
      - {prefix: "+493012345609"}
    - {sid: AC02, status: active}
    "#;

/// The numbers are in AC02.
fn elsewhere() -> Scene {
    ["+493012345601", "+493012345602", "+15105550101"]
        .into_iter()
        .fold(Scene::new(STATE), |scene, number| scene.holds("AC02", number))
}

/// The resources with which `number` enters AC01, or the reason why it does not.
fn resources(scene: &Scene, number: &str) -> String {
    let plan = scene.plan();
    let with = plan.actions.iter().find_map(|planned| match &planned.action {
        Action::Transfer(transfer) if transfer.phone == phone(number) => Some(transfer.resources),
        _ => None,
    });
    let sids = with.map(|with| {
        let sids = [
            with.address_sid.map(|sid| sid.to_string()),
            with.bundle_sid.map(|sid| sid.to_string()),
            with.identity_sid.map(|sid| sid.to_string()),
            with.emergency_address_sid.map(|sid| format!("emergency {sid}")),
        ];
        short(&sids.into_iter().flatten().collect::<Vec<_>>().join(" "))
    });
    sids.unwrap_or_else(|| scene.brief())
}

#[test]
fn longest_prefix_decides_and_a_type_fits_only_numbers_that_twilio_shows_with_it() {
    let scene = |number: &str, number_type| {
        let state = STATE.replace("+493012345601", number);
        Scene::new(&state).nowhere(number).also_holds_with("AC02", number, |it| it.number_type = number_type)
    };
    for (number, number_type, expected) in [
        ("+493012345601", None, "AD02 BU02"),
        ("+493012345601", Some(NumberType::Mobile), "AD03 RI03"),
        ("+493012345601", Some(NumberType::Local), "AD02 BU02"),
        ("+494012345601", Some(NumberType::Mobile), "AD01"),
        ("+493012345609", Some(NumberType::Mobile), ""),
        ("+443012345601", None, ""),
    ] {
        assert_eq!(resources(&scene(number, number_type), number), expected, "{number} {number_type:?}");
    }
}

#[test]
fn claim_that_names_a_resource_gets_none_of_the_defaults() {
    let own = |more: &str| {
        let long = format!("{{number: \"+493012345601\", {more}}}");
        elsewhere().says(&STATE.replacen("\"+493012345601\"", &long, 1))
    };
    for (more, expected) in [
        ("addressSid: AD09", "AD09"),
        ("identitySid: RI09", "RI09"),
        // The address for emergency calls is none of the three.
        ("emergencyAddressSid: AD09", "AD02 BU02 emergency AD09"),
        ("voiceUrl: ''", "AD02 BU02"),
    ] {
        assert_eq!(resources(&own(more), "+493012345601"), expected, "{more}");
    }
}

#[test]
fn default_meets_the_needs_of_a_number() {
    let needs = |state: &str| {
        Scene::new(state).nowhere("+493012345601").also_holds_with("AC02", "+493012345601", |number| {
            number.needs_address = true;
            number.resource_refs.insert(ResourceRef::Bundle);
        })
    };
    assert_eq!(resources(&needs(STATE), "+493012345601"), "AD02 BU02");
    let without = STATE.replace(", bundleSid: BU02", "");
    assert_eq!(needs(&without).brief(), "NeedsBundle transfer AC01 +493012345601");
}

#[test]
fn number_that_leaves_for_the_main_account_gets_its_defaults_and_no_settings() {
    let state = r#"
        mainAccount:
          sid: AC00
          transferDefaults: [{prefix: "+49", addressSid: AD01}]
          numberDefaults: {voiceUrl: "https://example.com"}
        subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: true}}]
        "#;
    let scene =
        Scene::new(state).also_holds_with("AC01", "+493012345601", |number| number.needs_address = true);
    assert_eq!(resources(&scene, "+493012345601"), "AD01");
    let [planned] = &scene.plan().actions[..] else { panic!("{}", scene.brief()) };
    let Action::Transfer(transfer) = &planned.action else { panic!("{}", scene.brief()) };
    assert!(transfer.settings.is_empty(), "it is unclaimed");
    // An edit of the defaults ends the pauses of refused moves.
    let other = scene.clone().says(&state.replace("AD01", "AD02")).plan().actions[0].entry.clone();
    assert_ne!(planned.entry, other);
    // There, nothing is configured: it is not claimed.
    assert_eq!(
        scene
            .done()
            .account("AC01", "acme", Status::Active)
            .plan()
            .of(subaccountd_core::ActionKind::Configure)
            .count(),
        0
    );
}

/// Of the three transfers, one is refused because of its bundle, and the others are skipped.
fn one_refused(code: u32) -> Scene {
    let scene = elsewhere().pass();
    let plan = scene.plan();
    let first = plan.actions.iter().find(|planned| planned.action.number() == Some(phone("+493012345601")));
    scene.writes(first.unwrap(), Some(&refused(code, "no such bundle")))
}

#[test]
fn transfers_with_the_same_receiver_and_resources_wait_for_a_refused_one() {
    insta::assert_snapshot!(one_refused(21_649).shown(), @r"
    transfer +15105550101 from AC02 to AC01
    RefusedByTwilio: transfer of AC01 +493012345601
      Twilio refused to transfer +493012345601 from AC02 to AC01 (error 21649): no such bundle
      = see https://www.twilio.com/docs/errors/21649; fix the cause that Twilio names, or change the entry; retried at 2026-06-01T12:00:15Z
    RefusedByTwilio: transfer of AC01 +493012345602
      +493012345602 waits for the transfer of +493012345601, which Twilio refused with the same resources (error 21649): no such bundle
      = fix the address, bundle or identity that both name; all of them go on when that transfer is done
    ");
    // The refused one is tried first.
    assert_eq!(
        one_refused(21_649).after("20s").pass().brief(),
        "transfer +15105550101 from AC02 to AC01\ntransfer +493012345601 from AC02 to AC01\n\
         RefusedByTwilio transfer AC01 +493012345602"
    );
    let done = one_refused(21_649).after("20s").done();
    assert_eq!(done.brief(), "transfer +493012345602 from AC02 to AC01");
}

#[test]
fn refusal_for_another_cause_pauses_no_other_transfer() {
    let scene = one_refused(22_350);
    assert_eq!(
        scene.brief(),
        "transfer +15105550101 from AC02 to AC01\ntransfer +493012345602 from AC02 to AC01\n\
         RefusedByTwilio transfer AC01 +493012345601"
    );
}

#[test]
fn pause_of_alike_transfers_ends_with_an_edit_and_when_the_refused_one_is_not_retried() {
    let edited = one_refused(21_649).says(&STATE.replace("BU02", "BU03"));
    assert_eq!(edited.plan().held.len(), 0, "{}", edited.brief());
    // It cannot be retried, because the account that has it is paused.
    let state =
        STATE.replace("status: active}", "status: active}\n    - {sid: AC03, status: active, paused: true}");
    let apart = one_refused(21_649).account("AC03", "acme", Status::Active).says(&state);
    let apart = apart.holds("AC03", "+493012345601");
    assert_eq!(
        apart.brief(),
        "transfer +15105550101 from AC02 to AC01\ntransfer +493012345602 from AC02 to AC01\n\
         Paused transfer AC01 +493012345601"
    );
}
