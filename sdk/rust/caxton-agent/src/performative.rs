//! The twenty-two communicative acts. Codes: FIPA SC00069G, section 2.2.

macro_rules! performatives {
    ($($name:ident = $code:literal, $word:literal;)*) => {
        /// What a message does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Performative {
            $(#[doc = $word] $name = $code,)*
        }

        impl Performative {
            /// Read a code from the wire.
            pub fn from_code(code: u64) -> Option<Self> {
                match code {
                    $($code => Some(Performative::$name),)*
                    _ => None,
                }
            }

            /// FIPA's spelling, for example `accept-proposal`.
            pub fn word(self) -> &'static str {
                match self {
                    $(Performative::$name => $word,)*
                }
            }
        }
    };
}

performatives! {
    AcceptProposal = 0x01, "accept-proposal";
    Agree = 0x02, "agree";
    Cancel = 0x03, "cancel";
    Cfp = 0x04, "cfp";
    Confirm = 0x05, "confirm";
    Disconfirm = 0x06, "disconfirm";
    Failure = 0x07, "failure";
    Inform = 0x08, "inform";
    InformIf = 0x09, "inform-if";
    InformRef = 0x0A, "inform-ref";
    NotUnderstood = 0x0B, "not-understood";
    Propagate = 0x0C, "propagate";
    Propose = 0x0D, "propose";
    Proxy = 0x0E, "proxy";
    QueryIf = 0x0F, "query-if";
    QueryRef = 0x10, "query-ref";
    Refuse = 0x11, "refuse";
    RejectProposal = 0x12, "reject-proposal";
    Request = 0x13, "request";
    RequestWhen = 0x14, "request-when";
    RequestWhenever = 0x15, "request-whenever";
    Subscribe = 0x16, "subscribe";
}

impl Performative {
    /// Whether the sender waits for an answer, so that what is not understood deserves a NOT_UNDERSTOOD.
    ///
    /// Acts that answer or tell never do: two agents that misunderstand each other would not stop.
    pub fn asks(self) -> bool {
        use Performative::*;
        matches!(
            self,
            Cancel
                | Cfp
                | Propagate
                | Proxy
                | QueryIf
                | QueryRef
                | Request
                | RequestWhen
                | RequestWhenever
                | Subscribe
        )
    }
}
