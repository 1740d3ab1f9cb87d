//! Contract Net: an initiator calls for proposals, contractors propose, the best gets the work.
//!
//! | act | says | means |
//! |---|---|---|
//! | CFP | initiator | who does this? Has a `reply_by`; again in a further round |
//! | PROPOSE, REFUSE | contractor | on these terms; not I |
//! | ACCEPT-PROPOSAL, REJECT-PROPOSAL | initiator | you do it; another does it |
//! | INFORM, FAILURE | contractor | done, or the result; it went wrong |
//! | CANCEL | initiator | stop, whatever you are at |
//!
//! Both sides are machines that an agent keeps among its own fields: [`Proposals`] are what a contractor has proposed,
//! a [`Call`] is one negotiation of an initiator. They are given each message and write what follows from it to the
//! outbox. They have no timers: the node answers FAILURE for whoever does not answer in time, is gone, or cannot be
//! reached, so each call ends and everybody who takes part in it gets an answer.
//!
//! The node holds both sides to the protocol. An act that it does not allow never arrives, so what is ignored here is
//! what an agent without that protection would see.
//!
//! Source: FIPA SC00029H (contract net), SC00030H (iterated contract net).

mod call;
mod proposals;

pub use call::{Call, Contractor, Ending, Progress, Standing};
pub use proposals::{Proposal, Proposals, Verdict};

use crate::envelope::{Draft, Message};
use crate::performative::Performative;
use crate::value::Value;

/// The protocol of a negotiation with one call.
pub const CONTRACT_NET: &str = "fipa-contract-net";
/// The protocol of one in which the initiator may call again.
pub const ITERATED_CONTRACT_NET: &str = "fipa-iterated-contract-net";

/// Who speaks for the platform; no agent can have this name as a sender, since theirs say a node.
const PLATFORM: &str = "ams";

/// Reject a proposal to a call that is over, so that its sender does not wait; nothing for other messages.
///
/// The talk that it belongs to has ended, so the answer names no protocol.
pub fn reject_late<'a>(message: &Message<'a>) -> Option<Draft<'a>> {
    if message.performative != Performative::Propose || message.sender.is_empty() {
        return None;
    }
    let answer = message.reply(Performative::RejectProposal).outside_of_protocol();
    Some(answer.json(&because("the call is over")))
}

fn because(reason: &str) -> Value {
    Value::map([("reason", reason.into())])
}

/// Whether a sender is who was addressed: the node adds `@node`, and the default tenant may be left out.
fn is_from(address: &str, sender: &str) -> bool {
    let (address, sender) = (without_default(address), without_default(sender));
    match sender.strip_prefix(address) {
        Some("") => true,
        Some(rest) => rest.starts_with('@') && !address.contains('@'),
        None => false,
    }
}

fn without_default(address: &str) -> &str {
    address.strip_prefix("default/").unwrap_or(address)
}

/// What the host makes of a draft: an envelope with its sender.
#[cfg(test)]
fn stamp(draft: &Draft<'_>, sender: &str) -> Vec<u8> {
    let mut written = Vec::new();
    draft.write(&mut written);
    let mut frame = written[..2].to_vec();
    crate::msgpack::write_text(&mut frame, sender);
    frame.extend_from_slice(&written[3..]);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_known_by_the_address_that_was_called() {
        for (address, sender) in
            [("a", "a"), ("a", "a@n1"), ("a@n1", "a@n1"), ("default/a", "a@n1"), ("a", "default/a")]
        {
            assert!(is_from(address, sender), "{} {}", address, sender);
        }
        for (address, sender) in
            [("a", "ab@n1"), ("a@n1", "a@n12"), ("a@n1", "a"), ("t/a", "a@n1"), ("", "a")]
        {
            assert!(!is_from(address, sender), "{} {}", address, sender);
        }
    }

    #[test]
    fn only_proposals_are_rejected_as_late_and_outside_of_the_protocol() {
        let draft = |act| Draft::new(act, "a").protocol(CONTRACT_NET).conversation("net");
        let proposal = stamp(&draft(Performative::Propose), "b@n1");
        let rejection = stamp(&reject_late(&Message::parse(&proposal).unwrap()).unwrap(), "a@n1");
        let rejection = Message::parse(&rejection).unwrap();
        assert_eq!((rejection.performative, rejection.receiver), (Performative::RejectProposal, "b@n1"));
        assert_eq!((rejection.conversation_id, rejection.protocol), (Some("net"), None));
        let result = stamp(&draft(Performative::Inform), "b@n1");
        assert!(reject_late(&Message::parse(&result).unwrap()).is_none());
    }
}
