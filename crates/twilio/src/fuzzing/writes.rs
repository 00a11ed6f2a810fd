//! Every kind of write: at most one request that writes, and an outcome that the answer allows.

use http::{Method, Response};
use subaccountd_core::{
    Account, Action, CallEnd, CallStatus, Close, Configure, Create, EndCalls, FriendlyName, LiveStatus,
    Number, NumberSetting, NumberSettings, Outcome, PhoneNumber, Release, Status, Transfer,
    TransferResources,
    remote::{Apply, Sent, WriteSlot},
};

use super::{Bench, account, call, check_error, check_text, number, script::answers};
use crate::{
    apply::MAX_RETRY_AFTER,
    wire::{call::OVER, read_error},
};

/// The URL that is configured.
const URL: &str = "https://example.com/voice";

/// Checks every kind of write with `input` as the answers.
pub(super) fn check_all(bench: &Bench, input: &[u8]) {
    let Ok(phone) = "+15105550101".parse() else { return };
    for action in actions(phone) {
        let (sent, requests) = bench.run(input, async |client| match client.place().await {
            Ok(mut slot) => slot.send(&action).await,
            Err(skip) => Outcome::Skipped(skip).into(),
        });
        let writes = requests.iter().filter(|request| request.method != Method::GET).count();
        assert_eq!(writes, 1, "{requests:?}");
        let deletes = matches!(action, Action::Release(_));
        let method = if deletes { Method::DELETE } else { Method::POST };
        assert_eq!(requests[0].method, method, "{requests:?}");
        check(&sent, &action, answers(input).next().as_ref(), input);
    }
}

fn actions(phone: PhoneNumber) -> Vec<Action> {
    let closed = Account {
        sid: account(1),
        owner: Some(account(0)),
        friendly_name: "acme".to_owned(),
        status: LiveStatus::Known(Status::Suspended),
        date_created: None,
        date_updated: None,
    };
    let transfer = Transfer {
        to: account(2),
        phone,
        from: account(1),
        number_sid: number(),
        resources: TransferResources::default(),
        settings: NumberSettings::default(),
    };
    let create = FriendlyName::new("acme").map(|name| Action::Create(Create { name }));
    let mut settings = NumberSettings::default();
    settings.insert(NumberSetting::VoiceUrl, URL);
    let desired = settings.digest();
    let configure = Configure { account: account(1), phone, number_sid: number(), settings, desired };
    let others = [
        Action::Suspend(account(1)),
        Action::Reactivate(account(1)),
        Action::EndCalls(EndCalls {
            account: closed.clone(),
            calls: vec![CallEnd { sid: call(), status: CallStatus::InProgress }],
        }),
        Action::Release(Release {
            phone,
            account: closed.clone(),
            number: Number::new(number(), Some(phone)),
        }),
        Action::Close(Close { account: closed, listed: [].into(), at_risk: Vec::new() }),
        Action::Transfer(transfer),
        Action::Configure(configure),
    ];
    others.into_iter().chain(create).collect()
}

/// Checks the outcome of `action`, whose request got `answer`.
fn check(sent: &Sent, action: &Action, answer: Option<&Response<Vec<u8>>>, input: &[u8]) {
    let Sent { outcome, stop } = sent;
    if let Some(stop) = stop {
        check_error(stop, input);
        assert!(stop.stops_the_pass(), "{stop:?}");
    }
    let status = answer.map(|answer| answer.status().as_u16());
    let at = format!("{action}, {status:?}: {outcome:?}");
    match outcome {
        Outcome::Done(_) => {
            let body = answer.map_or(&[][..], |answer| answer.body());
            let code = read_error(body).code;
            let was_closed = match action {
                Action::Close(_) => code == Some(21479),
                Action::EndCalls(_) => matches!(code, Some(21220 | 20404)),
                Action::Reactivate(_)
                | Action::Create(_)
                | Action::Suspend(_)
                | Action::Transfer(_)
                | Action::Release(_)
                | Action::Configure(_) => false,
            };
            let is_success = status.is_some_and(|status| (200..300).contains(&status));
            assert!(if is_success { shows(status, body, action) } else { was_closed }, "{at}");
        }
        Outcome::Refused(refusal) => {
            assert!(
                status.is_some_and(|status| status != 429 && !(200..300).contains(&status) && status < 500),
                "{at}"
            );
            check_text(&refusal.message, input);
        }
        Outcome::Ignored(refusal) => {
            assert!(status.is_some_and(|status| (200..300).contains(&status)), "{at}");
            check_text(&refusal.message, input);
        }
        Outcome::Unknown(unknown) => check_text(&unknown.message, input),
        Outcome::Skipped(skip) => {
            // No answer, a failed server and a 2xx never prove that nothing was done.
            assert!(status.is_some_and(|status| !(200..300).contains(&status) && status < 500), "{at}");
            assert!(skip.retry_after.is_none_or(|wait| wait.unsigned_abs() <= MAX_RETRY_AFTER), "{at}");
            check_text(&skip.message, input);
        }
    }
}

/// Returns true when the body names what `action` asked for; an answer without a body says it with its status.
fn shows(status: Option<u16>, body: &[u8], action: &Action) -> bool {
    let words = match action {
        Action::Suspend(_) => vec![Status::Suspended.to_string()],
        Action::Reactivate(_) => vec![Status::Active.to_string()],
        Action::Close(_) => vec![Status::Closed.to_string()],
        // The SID of the new account.
        Action::Create(_) => vec!["AC".to_owned()],
        Action::Transfer(transfer) => vec![transfer.to.to_string()],
        Action::Configure(_) => vec![URL.to_owned()],
        Action::EndCalls(_) => OVER.map(str::to_owned).into(),
        Action::Release(_) => return status == Some(204),
    };
    // Any letter may be written as an escape.
    let text = String::from_utf8_lossy(body);
    text.contains('\\') || words.iter().any(|word| text.contains(word))
}
