//! greeter: has a conversation with another agent, one turn after the other.
//!
//! REQUEST `{"talk_to": "greeter-2", "turns": 3}` makes it ask that agent `turns` times, each time waiting for the
//! answer; then its requester gets INFORM `{"talked_to", "turns", "last", "mean_us", "max_us"}`, or FAILURE with what
//! went wrong and after how many turns. Every other REQUEST is greeted back, so two greeters can talk.
//!
//! A turn that is not answered ends by itself: its `reply_by` makes the node answer FAILURE.

use caxton_agent::host;
use caxton_agent::{export_agent, Agent, Draft, Message, Outbox, Performative, Start, Value};

const TURN_MS: u64 = 2_000;
const TURNS_MAX: i64 = 1_000;
/// Conversations at a time; more are refused.
const TALKS_MAX: usize = 256;

struct Talk {
    id: String,
    partner: String,
    turns: i64,
    done: i64,
    asked_at_ns: u64,
    total_ns: u64,
    slowest_ns: u64,
    requester: String,
    conversation: Option<String>,
    reply_with: Option<String>,
}

struct Greeter {
    agent: String,
    node: String,
    talks: Vec<Talk>,
}

impl Agent for Greeter {
    fn init(start: &Start, _out: &mut Outbox) -> Result<Self, String> {
        Ok(Greeter { agent: start.agent.clone(), node: start.node.clone(), talks: Vec::new() })
    }

    fn handle(&mut self, message: &Message<'_>, out: &mut Outbox) {
        match message.performative {
            Performative::Request => self.answer(message, out),
            Performative::Inform
            | Performative::Failure
            | Performative::NotUnderstood
            | Performative::Refuse => {
                self.go_on(message, out);
            }
            _ => {
                if let Some(answer) = message.not_understood("a greeter takes requests") {
                    out.send(&answer);
                }
            }
        }
    }
}

impl Greeter {
    fn answer(&mut self, message: &Message<'_>, out: &mut Outbox) {
        let order = message.json();
        match order.get("talk_to").as_str() {
            Some(partner) if !partner.is_empty() => self.begin(message, partner, order.get("turns"), out),
            _ => {
                let content = Value::map([
                    ("greeting", format!("hello {}", message.sender).into()),
                    ("turn", order.get("turn").clone()),
                    ("from", self.agent.as_str().into()),
                    ("node", self.node.as_str().into()),
                ]);
                out.send(&message.reply(Performative::Inform).json(&content));
            }
        }
    }

    fn begin(&mut self, message: &Message<'_>, partner: &str, turns: &Value, out: &mut Outbox) {
        if self.talks.len() == TALKS_MAX {
            let reason = Value::map([("reason", "too many conversations at a time".into())]);
            return out.send(&message.reply(Performative::Refuse).json(&reason));
        }
        let mut talk = Talk {
            id: host::unique("talk"),
            partner: partner.to_owned(),
            turns: turns.as_i64().unwrap_or(1).max(1).min(TURNS_MAX),
            done: 0,
            asked_at_ns: 0,
            total_ns: 0,
            slowest_ns: 0,
            requester: message.reply_to.unwrap_or(message.sender).to_owned(),
            conversation: message.conversation_id.map(str::to_owned),
            reply_with: message.reply_with.map(str::to_owned),
        };
        talk.ask(out);
        self.talks.push(talk);
    }

    fn go_on(&mut self, message: &Message<'_>, out: &mut Outbox) {
        let found = self.talks.iter().position(|talk| talk.is_answered_by(message));
        let index = match found {
            Some(index) => index,
            None => return, // of a conversation that is over
        };
        let talk = &mut self.talks[index];
        let is_good = message.performative == Performative::Inform;
        if is_good {
            talk.note_answer();
            if talk.done < talk.turns {
                return talk.ask(out);
            }
        }
        self.talks.remove(index).report(message, is_good, out);
    }
}

impl Talk {
    fn tag(&self) -> String {
        format!("turn-{}", self.done + 1)
    }

    fn is_answered_by(&self, message: &Message<'_>) -> bool {
        message.conversation_id == Some(&self.id) && message.in_reply_to == Some(&self.tag())
    }

    fn ask(&mut self, out: &mut Outbox) {
        self.asked_at_ns = host::now_ns();
        let content = Value::map([("greeting", "hello".into()), ("turn", (self.done + 1).into())]);
        let tag = self.tag();
        let ask = Draft::new(Performative::Request, &self.partner).conversation(&self.id).reply_with(&tag);
        out.send(&ask.reply_by(host::now_ms() + TURN_MS).protocol("fipa-request").json(&content));
    }

    fn note_answer(&mut self) {
        let took_ns = host::now_ns().saturating_sub(self.asked_at_ns);
        self.done += 1;
        self.total_ns += took_ns;
        self.slowest_ns = self.slowest_ns.max(took_ns);
    }

    fn report(&self, last: &Message<'_>, is_good: bool, out: &mut Outbox) {
        let act = if is_good { Performative::Inform } else { Performative::Failure };
        let mean_us = self.total_ns / 1_000 / self.done.max(1) as u64;
        let content = Value::map([
            ("talked_to", self.partner.as_str().into()),
            ("turns", self.done.into()),
            (if is_good { "last" } else { "reason" }, last.json()),
            ("mean_us", (mean_us as i64).into()),
            ("max_us", ((self.slowest_ns / 1_000) as i64).into()),
        ]);
        let mut draft =
            Draft::new(act, &self.requester).in_reply_to(self.reply_with.as_deref()).json(&content);
        if let Some(conversation) = &self.conversation {
            draft = draft.conversation(conversation);
        }
        out.send(&draft);
    }
}

export_agent!(Greeter);
