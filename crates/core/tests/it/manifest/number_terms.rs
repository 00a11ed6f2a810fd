//! The settings of numbers and the resources for their transfers.

use super::body;

#[test]
fn every_setting_is_read_at_both_places() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          numbers:
          - number: "+15105550101"
            friendlyName: desk
            voiceUrl: https://user:pass@example.com/voice?a=b#c
            voiceMethod: GET
            voiceFallbackUrl: ""
            voiceApplicationSid: AP01
            trunkSid: ""
          numberDefaults: {smsUrl: "http://example.com", smsMethod: POST, trunkSid: TK01, x-note: 1}
          transferDefaults:
          - {prefix: "+4930", type: toll-free, addressSid: AD01, bundleSid: BU01, identitySid: RI01}
          - {prefix: "+4930", addressSid: AD01}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    left:
      main AC00 []
      AC01 active [+15105550101]
    ");
}

#[test]
fn a_malformed_url_is_told_without_its_credentials() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          numberDefaults:
            voiceUrl: example.com/voice
            voiceFallbackUrl: "https://user:pass word@example.com"
            smsUrl: ftp://user:pass@example.com
            smsFallbackUrl: "https://user:pass@exämple.com"
            statusCallback: https:///user:pass@
        - sid: AC02
          status: active
          numberDefaults: {voiceUrl: "https://${HOST}/voice", smsUrl: 7, statusCallback: [], friendlyName: ""}
"#,
    );
    assert!(!shown.contains("pass"), "{shown}");
    insta::assert_snapshot!(shown, @r#"
    state.yaml:8:15 `example.com/voice`
      SD045 `voiceUrl` does not begin with `https://` or `http://`
      = write an absolute URL of at most 2048 characters, as in `https://example.com/voice`, or `""` to remove it
    state.yaml:9:23 `"https://**************@example.com"`
      SD045 `voiceFallbackUrl` contains white space or a control character
      = write an absolute URL of at most 2048 characters, as in `https://example.com/voice`, or `""` to remove it
    state.yaml:10:13 `ftp://*********@example.com`
      SD045 `smsUrl` does not begin with `https://` or `http://`
      = write an absolute URL of at most 2048 characters, as in `https://example.com/voice`, or `""` to remove it
    state.yaml:11:21 `"https://*********@exämple.com"`
      SD045 `smsFallbackUrl` contains a character that is not ASCII: percent-encode it
      = character 21 is `ä` (U+00E4): write the plain letter or digit
    state.yaml:12:21 `https://**********@`
      SD045 `statusCallback` has no host
      = write an absolute URL of at most 2048 characters, as in `https://example.com/voice`, or `""` to remove it
    state.yaml:15:30 `"https://${HOST}/voice"`
      SD010 `voiceUrl`: `${HOST}` is an unfilled placeholder
      = fill it in before subaccountd reads the file
    state.yaml:15:63 `7`
      SD020 `smsUrl` is a number, not a string
      = write an absolute URL of at most 2048 characters, as in `https://example.com/voice`, or `""` to remove it
    state.yaml:15:82 `[`
      SD020 `statusCallback` is a list, not a string
      = write an absolute URL of at most 2048 characters, as in `https://example.com/voice`, or `""` to remove it
    state.yaml:15:100 `""`
      SD019 `friendlyName` is an empty string
      = write a string, or omit the key
    left:
      main AC00 []
      frozen AC01
      frozen AC02
    "#);
}

#[test]
fn methods_types_and_sids_have_their_words() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          numberDefaults: {voiceMethod: get, smsMethod: PUT, statusCallbackMethod: "", trunkSid: AP01, smsApplicationSid: AP1}
          transferDefaults: [{prefix: "+49", type: tollfree}, {prefix: 4930}, {prefix: "+0"}, {type: fax}, 7]
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:7:33 `get`
      SD046 `voiceMethod`: `get` is not a valid value
      = did you mean `GET`?
      > GET
    state.yaml:7:49 `PUT`
      SD046 `smsMethod`: `PUT` is not a valid value
      = write `GET` or `POST`; Twilio's default is `POST`
    state.yaml:7:76 `""`
      SD046 `statusCallbackMethod` is an empty string
      = write `GET` or `POST`; Twilio's default is `POST`
    state.yaml:7:90 `AP01`
      SD024 `trunkSid`: `AP01` is not a valid trunk SID: expected TK and 32 hexadecimal digits
      = use the SID of a trunk, which begins with TK: this is the SID of an application
    state.yaml:7:145 `AP1`
      SD024 `smsApplicationSid`: `AP1` is not a valid application SID: expected AP and 32 hexadecimal digits
      = expected 32 digits after AP, found 1: copy the SID from the Twilio Console
    state.yaml:8:44 `tollfree`
      SD046 `type`: `tollfree` is not a valid value
      = did you mean `toll-free`?
      > toll-free
    state.yaml:8:64 `4930`
      SD020 `prefix` is a number, not a string
      = write a plus and the first digits of the numbers, as in `prefix: "+4930"`
    state.yaml:8:80 `"+0"`
      SD025 `prefix`: `+0` is not the beginning of an E.164 phone number
      = write a plus and the first digits of the numbers, as in `prefix: "+4930"`
    state.yaml:8:87 `{`
      SD018 missing key `prefix` in a transfer default
      = write a plus and the first digits of the numbers, as in `prefix: "+4930"`
    state.yaml:8:94 `fax`
      SD046 `type`: `fax` is not a valid value
      = write `local`, `mobile`, `toll-free` or `national`, or omit the key
    state.yaml:8:100 `7`
      SD020 a transfer default is a number, not a mapping
      = write its keys, one per line: prefix, type, addressSid, bundleSid, identitySid
    left:
      main AC00 []
      frozen AC01
    "#);
}

