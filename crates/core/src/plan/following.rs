//! The resources that do not follow a number to another account, in words: those that it uses of the account
//! that it leaves.

use crate::{Needs, Ties, Transfer, ties::Tie};

/// The warning for the person who moves the number; `None` when the number uses nothing of the account
/// that it leaves.
pub(super) fn warning(transfer: &Transfer, ties: Ties) -> Option<String> {
    let Transfer { to, from, needs, .. } = transfer;
    let (replaced, left): (Vec<_>, Vec<_>) =
        ties.iter().map(|tie| (tie, replacement(tie, needs))).partition(|(_, new)| new.is_some());
    let mut says = Vec::new();
    let left: Vec<_> = left.into_iter().map(|(tie, _)| tie.noun()).collect();
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
    for (tie, new) in replaced {
        says.push(format!("its {} of {from} is replaced by {} of {to}", tie.noun(), new.unwrap_or_default()));
    }
    (!says.is_empty()).then(|| says.join("; "))
}

/// The SID that the state gives in the place of `tie`.
fn replacement(tie: Tie, needs: &Needs) -> Option<String> {
    let Needs { address_sid, bundle_sid, identity_sid, emergency_address_sid } = needs;
    match tie {
        Tie::VoiceApplication | Tie::SmsApplication | Tie::Trunk => None,
        Tie::Address => address_sid.map(|sid| sid.to_string()),
        Tie::EmergencyAddress => emergency_address_sid.map(|sid| sid.to_string()),
        Tie::Bundle => bundle_sid.map(|sid| sid.to_string()),
        Tie::Identity => identity_sid.map(|sid| sid.to_string()),
    }
}
