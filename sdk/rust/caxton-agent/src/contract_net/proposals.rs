//! The contractor's side: what it has proposed and nobody has answered yet.

use super::{because, is_from, PLATFORM};
use crate::envelope::Message;
use crate::json;
use crate::outbox::Outbox;
use crate::performative::Performative;
use crate::value::Value;

/// What the calls of all open proposals may hold together, bytes; of more the oldest are forgotten.
const CALLS_BYTES_MAX: usize = 1 << 20;

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Who called, `name@node`.
    pub initiator: String,
    /// The conversation of the call.
    pub conversation: String,
    call: Vec<u8>,
}

impl Proposal {
    /// The content of the call; nil when it is no JSON.
    pub fn call(&self) -> Value {
        json::parse(&self.call).unwrap_or(Value::Nil)
    }
}

/// What a message means for an open proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is yours to do: answer the message with INFORM, or FAILURE, now or later.
    Accepted(Proposal),
    /// Another gets the work.
    Rejected(Proposal),
    /// It is called off; the initiator has been told that it is dropped.
    Cancelled(Proposal),
    /// Nobody will answer it: the initiator is gone, or did not get it or understand it.
    Gone(Proposal),
    /// It answers a proposal that is not open. Whoever waits for an answer has been sent FAILURE.
    NotOpen,
    /// It is about no proposal.
    Other,
}

/// The open proposals of a contractor; of more than it may have, the oldest is forgotten.
#[derive(Clone, Debug)]
pub struct Proposals {
    open: Vec<Proposal>,
    open_max: usize,
    bytes: usize,
}

impl Proposals {
    /// None yet, and at most so many.
    pub fn new(open_max: usize) -> Self {
        Proposals { open: Vec::new(), open_max: open_max.max(1), bytes: 0 }
    }

    /// How many wait for an answer.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none waits for an answer.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Answer a CFP with terms. In a further round this takes the place of the former proposal.
    pub fn propose(&mut self, call: &Message<'_>, terms: &Value, out: &mut Outbox) {
        self.take_answered(call);
        let size = call.content().len();
        while self.open.len() == self.open_max
            || (!self.open.is_empty() && self.bytes + size > CALLS_BYTES_MAX)
        {
            self.remove(0);
        }
        self.bytes += size;
        self.open.push(Proposal {
            initiator: call.sender.to_owned(),
            conversation: call.conversation_id.unwrap_or("").to_owned(),
            call: call.content().to_owned(),
        });
        out.send(&call.reply(Performative::Propose).json(terms));
    }

    /// Answer a CFP with REFUSE. In a further round this takes back the former proposal.
    pub fn refuse(&mut self, call: &Message<'_>, reason: &str, out: &mut Outbox) {
        self.take_answered(call);
        out.send(&call.reply(Performative::Refuse).json(&because(reason)));
    }

    /// Take a message and say what it means. What is over is no longer open afterwards.
    ///
    /// If you work on something for longer than the message that accepted it, look yourself whether a CANCEL means
    /// that, before you give it to this.
    pub fn take(&mut self, message: &Message<'_>, out: &mut Outbox) -> Verdict {
        match message.performative {
            Performative::AcceptProposal => match self.take_answered(message) {
                Some(proposal) => Verdict::Accepted(proposal),
                None => not_open(message, out),
            },
            Performative::RejectProposal => {
                self.take_answered(message).map_or(Verdict::NotOpen, Verdict::Rejected)
            }
            Performative::Cancel => match self.take_answered(message) {
                Some(proposal) => {
                    let content = Value::map([("cancelled", proposal.call().get("task").clone())]);
                    out.send(&message.reply(Performative::Inform).json(&content));
                    Verdict::Cancelled(proposal)
                }
                None => not_open(message, out),
            },
            Performative::Failure | Performative::NotUnderstood => {
                self.take_lost(message).map_or(Verdict::Other, Verdict::Gone)
            }
            _ => Verdict::Other,
        }
    }

