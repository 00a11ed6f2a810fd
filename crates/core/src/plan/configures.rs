//! The decision on the settings of a claimed number in the account that claims it. The first match wins.

use std::collections::BTreeSet;

use super::{
    Context, Plan, Reason,
    held::{Hold, hold},
    not_known::not_known,
    numbers,
};
use crate::{
    AccountSid, Action, ActionKind, Claim, Configure, Number, PhoneNumber, SettingDifference, Status,
};

/// Decides on the settings of `number`, which `account` owns and claims: settled, planned or held.
pub(super) fn decide(
    context: &Context<'_>,
    (account, phone): (AccountSid, PhoneNumber),
    claim: Claim<'_>,
    number: &Number,
    reactivating: &BTreeSet<AccountSid>,
    plan: &mut Plan,
) {
    if !claim.names_settings() {
        return;
    }
    let settings = claim.settings();
    let Some(shown) = &number.settings else {
        return plan.hold(ActionKind::Configure, account, Some(phone), not_kept(account, phone));
    };
    let differences = match shown.differences(&settings) {
        Ok(differences) if differences.is_empty() => return,
        Ok(differences) => differences,
        Err(setting) => {
            let message = format!("settings of {phone} are not changed: its {setting} cannot be read");
            let unreadable = hold(Reason::Unreadable, message, "check the number in the Twilio Console");
            return plan.hold(ActionKind::Configure, account, Some(phone), unreadable);
        }
    };
    if let Some(hold) = held(context, account, phone, reactivating) {
        return plan.hold(ActionKind::Configure, account, Some(phone), hold);
    }
    let which = differences.iter().map(|difference| difference.setting).collect();
    let (number_sid, desired) = (number.sid, settings.digest());
    let configure = Configure { account, phone, number_sid, settings: settings.only(which), desired };
    let digest = numbers::entry_digest(context, account);
    plan.add(context, Action::Configure(configure), &digest, Some(changes(&differences)));
}

/// The changes in words, each with the value at Twilio and the one that the state names.
fn changes(differences: &[SettingDifference]) -> String {
    let words: Vec<_> = differences.iter().map(ToString::to_string).collect();
    words.join("; ")
}

fn not_kept(account: AccountSid, phone: PhoneNumber) -> Hold {
    not_known(format!("the snapshot has no settings of {phone} in {account}"))
}

fn held(
    context: &Context<'_>,
    account: AccountSid,
    phone: PhoneNumber,
    reactivating: &BTreeSet<AccountSid>,
) -> Option<Hold> {
    let stays = format!("settings of {phone} are not changed");
    numbers::paused(context.desired, [account], &stays)
        .or_else(|| numbers::unreadable_status(context, [account], &stays))
        .or_else(|| numbers::name_mismatch(context, [account], &stays))
        .or_else(|| not_active(context, account, phone, reactivating))
}

/// The hold of settings in an account that is not active: it is not documented that Twilio changes them.
fn not_active(
    context: &Context<'_>,
    account: AccountSid,
    phone: PhoneNumber,
    reactivating: &BTreeSet<AccountSid>,
) -> Option<Hold> {
    let status = context.observed.account(account)?.status.known()?;
    let is_desired =
        context.desired.entry(account).is_none_or(|entry| entry.desired_status.status() == Status::Active);
    let will_be_active = (status == Status::Active && is_desired) || reactivating.contains(&account);
    (!will_be_active).then(|| inactive(account, phone))
}

/// The hold of the settings of `phone` in `account`, which is not active in this pass.
pub(crate) fn inactive(account: AccountSid, phone: PhoneNumber) -> Hold {
    hold(
        Reason::TargetNotActive,
        format!(
            "settings of {phone} are not changed while {account} is not active: it is not known that Twilio accepts that"
        ),
        "no action needed: they are changed when the account is active; or remove them from the claim",
    )
}
