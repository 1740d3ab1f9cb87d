//! contractor: offers work through Contract Net.
//!
//! | receives | answers |
//! |---|---|
//! | CFP `{"task": ...}` | PROPOSE `{"price", "node", "agent"}`, or REFUSE when configured so |
//! | ACCEPT-PROPOSAL | INFORM `{"result", "task", "price", "node", "agent"}`; FAILURE if it proposed nothing |
//! | REJECT-PROPOSAL | nothing; it is counted |
//! | REQUEST `"price"` | INFORM `{"price", "node", "agent"}` |
//! | REQUEST `"stats"` | INFORM with counts |
//! | any other REQUEST | INFORM with the same content |
//!
//! Configuration: `{"capability": "painting", "version": "1.0.0", "price": 42, "refuse": false}`, all optional.

use caxton_agent::host::{self, Level};
use caxton_agent::{df, export_agent, Agent, Message, Outbox, Performative, Start, Value};

const CAPABILITY: &str = "work";
const PRICE: i64 = 100;
/// Proposals that wait for an answer; of more the oldest is forgotten.
const OPEN_MAX: usize = 256;

struct Proposal {
    conversation: String,
    buyer: String,
    task: Value,
}

struct Contractor {
    agent: String,
    node: String,
    price: Value,
    refuses: bool,
    open: Vec<Proposal>,
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
            open: Vec::new(),
            done: 0,
            rejected: 0,
        })
    }

    fn handle(&mut self, message: &Message<'_>, out: &mut Outbox) {
        match message.performative {
            Performative::Cfp => self.propose(message, out),
            Performative::AcceptProposal => self.work(message, out),
            Performative::RejectProposal => {
                self.take(message);
                self.rejected += 1;
            }
            Performative::Request => self.answer(message, out),
            Performative::Failure => {
                host::log(
                    Level::Warning,
                    &format!("failure from {}: {}", message.sender, text(message.content())),
                );
            }
            _ => {
                if let Some(answer) =
                    message.not_understood("a contractor takes cfp, proposals' answers and requests")
                {
                    out.send(&answer);
                }
            }
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

    fn propose(&mut self, message: &Message<'_>, out: &mut Outbox) {
        if self.refuses {
            let reason = Value::map([("reason", "not taking work".into())]);
            out.send(&message.reply(Performative::Refuse).json(&reason));
            return;
        }
        if self.open.len() == OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push(Proposal {
            conversation: message.conversation_id.unwrap_or("").to_owned(),
            buyer: message.sender.to_owned(),
            task: message.json().get("task").clone(),
        });
        out.send(&message.reply(Performative::Propose).json(&Value::map(self.offer())));
    }

    fn work(&mut self, message: &Message<'_>, out: &mut Outbox) {
        let proposal = match self.take(message) {
            Some(proposal) => proposal,
            None => {
                let reason = Value::map([("reason", "nothing was proposed in this conversation".into())]);
                out.send(&message.reply(Performative::Failure).json(&reason));
                return;
            }
        };
        self.done += 1;
        let done = match &proposal.task {
            Value::Text(task) => format!("{}: done by {} on {}", task, self.agent, self.node),
            _ => format!("done by {} on {}", self.agent, self.node),
        };
        let [price, node, agent] = self.offer();
        let result = Value::map([("result", done.into()), ("task", proposal.task), price, node, agent]);
        out.send(&message.reply(Performative::Inform).json(&result));
    }

    fn answer(&self, message: &Message<'_>, out: &mut Outbox) {
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

    /// Take the proposal that a message answers out of the open ones: same conversation, same buyer.
    fn take(&mut self, message: &Message<'_>) -> Option<Proposal> {
        let conversation = message.conversation_id.unwrap_or("");
        let is_it = |open: &Proposal| open.conversation == conversation && open.buyer == message.sender;
        let index = self.open.iter().position(is_it)?;
        Some(self.open.remove(index))
    }
}

fn text(content: &[u8]) -> String {
    String::from_utf8_lossy(content).into_owned()
}

export_agent!(Contractor);
