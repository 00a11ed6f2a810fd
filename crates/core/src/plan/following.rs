//! The warning about resources that a transfer does not move: those of the losing account that the number uses.

use crate::{ResourceRefs, Transfer, TransferResources, resource_refs::ResourceRef};

/// The warning of a transfer; `None` when the number uses no resource of the losing account.
pub(super) fn warning(transfer: &Transfer, resource_refs: ResourceRefs) -> Option<String> {
    let Transfer { to, from, resources, .. } = transfer;
    let (replaced, left): (Vec<_>, Vec<_>) = resource_refs
        .iter()
        .map(|resource_ref| (resource_ref, replacement(resource_ref, resources)))
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
        says.push(format!(
            "its {} of {from} is replaced by {} of {to}",
            resource_ref.noun(),
            new.unwrap_or_default()
        ));
    }
    (!says.is_empty()).then(|| says.join("; "))
}

/// The SID that the state gives as replacement for `resource_ref`.
fn replacement(resource_ref: ResourceRef, resources: &TransferResources) -> Option<String> {
    let TransferResources { address_sid, bundle_sid, identity_sid, emergency_address_sid } = resources;
    match resource_ref {
        ResourceRef::VoiceApplication | ResourceRef::SmsApplication | ResourceRef::Trunk => None,
        ResourceRef::Address => address_sid.map(|sid| sid.to_string()),
        ResourceRef::EmergencyAddress => emergency_address_sid.map(|sid| sid.to_string()),
        ResourceRef::Bundle => bundle_sid.map(|sid| sid.to_string()),
        ResourceRef::Identity => identity_sid.map(|sid| sid.to_string()),
    }
}
