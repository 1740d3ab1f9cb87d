//! buyer: has work done by whoever offers it cheapest, through Contract Net.
//!
//! REQUEST `{"task": ..., "capability": "painting", "deadline_ms": 2000}` starts a round:
//!
//! 1. `df` is asked who has the capability; all of them get a CFP with `reply_by`.
//! 2. When all have answered, the cheapest is accepted. A proposal without a price is rejected at once, as is whatever
//!    comes too late; the others are rejected when the work is done. If the winner fails, the next cheapest is accepted.
//! 3. What the winner says becomes the answer to the requester: INFORM `{"winner", "node", "price", "bids", "result"}`,
//!    or FAILURE `{"reason", ...}`. No bids, nobody with the capability: FAILURE.
//!
//! There are no timers in here. The node answers FAILURE (`timeout`) for every message whose `reply_by` has passed
//! without an answer, and FAILURE (`node-died` and others) for one that got lost, so every round ends.

use caxton_agent::contract_net::{reject_late, Call, Contractor, Ending, Progress, Standing};
use caxton_agent::{df, export_agent, host, Agent, Draft, Message, Outbox, Performative, Start, Value};

const DEADLINE_MS: i64 = 2_000;
/// How long the winner may work, milliseconds.
const WORK_MS: u64 = 30_000;
/// Rounds at a time; more are refused.
const ROUNDS_MAX: usize = 256;

const SEARCH: &str = "search";

/// Whom to tell how it ended.
struct Requester {
    address: String,
    conversation: Option<String>,
    reply_with: Option<String>,
    protocol: Option<String>,
}

struct Round {
    id: String,
    requester: Requester,
    task: Value,
    capability: String,
    deadline_ms: u64,
    /// None while `df` is searching.
    call: Option<Call>,
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
            call: None,
        });
    }
}

impl Round {
    /// Take one message of this round's conversation; return whether the round is over.
    fn advance(&mut self, message: &Message<'_>, out: &mut Outbox) -> bool {
        let progress = match &mut self.call {
            Some(call) => call.take(message, host::now_ms(), out),
            None if message.in_reply_to == Some(SEARCH) => self.call(message, out),
            None => Progress::Open,
        };
        match progress {
            Progress::Over(ending) => self.close(ending, out),
            Progress::Open | Progress::Bids => return false,
        }
        true
    }

    /// `df` has answered: ask everyone it named.
    fn call(&mut self, message: &Message<'_>, out: &mut Outbox) -> Progress {
        let price = |terms: &Value| terms.get("price").as_f64();
        let mut call = Call::new(&self.id, addresses(&df::found(message)), price);
        call = call.within(self.deadline_ms, WORK_MS);
        let task = Value::map([("task", self.task.clone()), ("capability", self.capability.as_str().into())]);
        let progress = call.ask(&task, host::now_ms(), out);
        self.call = Some(call);
        progress
    }

    /// Tell the requester.
    fn close(&self, ending: Ending, out: &mut Outbox) {
        let call = match &self.call {
            Some(call) => call,
            None => return,
        };
        match (ending, call.all(Standing::Done).next(), call.bids().last()) {
            (_, Some(winner), _) => {
                let [name, node, price] = row("winner", winner);
                let result = match winner.said.get("result") {
                    Value::Nil => winner.said.clone(),
                    result => result.clone(),
                };
                let report = Value::map([name, node, price, ("bids", rows(call)), ("result", result)]);
                self.requester.tell(Performative::Inform, &report, out);
            }
            (Ending::Failed, _, Some(last)) => {
                let detail = format!("{} and whoever else made a proposal has failed", last.address);
                self.fail(call, "work-failed", &detail, &last.said, out);
            }
            _ if call.contractors().is_empty() => {
                let detail = format!("nobody offers {}", self.capability);
                self.fail(call, "no-bids", &detail, &Value::Nil, out);
            }
            _ => self.fail(call, "no-bids", "nobody made a proposal", &Value::Nil, out),
        }
    }

    fn fail(&self, call: &Call, reason: &str, detail: &str, cause: &Value, out: &mut Outbox) {
        let report = Value::map([
            ("reason", reason.into()),
            ("detail", detail.into()),
            ("capability", self.capability.as_str().into()),
            ("bids", rows(call)),
            ("cause", cause.clone()),
        ]);
        self.requester.tell(Performative::Failure, &report, out);
    }
}

/// Agents of one name on several nodes are asked each.
fn addresses(found: &[df::Found]) -> Vec<String> {
    let address = |agent: &df::Found| {
        let is_alone = found.iter().filter(|other| other.name == agent.name).count() == 1;
        match is_alone || agent.node.is_empty() {
            true => agent.name.clone(),
            false => format!("{}@{}", agent.name, agent.node),
        }
    };
    found.iter().map(address).collect()
}

fn rows(call: &Call) -> Value {
    Value::List(call.bids().map(|bid| Value::map(row("agent", bid))).collect())
}

fn row<'a>(who: &'a str, bid: &Contractor) -> [(&'a str, Value); 3] {
    [
        (who, bid.address.as_str().into()),
        ("node", bid.terms.get("node").clone()),
        ("price", bid.terms.get("price").clone()),
    ]
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
    let answer = reject_late(message).or_else(|| message.not_understood("a buyer takes requests"));
    if let Some(answer) = answer {
        out.send(&answer);
    }
}

export_agent!(Buyer);
