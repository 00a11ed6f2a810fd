//! The explanation of a number.

use subaccountd_core::{
    AccountSid, ActionKind, Claim, FriendlyName, Number, NumberId, NumberLocation, NumberSetting,
    PhoneNumber, ReleaseTerms, ResourceRef, Target, TransferResources,
    plan::RECLAIMED_WITHIN,
    report::{ActionView, HeldView},
};

use super::{ExplainContext, Explanation};

/// The explanation of the number `id`.
pub(crate) fn number(case: &ExplainContext<'_>, id: NumberId) -> Explanation {
    let phone = id.phone();
    let claim = case.desired.claims().find(|(_, number, _)| Some(*number) == phone);
    let claim = claim.map(|(account, _, claim)| (account, claim));
    let holder = case.observation.observed.locate(id);
    let verdict = verdict(case, phone, claim.map(|(account, _)| account), holder);
    let mut page = Explanation::new(format!("{id}: {verdict}"));
    page.section("desired");
    match claim {
        Some((account, claim)) => {
            page.line(&format!("in {}", case.view.named(account)));
            for words in claim_terms(claim, phone, holder) {
                page.line(&words);
            }
            if let Some(why) = case.view.why(&account.into()) {
                page.line(&format!("declared reason: {why}"));
            }
        }
        None if phone.is_none() => page.line("no desired state can name it: it has no E.164 phone number"),
        None => match phone.and_then(|phone| awaited_by(case, phone)) {
            Some(name) => page.line(&format!("in {}", case.view.named(name))),
            None => page.line("not claimed by any entry"),
        },
    }
    for (account, number, terms) in case.desired.releases().filter(|(_, number, _)| Some(*number) == phone) {
        page.line(&format!("in `release` of {}", case.view.named(account)));
        for words in order_terms(case, account, number, terms) {
            page.line(&words);
        }
    }
    for entry in case.desired.accounts() {
        if entry.close().is_some_and(|terms| phone.is_some_and(|phone| terms.release.contains(&phone))) {
            page.line(&format!("the close of {} may release it", case.view.named(entry.sid)));
        }
    }
    observed(case, id, holder, &mut page);
    case.planned(&mut page, &case.actions(|action| moves(action, phone) || loses(action, phone)));
    super::holds(&mut page, &case.held(|held| is_about(held, phone)));
    let open = case.not_known(|open| phone.is_some() && open.number == phone);
    super::leaves_open(&mut page, &open);
    page.section("history");
    if let Some(account) = case.observation.history.owner(id) {
        page.line(&format!("last seen in {}", case.view.named(account)));
    }
    if let Some(since) = case.observation.history.missing_since(id) {
        page.line(&format!("missing since {since} from the list of that account"));
    }
    if let Some(phone) = phone {
        case.remembered(&mut page, &Target::Number(phone), |write| {
            write.target == Target::Number(phone) || write.releases.contains(&phone)
        });
    }
    page
}

/// The terms of the order to release `phone`, and where it stands.
fn order_terms(
    case: &ExplainContext<'_>,
    account: AccountSid,
    phone: PhoneNumber,
    terms: &ReleaseTerms,
) -> Vec<String> {
    let mut says = Vec::new();
    says.extend(terms.not_before.map(|not_before| format!("not before {not_before}")));
    says.extend(terms.reason.as_ref().map(|reason| format!("declared reason: {reason}")));
    let known = case.observation.history.release_order(account, phone);
    let Some(order) = known.filter(|order| order.terms == terms.digest()) else { return says };
    says.extend(order.since.map(|since| format!("in the state since {since}")));
    match order.settled {
        Some(end) if end.by_us => {
            let until = end.at.checked_add(RECLAIMED_WITHIN).unwrap_or(end.at);
            says.push(format!(
                "released at {}; by Twilio's documentation it can be had back in the Twilio Console until {until}, at the \
                 price of a new number",
                end.at
            ));
        }
        Some(end) => says.push(format!("settled at {}: {account} did not hold it", end.at)),
        None => {}
    }
    says
}

/// The name of the entry without an account that claims `phone`.
fn awaited_by<'a>(case: &ExplainContext<'a>, phone: PhoneNumber) -> Option<&'a FriendlyName> {
    case.desired.unpinned_claims().find(|(_, claimed)| *claimed == phone).map(|(name, _)| name)
}

fn moves(action: &ActionView, phone: Option<PhoneNumber>) -> bool {
    phone.is_some() && action.number == phone
}

fn loses(action: &ActionView, phone: Option<PhoneNumber>) -> bool {
    phone.is_some_and(|phone| action.at_risk.contains(&phone))
}

fn is_about(held: &HeldView, phone: Option<PhoneNumber>) -> bool {
    phone.is_some() && held.number == phone
}