#[test]
fn an_unknown_key_of_a_number_is_suggested() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          voiceUrl: https://example.com
          numbers: [{number: "+15105550101", voice_url: "https://example.com", smsURL: "", name: x}]
          numberDefaults: {adressSid: AD01, addressSid: AD01}
          transferDefaults: [{prefx: "+49"}]
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:7:3 `voiceUrl`
      SD014 unknown key `voiceUrl` in a subaccount
      = `voiceUrl` is a key of `numberDefaults`, or of a phone number in its long form: move it there, and check the indentation
    state.yaml:8:38 `voice_url`
      SD014 unknown key `voice_url` in a phone number
      = did you mean `voiceUrl`?
      > voiceUrl
    state.yaml:8:72 `smsURL`
      SD014 unknown key `smsURL` in a phone number
      = did you mean `smsUrl`?
      > smsUrl
    state.yaml:8:84 `name`
      SD014 unknown key `name` in a phone number
      = did you mean `friendlyName`?
      > friendlyName
    state.yaml:9:20 `adressSid`
      SD014 unknown key `adressSid` in `numberDefaults`
      = known keys: friendlyName, voiceUrl, voiceMethod, voiceFallbackUrl, voiceFallbackMethod, smsUrl, smsMethod, smsFallbackUrl, smsFallbackMethod, statusCallback, statusCallbackMethod, voiceApplicationSid, smsApplicationSid, trunkSid; keys that start with `x-` are ignored
    state.yaml:9:67 `addressSid`
      SD014 unknown key `addressSid` in `numberDefaults`
      = `addressSid` is a key of a phone number in its long form: move it there, and check the indentation
    state.yaml:10:23 `prefx`
      SD014 unknown key `prefx` in a transfer default
      = did you mean `prefix`?
      > prefix
    left:
      main AC00 []
      frozen AC01
    ");
}

#[test]
fn a_trunk_and_a_voice_application_contradict_each_other() {
    let shown = body(
        r#"
        mainAccount: {sid: AC00, numberDefaults: {trunkSid: TK01, voiceApplicationSid: AP01}}
        subaccounts:
        - sid: AC01
          status: active
          numbers:
          - {number: "+15105550101", voiceApplicationSid: AP01}
          - {number: "+15105550102", voiceApplicationSid: AP01, trunkSid: ""}
          - {number: "+15105550103", trunkSid: TK02}
          - {number: "+15105550104", voiceUrl: "https://example.com"}
          numberDefaults: {trunkSid: TK01}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:4:1 `mainAccount`
      SD015 duplicate key `mainAccount` in the document: first on line 3
      = keep one of the two
      & state.yaml:3:1 `mainAccount` first defined here
    state.yaml:9:51 `AP01`
      SD048 `voiceApplicationSid` and `trunkSid` are both set: Twilio removes one when it gets the other
      = keep one of the two, and write `""` for the other, as in `trunkSid: ""`
    left:
      no main: the SID of `mainAccount` is missing or not valid
      frozen AC01
    "#);
}

#[test]
fn two_transfer_defaults_for_the_same_numbers_contradict_each_other() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          transferDefaults:
          - {prefix: "+49", type: mobile}
          - {prefix: "+49"}
          - {prefix: "+49", type: mobile, addressSid: AD01}
          - {prefix: "+49", type: local}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:10:14 `"+49"`
      SD047 second transfer default for the prefix +49 and the type mobile
      = keep one of the two
      & state.yaml:8:14 `"+49"` first defined here
    left:
      main AC00 []
      frozen AC01
    "#);
}
