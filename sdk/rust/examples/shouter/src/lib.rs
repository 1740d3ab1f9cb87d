//! shouter: a capability with types, from its registration to its answer.
//!
//! It registers `text.upper` and says what that takes and gives as JSON Schema, which follow from the Rust types below. So
//! `caxton capability find text.upper --sample '{"text": "hi"}'` finds it, and `--sample '{"text": 7}'` does not.
//! REQUEST `{"text": "hi", "times": 2}` is answered by INFORM `{"text": "HI HI"}`.

use caxton_agent::capability::{Capability, Content, Cost};
use caxton_agent::{content, df, export_agent, Agent, Message, Outbox, Performative, Start};

const TIMES_MAX: i64 = 100;

content! {
    /// What is to be made loud.
    struct Quiet {
        text: String,
        times: Option<i64>,
    }
}

content! {
    /// What came of it.
    struct Loud {
        text: String,
    }
}

struct Shouter;

impl Agent for Shouter {
    fn init(_start: &Start, out: &mut Outbox) -> Result<Self, String> {
        let upper = Capability::new("text.upper", "1.0.0")
            .takes::<Quiet>()
            .gives::<Loud>()
            .description("Makes a text loud")
            .performative(Performative::Request)
            .protocol("fipa-request")
            .cost(Cost::LatencyMs, 1.0)
            .attribute("lang", "any");
        out.send(&df::register_all(&[upper]));
        Ok(Shouter)
    }

    fn handle(&mut self, message: &Message<'_>, out: &mut Outbox) {
        if message.performative == Performative::Inform && message.sender.starts_with(df::NAME) {
            return;
        }
        match (message.performative, Quiet::read(&message.json())) {
            (Performative::Request, Some(quiet)) => {
                out.send(&message.reply(Performative::Inform).json(&shout(&quiet).write()));
            }
            _ => {
                if let Some(answer) =
                    message.not_understood("a shouter takes requests like {\"text\": \"hi\"}")
                {
                    out.send(&answer);
                }
            }
        }
    }
}

fn shout(quiet: &Quiet) -> Loud {
    let times = quiet.times.unwrap_or(1).clamp(1, TIMES_MAX) as usize;
    Loud { text: vec![quiet.text.to_uppercase(); times].join(" ") }
}

export_agent!(Shouter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_made_loud_as_often_as_asked() {
        let quiet = |times| Quiet { text: "hi".to_owned(), times };
        assert_eq!(shout(&quiet(None)).text, "HI");
        assert_eq!(shout(&quiet(Some(2))).text, "HI HI");
        assert_eq!(shout(&quiet(Some(-1))).text, "HI");
    }
}
