//! The directory facilitator: who can do what.

use crate::capability::Capability;
use crate::envelope::{Draft, Message};
use crate::performative::Performative;
use crate::value::Value;

/// The address of the directory facilitator, the same on every node.
pub const NAME: &str = "df";

/// Register capabilities, as `(name, version)`; `df` answers INFORM.
pub fn register(capabilities: &[(&str, &str)]) -> Draft<'static> {
    let list = capabilities
        .iter()
        .map(|(name, version)| Value::map([("name", (*name).into()), ("version", (*version).into())]))
        .collect();
    request(Value::map([("action", "register".into()), ("capabilities", Value::List(list))]))
}

/// Register capabilities with all that they say of themselves; `df` answers INFORM.
pub fn register_all(capabilities: &[Capability]) -> Draft<'static> {
    let list = capabilities.iter().map(Capability::to_value).collect();
    request(Value::map([("action", "register".into()), ("capabilities", Value::List(list))]))
}

/// Search for agents with a capability; read the answer with [`found`].
pub fn search(capability: &str) -> Draft<'static> {
    request(Value::map([("action", "search".into()), ("capability", capability.into())]))
}

/// One agent that `df` knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// The node on which it runs.
    pub node: String,
}

/// Read the answer to [`search`].
pub fn found(answer: &Message<'_>) -> Vec<Found> {
    let text = |agent: &Value, key: &str| agent.get(key).as_str().unwrap_or("").to_owned();
    let agents = answer.json();
    let found = agents
        .get("agents")
        .as_list()
        .iter()
        .map(|agent| Found { name: text(agent, "name"), node: text(agent, "node") });
    found.filter(|agent| !agent.name.is_empty()).collect()
}

fn request(content: Value) -> Draft<'static> {
    Draft::new(Performative::Request, NAME).protocol("fipa-request").json(&content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_asked_and_its_answer_read() {
        let mut frame = Vec::new();
        search("print").write(&mut frame);
        let message = Message::parse(&frame).unwrap();
        assert_eq!(
            (message.receiver, message.content()),
            ("df", &br#"{"action":"search","capability":"print"}"#[..])
        );
        let mut frame = Vec::new();
        let content = br#"{"agents":[{"name":"a","capability":"print","version":"1","node":"n1"},{"x":1}]}"#;
        message.reply(Performative::Inform).content(content).write(&mut frame);
        let answer = Message::parse(&frame).unwrap();
        assert_eq!(found(&answer), [Found { name: "a".to_owned(), node: "n1".to_owned() }]);
    }
}
