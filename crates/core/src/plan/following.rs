//! The resources that do not follow a number to another account, in words: those that it uses of the account
//! that it leaves.

use crate::{ResourceRefs, Transfer, TransferResources, resource_refs::ResourceRef};

/// The warning for the person who moves the number; `None` when the number uses nothing of the account
/// that it leaves.
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
            says.push(format!("its {one} belongs to {from} and does not follow: set it anew in {to}"));
        }
        [most @ .., last] => says.push(format!(
            "its {} and {last} belong to {from} and do not follow: set them anew in {to}",
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

/// The SID that the state gives in the place of `resource_ref`.
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