fn verdict(
    case: &ExplainContext<'_>,
    phone: Option<PhoneNumber>,
    claimant: Option<AccountSid>,
    holder: NumberLocation<'_>,
) -> String {
    let is = match holder {
        NumberLocation::In(holder, _) => format!("in {}", case.view.named(holder)),
        NumberLocation::InTransit => "in two accounts at once: in transit".to_owned(),
        NumberLocation::Nowhere => "not in any list that was read".to_owned(),
    };
    let lost = case.actions(|action| loses(action, phone));
    if lost.iter().any(|action| action.kind == ActionKind::Release) {
        return format!("{is}, and RELEASED in the next pass");
    }
    if let Some(close) = lost.first() {
        return format!("{is}, and RELEASED WITH THE CLOSE of {} in the next pass", close.account);
    }
    let moves = case.actions(|action| moves(action, phone));
    if let Some(action) = moves.first() {
        if action.kind == ActionKind::Configure {
            return format!("{is}, as desired; a change of its settings is planned");
        }
        return format!("{is}, desired in {}; transfer is planned", case.view.named(&action.account));
    }
    if let Some(held) = case.held(|held| is_about(held, phone)).first() {
        if held.kind == ActionKind::Release {
            return format!("{is}, to be released; HELD: {}", held.reason);
        }
        return format!("{is}, desired in {}; HELD: {}", case.view.named(&held.account), held.reason);
    }
    if !case.not_known(|open| phone.is_some() && open.number == phone).is_empty() {
        return format!("{is}; NOT KNOWN from this snapshot");
    }
    let is_ordered =
        case.desired.releases().any(|(account, number, _)| Some(number) == phone && !holds(holder, account));
    match (claimant, holder) {
        (None, _) if is_ordered => format!("{is}: its release is settled"),
        (Some(claimant), NumberLocation::In(holder, _)) if claimant == holder => format!("{is}: in sync"),
        (Some(claimant), _) => format!("{is}, desired in {}", case.view.named(claimant)),
        (None, NumberLocation::In(..)) if phone.is_none() => {
            format!("{is}; it has no E.164 phone number: it stays where it is, and blocks a close")
        }
        (None, NumberLocation::In(..)) => format!("{is}; not claimed by any entry: it stays where it is"),
        (None, NumberLocation::InTransit | NumberLocation::Nowhere) => {
            format!("{is}; not claimed by any entry")
        }
    }
}

fn holds(holder: NumberLocation<'_>, account: AccountSid) -> bool {
    match holder {
        NumberLocation::In(holder, _) => holder == account,
        NumberLocation::InTransit => true,
        NumberLocation::Nowhere => false,
    }
}

fn observed(case: &ExplainContext<'_>, id: NumberId, holder: NumberLocation<'_>, page: &mut Explanation) {
    page.section("observed");
    match holder {
        NumberLocation::In(holder, number) => {
            page.line(&format!("in {}, as {}", case.view.named(holder), number.sid));
            needs(number, page);
        }
        NumberLocation::InTransit => {
            let holders =
                case.observation.observed.lists().filter(|(_, list)| list.iter().any(|n| n.id() == id));
            for (account, _) in holders {
                page.line(&format!("in {}", case.view.named(account)));
            }
        }
        NumberLocation::Nowhere => page.line(&match case.observation.observed.unreadable_list() {
            Some((account, why, _)) => {
                format!("not in any list that was read; the list of {account} could not be read: {why}")
            }
            None => "not in any list that was read".to_owned(),
        }),
    }
}

/// Shows what a transfer of the number needs, and what does not transfer.
fn needs(number: &Number, page: &mut Explanation) {
    if number.needs_address {
        page.line("its transfer needs an `addressSid` in the claim");
    }
    if number.resource_refs.contains(ResourceRef::Bundle) {
        page.line("its transfer needs a `bundleSid` in the claim");
    }
    let resource_refs: Vec<_> = number.resource_refs.iter().map(ResourceRef::noun).collect();
    if !resource_refs.is_empty() {
        page.line(&format!("account resources that do not transfer: {}", resource_refs.join(", ")));
    }
}

/// The resources for a transfer of the number, and the settings that it must have, without credentials.
fn claim_terms(claim: Claim<'_>, phone: Option<PhoneNumber>, holder: NumberLocation<'_>) -> Vec<String> {
    let number_type = match holder {
        NumberLocation::In(_, number) => number.number_type,
        NumberLocation::InTransit | NumberLocation::Nowhere => None,
    };
    let resources = phone.map(|phone| claim.resources(phone, number_type)).unwrap_or_default();
    let settings = claim.settings();
    let setting = |setting: NumberSetting| Some(format!("with {setting} {}", settings.shown(setting)?));
    resource_words(&resources).into_iter().chain(settings.names().iter().filter_map(setting)).collect()
}

fn resource_words(resources: &TransferResources) -> Vec<String> {
    let TransferResources { address_sid, bundle_sid, identity_sid, emergency_address_sid } = resources;
    let texts = [
        ("addressSid", address_sid.map(|sid| sid.to_string())),
        ("bundleSid", bundle_sid.map(|sid| sid.to_string())),
        ("identitySid", identity_sid.map(|sid| sid.to_string())),
        ("emergencyAddressSid", emergency_address_sid.map(|sid| sid.to_string())),
    ];
    texts.into_iter().filter_map(|(key, sid)| Some(format!("with {key} {}", sid?))).collect()
}
