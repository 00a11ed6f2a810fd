//! The warning about what a transfer may lose: resources of the losing account that the number uses, and URLs that the
//! state does not name.

use crate::{Number, NumberSetting, NumberSettings, Transfer, TransferResources, resource_refs::ResourceRef};

/// The warning of a transfer; `None` when the number loses nothing.
pub(super) fn warning(transfer: &Transfer, number: &Number) -> Option<String> {
    let Transfer { to, from, resources, settings, .. } = transfer;
    let (replaced, left): (Vec<_>, Vec<_>) = number
        .resource_refs
        .iter()
        .map(|resource_ref| (resource_ref, replacement(resource_ref, resources, settings)))
        .partition(|(_, new)| new.is_some());
    let mut says = Vec::new();
    let left: Vec<_> = left.into_iter().map(|(resource_ref, _)| resource_ref.noun()).collect();
    match left.as_slice() {
        [] => {}
        [one] => {
            says.push(format!(
                "its {one} belongs to {from} and does not transfer: configure it again in {to}"
            ));
        }
        [most @ .., last] => says.push(format!(
            "its {} and {last} belong to {from} and do not transfer: configure them again in {to}",
            most.join(", ")
        )),
    }
    for (resource_ref, new) in replaced {
        let noun = resource_ref.noun();
        says.push(match new.unwrap_or_default() {
            new if new.is_empty() => format!("its {noun} of {from} is removed"),
            new => format!("its {noun} of {from} is replaced by {new} of {to}"),
        });
    }
    says.extend(unnamed_urls(number, settings));
    (!says.is_empty()).then(|| says.join("; "))
}

/// The warning about URLs of `number` that the state does not name: it is not documented whether a transfer keeps them.
fn unnamed_urls(number: &Number, settings: &NumberSettings) -> Option<String> {
    let unnamed: Vec<_> = number
        .urls
        .iter()
        .filter(|setting| settings.value(*setting).is_none())
        .map(NumberSetting::as_str)
        .collect();
    let (last, most) = unnamed.split_last()?;
    let names = if most.is_empty() { (*last).to_owned() } else { format!("{} and {last}", most.join(", ")) };
    Some(format!("the transfer may clear its {names}: name the settings in the claim to keep them"))
}

/// The SID that the state gives as replacement for `resource_ref`; empty when the state removes it.
fn replacement(
    resource_ref: ResourceRef,
    resources: &TransferResources,
    settings: &NumberSettings,
) -> Option<String> {
    let TransferResources { address_sid, bundle_sid, identity_sid, emergency_address_sid } = resources;
    let setting = |setting| settings.value(setting).map(str::to_owned);
    match resource_ref {
        ResourceRef::VoiceApplication => setting(NumberSetting::VoiceApplicationSid),
        ResourceRef::SmsApplication => setting(NumberSetting::SmsApplicationSid),
        ResourceRef::Trunk => setting(NumberSetting::TrunkSid),
        ResourceRef::Address => address_sid.map(|sid| sid.to_string()),
        ResourceRef::EmergencyAddress => emergency_address_sid.map(|sid| sid.to_string()),
        ResourceRef::Bundle => bundle_sid.map(|sid| sid.to_string()),
        ResourceRef::Identity => identity_sid.map(|sid| sid.to_string()),
    }
}
