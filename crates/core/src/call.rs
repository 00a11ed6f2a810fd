//! A call that has not ended, as Twilio lists it, and the calls that may be ended.
//!
//! A call whose other end is no phone number of a subscriber (an emergency call, a short code, a SIP address) is never
//! ended, nor is any call of its family: the end of one leg ends the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{CallSid, PhoneNumber};

/// The shortest phone number of a subscriber, in digits with the country code; `+911` and `+44999` are no such numbers.
const MIN_DIGITS: usize = 7;
/// The most calls between a call and the one that began its family.
const MAX_DEPTH: usize = 16;

/// The status of a call that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallStatus {
    /// The call waits to be dialed.
    Queued,
    /// The call rings.
    Ringing,
    /// The call was answered.
    InProgress,
}

impl CallStatus {
    /// Every status, in the order in which a call has them: lists that are read in this order show a call that goes on
    /// meanwhile at least once.
    pub const ALL: [Self; 3] = [Self::Queued, Self::Ringing, Self::InProgress];

    /// The value at Twilio.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
        }
    }

    /// The status at Twilio that ends a call with this one.
    pub const fn ends_as(self) -> &'static str {
        match self {
            Self::Queued | Self::Ringing => "canceled",
            Self::InProgress => "completed",
        }
    }
}

/// The direction of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallDirection {
    /// A call to the account: its other end is the caller.
    Inbound,
    /// A call from the account: its other end is the called one.
    Outbound,
    /// Another word of Twilio: either end may be the other one.
    Unknown,
}

/// A call that has not ended, in the list of its account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Its SID.
    pub sid: CallSid,
    /// The call that began it.
    pub parent: Option<CallSid>,
    /// Its status.
    pub status: CallStatus,
    /// Its direction.
    pub direction: CallDirection,
    /// The caller; `None` when it is no phone number of a subscriber.
    pub from: Option<PhoneNumber>,
    /// The called end, likewise.
    pub to: Option<PhoneNumber>,
}

/// The phone number of a subscriber that `text` is; `None` for an emergency number, a short code and any other address.
pub fn subscriber(text: &str) -> Option<PhoneNumber> {
    // The text begins with a plus.
    text.parse().ok().filter(|_| text.len() > MIN_DIGITS)
}

/// A call to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallEnd {
    /// Its SID.
    pub sid: CallSid,
    /// Its status when it was listed.
    pub status: CallStatus,
}

impl Call {
    fn is_protected(&self) -> bool {
        match self.direction {
            CallDirection::Inbound => self.from.is_none(),
            CallDirection::Outbound => self.to.is_none(),
            CallDirection::Unknown => self.from.is_none() || self.to.is_none(),
        }
    }
}

/// The calls of one account that may be ended, by SID.
pub fn endable(calls: &[Call]) -> Vec<CallEnd> {
    let by_sid: BTreeMap<CallSid, &Call> = calls.iter().map(|call| (call.sid, call)).collect();
    // The first call of the family, or the parent that is not listed.
    let family = |call: &Call| {
        let mut root = call.sid;
        let mut parent = call.parent;
        for _ in 0..MAX_DEPTH {
            let Some(sid) = parent else { break };
            root = sid;
            parent = by_sid.get(&sid).and_then(|call| call.parent);
        }
        root
    };
    let protected: BTreeSet<CallSid> = calls.iter().filter(|call| call.is_protected()).map(family).collect();
    let may_end = by_sid.values().filter(|call| !protected.contains(&family(call)));
    may_end.map(|call| CallEnd { sid: call.sid, status: call.status }).collect()
}

impl fmt::Display for CallStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid(n: u8) -> CallSid {
        format!("CA{n:032x}").parse().unwrap()
    }

    fn call(n: u8, direction: CallDirection, from: &str, to: &str) -> Call {
        Call {
            sid: sid(n),
            parent: None,
            status: CallStatus::InProgress,
            direction,
            from: subscriber(from),
            to: subscriber(to),
        }
    }

    fn ended(calls: &[Call]) -> Vec<CallSid> {
        endable(calls).into_iter().map(|end| end.sid).collect()
    }

    const US: &str = "+15105550101";
    const THEM: &str = "+493012345678";

    #[test]
    fn other_end_of_an_ended_call_is_the_number_of_a_subscriber() {
        use CallDirection::{Inbound, Outbound, Unknown};
        for odd in
            ["911", "112", "+911", "+1911", "+44999", "38436", "sip:desk@example.com", "client:anna", ""]
        {
            assert_eq!(ended(&[call(1, Outbound, US, odd)]), [], "{odd}");
            assert_eq!(ended(&[call(1, Inbound, odd, US)]), [], "{odd}");
            assert_eq!(ended(&[call(1, Unknown, odd, US)]), [], "{odd}");
            assert_eq!(ended(&[call(1, Unknown, US, odd)]), [], "{odd}");
            assert_eq!(ended(&[call(1, Outbound, odd, THEM)]), [sid(1)], "{odd} is our own end");
            assert_eq!(ended(&[call(1, Inbound, THEM, odd)]), [sid(1)], "{odd} is our own end");
        }
        for right in [THEM, "+6834000"] {
            assert_eq!(ended(&[call(1, Outbound, US, right)]), [sid(1)], "{right}");
        }
    }

    #[test]
    fn no_leg_of_the_family_of_an_emergency_call_is_ended() {
        let parent = call(1, CallDirection::Inbound, THEM, US);
        let sibling = Call { parent: Some(sid(1)), ..call(2, CallDirection::Outbound, US, THEM) };
        let emergency = Call { parent: Some(sid(1)), ..call(3, CallDirection::Outbound, US, "911") };
        let grandchild = Call { parent: Some(sid(2)), ..call(4, CallDirection::Outbound, US, THEM) };
        let other = call(5, CallDirection::Outbound, US, THEM);
        let all = [parent.clone(), sibling.clone(), emergency.clone(), grandchild.clone(), other];
        assert_eq!(ended(&all), [sid(5)]);
        assert_eq!(ended(&[sibling.clone(), emergency]), [], "the parent is over, or not listed");
        assert_eq!(ended(&[parent, sibling, grandchild]), [sid(1), sid(2), sid(4)]);
    }

    #[test]
    fn families_that_name_each_other_as_parents_end() {
        let one = Call { parent: Some(sid(2)), ..call(1, CallDirection::Outbound, US, THEM) };
        let two = Call { parent: Some(sid(1)), ..call(2, CallDirection::Outbound, US, THEM) };
        assert_eq!(ended(&[one, two]), [sid(1), sid(2)]);
    }

    #[test]
    fn call_ends_as_its_status_asks() {
        assert_eq!(CallStatus::ALL.map(CallStatus::ends_as), ["canceled", "canceled", "completed"]);
        assert_eq!(CallStatus::ALL.map(CallStatus::as_str), ["queued", "ringing", "in-progress"]);
    }
}
