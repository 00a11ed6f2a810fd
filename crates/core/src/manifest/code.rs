//! Codes of faults: a stable name for each kind of mistake, with an explanation.
//!
//! Codes are public: people search for them and scripts compare them. A code is never reused, even when its kind of
//! fault no longer exists; new codes are added at the end.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($name:ident $text:literal)+) => {
        /// One kind of fault.
        #[expect(missing_docs, reason = "the paragraph of each is its documentation")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DiagnosticCode {
            $($name,)+
        }

        impl DiagnosticCode {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code as it is written.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The explanation in Markdown: the fault, why it matters, its effect until it is fixed,
            /// and its remedy. It begins with a heading of the first level, `# SD001: the title`; the first
            /// YAML block is wrong, the second right.
            pub const fn explanation(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("codes/", $text, ".md")),)+
                }
            }
        }
    };
}

codes! {
    UnreadableFile "SD001"
    NotUtf8 "SD002"
    NotYaml "SD003"
    Tab "SD004"
    UnknownAnchor "SD005"
    Tag "SD006"
    Unfolding "SD007"
    Ambiguous "SD008"
    ConflictMarker "SD009"
    Placeholder "SD010"
    NoHead "SD011"
    OtherVersion "SD012"
    OtherKind "SD013"
    UnknownKey "SD014"
    DuplicateKey "SD015"
    KeyNotText "SD016"
    MergeKey "SD017"
    MissingKey "SD018"
    EmptyValue "SD019"
    WrongType "SD020"
    UnquotedNumber "SD021"
    LongText "SD022"
    ManyLabels "SD023"
    MalformedSid "SD024"
    MalformedNumber "SD025"
    MalformedTime "SD026"
    UnknownStatus "SD027"
    CloseWithoutClosed "SD028"
    ClosedWithoutClose "SD029"
    NumbersOfClosed "SD030"
    AccountTwice "SD031"
    NumberTwice "SD032"
    ClaimedAndReleased "SD033"
    MainAccountListed "SD034"
    SecondMainAccount "SD035"
    NoMainAccount "SD036"
    NoState "SD037"
    ManyFaults "SD038"
    NotPlain "SD039"
    ClosedWithoutSid "SD040"
    BlankInName "SD041"
    InvisibleInName "SD042"
    NameNotComposed "SD043"
    NameTwice "SD044"
    MalformedUrl "SD045"
    UnknownWord "SD046"
    DefaultTwice "SD047"
    SettingsConflict "SD048"
    EndCallsOfActive "SD049"
    ReleasedTwice "SD050"
    NotBesideMainAccount "SD051"
    ManyItems "SD052"
    MalformedSchedule "SD053"
    UnknownTimeZone "SD054"
    MalformedDuration "SD055"
    NotACount "SD056"
}

impl DiagnosticCode {
    /// The code that `text` names, in letters of either case.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }

    /// The code that `text` may stand for: the one with the same number, as in `14`, `SD14` or `E0014`.
    pub fn near(text: &str) -> Option<Self> {
        let number: usize = text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()?;
        Self::ALL.get(number.checked_sub(1)?).copied()
    }

    /// The kind of fault in a few words.
    pub fn title(self) -> &'static str {
        let heading = self.explanation().lines().next().unwrap_or_default();
        heading.split_once(": ").map_or(heading, |(_, title)| title)
    }
}

impl fmt::Display for DiagnosticCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DiagnosticCode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}