    /// The proposal of this conversation to this message's sender.
    fn take_answered(&mut self, message: &Message<'_>) -> Option<Proposal> {
        self.take_of(message, message.sender)
    }

    /// The proposal that a FAILURE or NOT_UNDERSTOOD is about. The platform says in the content whom it did not reach;
    /// when it did not let a proposal through, that is the only one of its conversation.
    fn take_lost(&mut self, message: &Message<'_>) -> Option<Proposal> {
        if message.sender != PLATFORM {
            return self.take_answered(message);
        }
        if message.performative == Performative::Failure {
            return self.take_of(message, message.json().get("receiver").as_str()?);
        }
        let conversation = message.conversation_id.unwrap_or("");
        let index = self.open.iter().rposition(|open| open.conversation == conversation)?;
        Some(self.remove(index))
    }

    fn take_of(&mut self, message: &Message<'_>, initiator: &str) -> Option<Proposal> {
        let conversation = message.conversation_id.unwrap_or("");
        let is_it =
            |open: &Proposal| open.conversation == conversation && is_from(initiator, &open.initiator);
        let index = self.open.iter().position(is_it)?;
        Some(self.remove(index))
    }

    fn remove(&mut self, index: usize) -> Proposal {
        let proposal = self.open.remove(index);
        self.bytes -= proposal.call.len();
        proposal
    }
}

fn not_open(message: &Message<'_>, out: &mut Outbox) -> Verdict {
    let reason = because("nothing is proposed in this conversation");
    out.send(&message.reply(Performative::Failure).json(&reason));
    Verdict::NotOpen
}

#[cfg(test)]
mod tests {
    use super::super::stamp;
    use super::*;
    use crate::envelope::Draft;

    /// A contractor, and what it is told in the conversation "net".
    struct Desk {
        proposals: Proposals,
        sent: Vec<String>,
    }

    impl Desk {
        fn with_one_of(open_max: usize) -> Self {
            let mut desk = Desk { proposals: Proposals::new(open_max), sent: Vec::new() };
            desk.call("net", "buyer@n1", "wall");
            desk
        }

        fn call(&mut self, conversation: &str, initiator: &str, task: &str) {
            let task = Value::map([("task", task.into())]);
            let draft = Draft::new(Performative::Cfp, "a").conversation(conversation).json(&task);
            let frame = stamp(&draft, initiator);
            let mut out = Outbox::new();
            self.proposals.propose(&Message::parse(&frame).unwrap(), &Value::Int(3), &mut out);
            self.note(&out);
        }

        fn hear(&mut self, sender: &str, act: Performative, content: &str) -> Verdict {
            let draft = Draft::new(act, "a").conversation("net").content(content.as_bytes());
            let frame = stamp(&draft, sender);
            let mut out = Outbox::new();
            let verdict = self.proposals.take(&Message::parse(&frame).unwrap(), &mut out);
            self.note(&out);
            verdict
        }

        fn note(&mut self, out: &Outbox) {
            self.sent.clear();
            for frame in out.frames() {
                let message = Message::parse(frame).unwrap();
                let content = String::from_utf8_lossy(message.content());
                self.sent.push(format!("{} {} {}", message.performative.word(), message.receiver, content));
            }
        }
    }

    fn task(verdict: Verdict) -> Value {
        match verdict {
            Verdict::Accepted(proposal)
            | Verdict::Rejected(proposal)
            | Verdict::Cancelled(proposal)
            | Verdict::Gone(proposal) => proposal.call().get("task").clone(),
            Verdict::NotOpen | Verdict::Other => Value::Nil,
        }
    }

