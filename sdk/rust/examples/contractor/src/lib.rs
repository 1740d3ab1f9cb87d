//! contractor: offers work through Contract Net.
//!
//! | receives | answers |
//! |---|---|
//! | CFP `{"task": ...}` | PROPOSE `{"price", "node", "agent"}`, or REFUSE when configured so |
//! | ACCEPT-PROPOSAL | INFORM `{"result", "task", "price", "node", "agent"}`; FAILURE if it proposed nothing |
//! | REJECT-PROPOSAL | nothing; it is counted |
//! | CANCEL | INFORM `{"cancelled": task}`; FAILURE if nothing is open, since what is done cannot be called off |
//! | REQUEST `"price"` | INFORM `{"price", "node", "agent"}` |
//! | REQUEST `"stats"` | INFORM with counts |
//! | any other REQUEST | INFORM with the same content |
//!
//! Configuration: `{"capability": "painting", "version": "1.0.0", "price": 42, "refuse": false}`, all optional.

use caxton_agent::contract_net::{Proposal, Proposals, Verdict};
use caxton_agent::host::{self, Level};
use caxton_agent::{df, export_agent, Agent, Message, Outbox, Performative, Start, Value};

const CAPABILITY: &str = "work";
const PRICE: i64 = 100;
/// Proposals that wait for an answer; of more the oldest is forgotten.
const OPEN_MAX: usize = 256;

struct Contractor {
    agent: String,
    node: String,
    price: Value,
    refuses: bool,
    open: Proposals,
    done: i64,
    rejected: i64,
}

impl Agent for Contractor {
    fn init(start: &Start, out: &mut Outbox) -> Result<Self, String> {
        let config = &start.config;
        let price = match config.get("price") {
            Value::Nil => Value::Int(PRICE),
            price if price.as_f64().is_some() => price.clone(),
            other => return Err(format!("price must be a number, not {:?}", other)),
        };
        let capability = config.get("capability").as_str().unwrap_or(CAPABILITY);
        let version = config.get("version").as_str().unwrap_or("1.0.0");
        out.send(&df::register(&[(capability, version)]));
        Ok(Contractor {
            agent: start.agent.clone(),
            node: start.node.clone(),
            price,
            refuses: config.get("refuse").as_bool().unwrap_or(false),
            open: Proposals::new(OPEN_MAX),
            done: 0,
            rejected: 0,
        })
    }

    fn handle(&mut self, message: &Message<'_>, out: &mut Outbox) {
        match self.open.take(message, out) {
            Verdict::Accepted(proposal) => self.work(&proposal, message, out),
            Verdict::Rejected(_) => self.rejected += 1,
            Verdict::Other => self.answer(message, out),
            Verdict::Cancelled(_) | Verdict::Gone(_) | Verdict::NotOpen => {}
        }
    }
}

impl Contractor {
    fn offer(&self) -> [(&'static str, Value); 3] {
        [
            ("price", self.price.clone()),
            ("node", self.node.as_str().into()),
            ("agent", self.agent.as_str().into()),
        ]
    }

    fn work(&mut self, proposal: &Proposal, message: &Message<'_>, out: &mut Outbox) {
        self.done += 1;
        let task = proposal.call().get("task").clone();
        let done = match &task {
            Value::Text(task) => format!("{}: done by {} on {}", task, self.agent, self.node),
            _ => format!("done by {} on {}", self.agent, self.node),
        };
        let [price, node, agent] = self.offer();
        let result = Value::map([("result", done.into()), ("task", task), price, node, agent]);
        out.send(&message.reply(Performative::Inform).json(&result));
    }

    fn answer(&mut self, message: &Message<'_>, out: &mut Outbox) {
        match message.performative {
            Performative::Cfp if self.refuses => self.open.refuse(message, "not taking work", out),
            Performative::Cfp => {
                let terms = Value::map(self.offer());
                self.open.propose(message, &terms, out);
            }
            Performative::Request => self.tell(message, out),
            Performative::Failure => {
                let text = String::from_utf8_lossy(message.content());
                host::log(Level::Warning, &format!("failure from {}: {}", message.sender, text));
            }
            _ => {
                let taken = "a contractor takes cfp, proposals' answers, cancel and requests";
                if let Some(answer) = message.not_understood(taken) {
                    out.send(&answer);
                }
            }
        }
    }

    fn tell(&self, message: &Message<'_>, out: &mut Outbox) {
        let reply = message.reply(Performative::Inform);
        match message.json().as_str() {
            Some("price") => out.send(&reply.json(&Value::map(self.offer()))),
            Some("stats") => out.send(&reply.json(&Value::map([
                ("open", (self.open.len() as i64).into()),
                ("done", self.done.into()),
                ("rejected", self.rejected.into()),
            ]))),
            _ => out.send(&reply.content(message.content())),
        }
    }
}

export_agent!(Contractor);
