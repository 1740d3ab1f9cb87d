//! buyer: has work done by whoever offers it cheapest, through Contract Net.
//!
//! REQUEST `{"task": ..., "capability": "painting", "deadline_ms": 2000}` starts a round:
//!
//! 1. `df` is asked who has the capability; all of them get a CFP with `reply_by`.
//! 2. PROPOSE, REFUSE, FAILURE and NOT_UNDERSTOOD are counted. When all have answered, the cheapest is accepted and the
//!    others are rejected.
//! 3. What the winner says becomes the answer to the requester: INFORM `{"winner", "node", "price", "bids", "result"}`,
//!    or FAILURE `{"reason", ...}`. No bids, nobody with the capability: FAILURE.
//!
//! There are no timers in here. The node answers FAILURE (`timeout`) for every message whose `reply_by` has passed
//! without an answer, and FAILURE (`node-died` and others) for one that got lost, so counting answers is enough: every
//! round ends.

use caxton_agent::host::{self, Level};
use caxton_agent::{df, export_agent, Agent, Draft, Message, Outbox, Performative, Start, Value};

const PROTOCOL: &str = "fipa-contract-net";
const DEADLINE_MS: i64 = 2_000;
/// How long the winner may work, milliseconds.
const WORK_MS: u64 = 30_000;
/// Rounds at a time; more are refused.
const ROUNDS_MAX: usize = 256;

const SEARCH: &str = "search";
const RESULT: &str = "result";

/// Whom to tell how it ended.
struct Requester {
    address: String,
    conversation: Option<String>,
    reply_with: Option<String>,
    protocol: Option<String>,
}

struct Bid {
    address: String,
    sender: String,
    price: f64,
    offer: Value,
    reply_with: Option<String>,
}

enum Phase {
    Searching,
    /// The addresses asked; an answer names its index in `in_reply_to`.
    Bidding {
        asked: Vec<Option<String>>,
        open: usize,
    },
    Working {
        winner: usize,
    },
}

struct Round {
    id: String,
    requester: Requester,
    task: Value,
    capability: String,
    deadline_ms: u64,
    phase: Phase,
    bids: Vec<Bid>,
}

struct Buyer {
    rounds: Vec<Round>,
}

impl Agent for Buyer {
    fn init(_start: &Start, _out: &mut Outbox) -> Result<Self, String> {
        Ok(Buyer { rounds: Vec::new() })
    }

    fn handle(&mut self, message: &Message<'_>, out: &mut Outbox) {
        if message.performative == Performative::Request {
            return self.begin(message, out);
        }
        let found = self.rounds.iter().position(|round| Some(round.id.as_str()) == message.conversation_id);
        let index = match found {
            Some(index) => index,
            None => return late(message, out),
        };
        if self.rounds[index].advance(message, out) {
            self.rounds.remove(index);
        }
    }
}

impl Buyer {
    fn begin(&mut self, message: &Message<'_>, out: &mut Outbox) {
        let order = message.json();
        let capability = match (order.get("task"), order.get("capability").as_str()) {
            (Value::Nil, _) | (_, None) => {
                let wanted = "a buyer takes {\"task\": ..., \"capability\": \"...\"}";
                if let Some(answer) = message.not_understood(wanted) {
                    out.send(&answer);
                }
                return;
            }
            (_, Some(capability)) => capability.to_owned(),
        };
        if self.rounds.len() == ROUNDS_MAX {
            let reason = Value::map([("reason", "too many rounds at a time".into())]);
            return out.send(&message.reply(Performative::Refuse).json(&reason));
        }
        let deadline_ms = order.get("deadline_ms").as_i64().unwrap_or(DEADLINE_MS).max(1) as u64;
        let id = host::unique("net");
        let search = df::search(&capability).conversation(&id).reply_with(SEARCH);
        out.send(&search.reply_by(host::now_ms() + deadline_ms));
        self.rounds.push(Round {
            id,
            requester: Requester {
                address: message.reply_to.unwrap_or(message.sender).to_owned(),
                conversation: message.conversation_id.map(str::to_owned),
                reply_with: message.reply_with.map(str::to_owned),
                protocol: message.protocol.map(str::to_owned),
            },
            task: order.get("task").clone(),
            capability,
            deadline_ms,
            phase: Phase::Searching,
            bids: Vec::new(),
        });
    }
}

impl Round {
    /// Take one message of this round's conversation; return whether the round is over.
    fn advance(&mut self, message: &Message<'_>, out: &mut Outbox) -> bool {
        let answered = message.in_reply_to.unwrap_or("");
        match &mut self.phase {
            Phase::Searching if answered == SEARCH => self.call(message, out),
            Phase::Bidding { asked, open } => {
                let index = answered.strip_prefix("bid-").and_then(|number| number.parse::<usize>().ok());
                // Each one asked counts once, whatever he says and how often.
                let address = match index.and_then(|index| asked.get_mut(index)).and_then(Option::take) {
                    Some(address) => address,
                    None => return false,
                };
                *open -= 1;
                let all_answered = *open == 0;
                self.note_bid(message, address);
                all_answered && self.award(out)
            }
            Phase::Working { winner } if answered == RESULT => {
                let winner = *winner;
                self.close(message, winner, out)
            }
            _ => false,
        }
    }