    #[test]
    fn an_accepted_proposal_brings_its_call_back_once() {
        let mut desk = Desk::with_one_of(4);
        assert_eq!(desk.sent, ["propose buyer@n1 3"]);
        let verdict = desk.hear("buyer@n1", Performative::AcceptProposal, "");
        assert!(matches!(&verdict, Verdict::Accepted(proposal) if proposal.initiator == "buyer@n1"));
        assert_eq!(task(verdict), "wall".into());
        assert_eq!(desk.hear("buyer@n1", Performative::AcceptProposal, ""), Verdict::NotOpen);
        assert_eq!(desk.sent, [r#"failure buyer@n1 {"reason":"nothing is proposed in this conversation"}"#]);
    }

    #[test]
    fn only_who_called_can_answer() {
        let mut desk = Desk::with_one_of(4);
        for act in [Performative::AcceptProposal, Performative::RejectProposal, Performative::Cancel] {
            assert_eq!(desk.hear("thief@n1", act, ""), Verdict::NotOpen);
        }
        assert!(matches!(desk.hear("buyer@n1", Performative::RejectProposal, ""), Verdict::Rejected(_)));
        assert!(desk.proposals.is_empty() && desk.sent.is_empty());
    }

    #[test]
    fn a_further_round_replaces_the_proposal_or_takes_it_back() {
        let mut desk = Desk::with_one_of(4);
        desk.call("net", "buyer@n1", "tower");
        assert_eq!(desk.proposals.len(), 1);
        assert_eq!(task(desk.hear("buyer@n1", Performative::AcceptProposal, "")), "tower".into());
        desk.call("net", "buyer@n1", "tower");
        let call = stamp(&Draft::new(Performative::Cfp, "a").conversation("net"), "buyer@n1");
        let mut out = Outbox::new();
        desk.proposals.refuse(&Message::parse(&call).unwrap(), "too high", &mut out);
        desk.note(&out);
        assert_eq!(desk.sent, [r#"refuse buyer@n1 {"reason":"too high"}"#]);
        assert!(desk.proposals.is_empty());
    }

    #[test]
    fn a_proposal_that_is_called_off_is_dropped_and_its_initiator_told() {
        let mut desk = Desk::with_one_of(4);
        assert!(matches!(desk.hear("buyer@n1", Performative::Cancel, ""), Verdict::Cancelled(_)));
        assert_eq!(desk.sent, [r#"inform buyer@n1 {"cancelled":"wall"}"#]);
        assert!(desk.proposals.is_empty());
    }

    #[test]
    fn what_the_platform_says_of_the_initiator_drops_its_proposal_and_no_other() {
        let mut desk = Desk::with_one_of(4);
        let other = r#"{"reason":"node-died","receiver":"other@n2"}"#;
        assert_eq!(desk.hear("ams", Performative::Failure, other), Verdict::Other);
        assert_eq!(desk.hear("ams", Performative::Failure, "[]"), Verdict::Other);
        let gone = r#"{"reason":"node-died","receiver":"buyer@n1"}"#;
        assert!(matches!(desk.hear("ams", Performative::Failure, gone), Verdict::Gone(_)));
        assert!(desk.proposals.is_empty() && desk.sent.is_empty());
    }

    #[test]
    fn a_proposal_that_is_not_understood_is_dropped_whoever_says_so() {
        for sender in ["ams", "buyer@n1"] {
            let mut desk = Desk::with_one_of(4);
            assert!(matches!(desk.hear(sender, Performative::NotUnderstood, "{}"), Verdict::Gone(_)));
        }
        let mut desk = Desk::with_one_of(4);
        assert_eq!(desk.hear("thief@n1", Performative::NotUnderstood, "{}"), Verdict::Other);
        assert_eq!(desk.hear("buyer@n1", Performative::Request, "{}"), Verdict::Other);
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many_or_they_are_too_large() {
        let mut desk = Desk::with_one_of(2);
        desk.call("net-2", "buyer@n1", "roof");
        desk.call("net-3", "buyer@n1", "floor");
        assert_eq!(desk.proposals.len(), 2);
        assert_eq!(desk.hear("buyer@n1", Performative::AcceptProposal, ""), Verdict::NotOpen);
        desk.call("net", "buyer@n1", &"x".repeat(CALLS_BYTES_MAX));
        assert_eq!(desk.proposals.len(), 1);
        assert!(matches!(desk.hear("buyer@n1", Performative::AcceptProposal, ""), Verdict::Accepted(_)));
        assert_eq!(desk.proposals.bytes, 0);
    }
}