    /// `df` has answered: ask everyone it named.
    fn call(&mut self, message: &Message<'_>, out: &mut Outbox) -> bool {
        let found = df::found(message);
        if message.performative != Performative::Inform || found.is_empty() {
            let why = format!("nobody offers {}", self.capability);
            return self.fail("no-bids", &why, Value::Nil, out);
        }
        let reply_by = host::now_ms() + self.deadline_ms;
        let content =
            Value::map([("task", self.task.clone()), ("capability", self.capability.as_str().into())]);
        let mut asked = Vec::new();
        for (index, agent) in found.iter().enumerate() {
            // Agents of one name on several nodes are asked each.
            let is_alone = found.iter().filter(|other| other.name == agent.name).count() == 1;
            let address = match is_alone || agent.node.is_empty() {
                true => agent.name.clone(),
                false => format!("{}@{}", agent.name, agent.node),
            };
            let tag = format!("bid-{}", index);
            let call = Draft::new(Performative::Cfp, &address).conversation(&self.id).protocol(PROTOCOL);
            out.send(&call.reply_with(&tag).reply_by(reply_by).json(&content));
            asked.push(Some(address));
        }
        let open = asked.len();
        self.phase = Phase::Bidding { asked, open };
        false
    }

    fn note_bid(&mut self, message: &Message<'_>, address: String) {
        let offer = message.json();
        match (message.performative, offer.get("price").as_f64()) {
            (Performative::Propose, Some(price)) => self.bids.push(Bid {
                address,
                sender: message.sender.to_owned(),
                price,
                offer,
                reply_with: message.reply_with.map(str::to_owned),
            }),
            (act, _) => host::log(Level::Info, &format!("no bid from {}: {}", address, act.word())),
        }
    }

    /// All have answered: accept the cheapest, reject the others.
    fn award(&mut self, out: &mut Outbox) -> bool {
        let cheapest = |best: Option<usize>, index: usize| match best {
            Some(best) if self.bids[best].price <= self.bids[index].price => Some(best),
            _ => Some(index),
        };
        let winner = match (0..self.bids.len()).fold(None, cheapest) {
            Some(winner) => winner,
            None => return self.fail("no-bids", "nobody made a proposal", Value::Nil, out),
        };
        for (index, bid) in self.bids.iter().enumerate() {
            let is_winner = index == winner;
            let act = if is_winner { Performative::AcceptProposal } else { Performative::RejectProposal };
            let answer = Draft::new(act, &bid.address)
                .conversation(&self.id)
                .protocol(PROTOCOL)
                .in_reply_to(bid.reply_with.as_deref());
            if is_winner {
                let content = Value::map([("task", self.task.clone())]);
                out.send(&answer.reply_with(RESULT).reply_by(host::now_ms() + WORK_MS).json(&content));
            } else {
                let content = Value::map([("reason", "another was cheaper".into())]);
                out.send(&answer.json(&content));
            }
        }
        self.phase = Phase::Working { winner };
        false
    }

    /// The winner has answered: tell the requester.
    fn close(&mut self, message: &Message<'_>, winner: usize, out: &mut Outbox) -> bool {
        let bid = &self.bids[winner];
        if message.performative != Performative::Inform {
            let why = format!("{} won and answered {}", bid.sender, message.performative.word());
            return self.fail("work-failed", &why, message.json(), out);
        }
        let content = message.json();
        let result = match content.get("result") {
            Value::Nil => content.clone(),
            result => result.clone(),
        };
        let report = Value::map([
            ("winner", bid.sender.as_str().into()),
            ("node", bid.offer.get("node").clone()),
            ("price", bid.offer.get("price").clone()),
            ("bids", self.list_bids()),
            ("result", result),
        ]);
        self.requester.tell(Performative::Inform, &report, out);
        true
    }

    fn fail(&self, reason: &str, detail: &str, cause: Value, out: &mut Outbox) -> bool {
        let report = Value::map([
            ("reason", reason.into()),
            ("detail", detail.into()),
            ("capability", self.capability.as_str().into()),
            ("bids", self.list_bids()),
            ("cause", cause),
        ]);
        self.requester.tell(Performative::Failure, &report, out);
        true
    }

    fn list_bids(&self) -> Value {
        let line = |bid: &Bid| {
            Value::map([
                ("agent", bid.sender.as_str().into()),
                ("node", bid.offer.get("node").clone()),
                ("price", bid.offer.get("price").clone()),
            ])
        };
        Value::List(self.bids.iter().map(line).collect())
    }
}

impl Requester {
    fn tell(&self, act: Performative, report: &Value, out: &mut Outbox) {
        let mut draft = Draft::new(act, &self.address).in_reply_to(self.reply_with.as_deref()).json(report);
        if let Some(conversation) = &self.conversation {
            draft = draft.conversation(conversation);
        }
        if let Some(protocol) = &self.protocol {
            draft = draft.protocol(protocol);
        }
        out.send(&draft);
    }
}

/// A message of no open round: a bid that came too late is rejected, so that its sender does not wait.
fn late(message: &Message<'_>, out: &mut Outbox) {
    if message.performative == Performative::Propose && !message.sender.is_empty() {
        let reason = Value::map([("reason", "the round is over".into())]);
        out.send(&message.reply(Performative::RejectProposal).json(&reason));
    } else if let Some(answer) = message.not_understood("a buyer takes requests") {
        out.send(&answer);
    }
}

export_agent!(Buyer);
