//! Envelope v1: a message as it is received, and a draft of one to send.

use std::borrow::Cow;

use crate::json;
use crate::msgpack::{self, Reader};
use crate::performative::Performative;
use crate::value::Value;

/// A frame that is not an envelope; the host refuses such before an agent sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl From<msgpack::Broken> for Malformed {
    fn from(_: msgpack::Broken) -> Self {
        Malformed
    }
}

/// One received message. It borrows from the inbox, so take what you want to keep (`to_owned`).
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// What it does.
    pub performative: Performative,
    /// The true sender: the host stamps it, nobody can pretend to be another.
    pub sender: &'a str,
    /// What you are called in it; the first of several receivers.
    pub receiver: &'a str,
    content: Option<&'a [u8]>,
    /// Groups messages; order holds within it.
    pub conversation_id: Option<&'a str>,
    /// The sender wants this back as `in_reply_to`.
    pub reply_with: Option<&'a str>,
    /// Which of your messages it answers.
    pub in_reply_to: Option<&'a str>,
    /// Latest useful moment of an answer, unix milliseconds.
    pub reply_by: Option<u64>,
    /// Meaning of the content's words.
    pub ontology: Option<&'a str>,
    /// Language of the content; absent means `json`.
    pub language: Option<&'a str>,
    /// Encoding of the content.
    pub encoding: Option<&'a str>,
    /// Interaction protocol, for example `fipa-contract-net`.
    pub protocol: Option<&'a str>,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<&'a str>,
    /// Unix microseconds when it was sent.
    pub sent_at: Option<u64>,
}

impl<'a> Message<'a> {
    /// Read a frame. Missing trailing fields are absent, surplus ones are ignored.
    ///
    /// # Errors
    /// The bytes are no envelope.
    pub fn parse(frame: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields { reader: Reader::new(frame), left: 0 };
        fields.left = fields.reader.list()?;
        let code = fields.next(Reader::unsigned)?.ok_or(Malformed)?;
        let message = Message {
            performative: Performative::from_code(code).ok_or(Malformed)?,
            sender: fields.next(Reader::text)?.unwrap_or(""),
            receiver: fields.next(first_receiver)?.unwrap_or(""),
            content: fields.next(Reader::bytes)?,
            conversation_id: fields.next(Reader::text)?,
            reply_with: fields.next(Reader::text)?,
            in_reply_to: fields.next(Reader::text)?,
            reply_by: fields.next(Reader::unsigned)?,
            ontology: fields.next(Reader::text)?,
            language: fields.next(Reader::text)?,
            encoding: fields.next(Reader::text)?,
            protocol: fields.next(Reader::text)?,
            reply_to: fields.next(Reader::text)?,
            sent_at: {
                fields.next(Reader::skip)?; // message id: 16 bytes for the host's books
                fields.next(Reader::unsigned)?
            },
        };
        while fields.next(Reader::skip)?.is_some() || fields.left > 0 {}
        Ok(message)
    }

    /// The content; empty when there is none.
    pub fn content(&self) -> &'a [u8] {
        self.content.unwrap_or(&[])
    }

    /// The content read as JSON; nil when it is none.
    pub fn json(&self) -> Value {
        json::parse(self.content()).unwrap_or(Value::Nil)
    }

    /// Start an answer: to `reply_to` or the sender, same conversation, protocol and vocabulary.
    pub fn reply(&self, performative: Performative) -> Draft<'a> {
        let mut draft = Draft::new(performative, self.reply_to.unwrap_or(self.sender));
        draft.conversation_id = self.conversation_id;
        draft.in_reply_to = self.reply_with;
        draft.ontology = self.ontology;
        draft.language = self.language;
        draft.encoding = self.encoding;
        draft.protocol = self.protocol;
        draft
    }

    /// Answer that this was not understood, if its sender waits for an answer at all.
    pub fn not_understood(&self, reason: &str) -> Option<Draft<'a>> {
        let content = Value::map([("reason", reason.into())]);
        let draft = self.reply(Performative::NotUnderstood).json(&content);
        if self.performative.asks() && !draft.receiver.is_empty() {
            Some(draft)
        } else {
            None
        }
    }
}

struct Fields<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Fields<'a> {
    fn next<T>(
        &mut self,
        read: impl Fn(&mut Reader<'a>) -> Result<T, msgpack::Broken>,
    ) -> Result<Option<T>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if self.reader.nil() {
            return Ok(None);
        }
        Ok(Some(read(&mut self.reader)?))
    }
}

fn first_receiver<'a>(reader: &mut Reader<'a>) -> Result<&'a str, msgpack::Broken> {
    let mut ahead = *reader;
    if let Ok(text) = ahead.text() {
        *reader = ahead;
        return Ok(text);
    }
    let count = reader.list()?;
    let mut first = "";
    for index in 0..count {
        let text = reader.text()?;
        if index == 0 {
            first = text;
        }
    }
    Ok(first)
}

/// A message to send. The host adds sender, id, time and trace.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// What it does.
    pub performative: Performative,
    /// An agent's name, `name@node`, or a platform agent such as `df`.
    pub receiver: &'a str,
    content: Option<Cow<'a, [u8]>>,
    conversation_id: Option<&'a str>,
    reply_with: Option<&'a str>,
    in_reply_to: Option<&'a str>,
    reply_by: Option<u64>,
    ontology: Option<&'a str>,
    language: Option<&'a str>,
    encoding: Option<&'a str>,
    protocol: Option<&'a str>,
    reply_to: Option<&'a str>,
}

impl<'a> Draft<'a> {
    /// Start a message of its own, not an answer.
    pub fn new(performative: Performative, receiver: &'a str) -> Self {
        Draft {
            performative,
            receiver,
            content: None,
            conversation_id: None,
            reply_with: None,
            in_reply_to: None,
            reply_by: None,
            ontology: None,
            language: None,
            encoding: None,
            protocol: None,
            reply_to: None,
        }
    }

    /// Set the content to bytes as they are. What is no JSON needs a `language`, or the node sends it back.
    pub fn content(mut self, content: &'a [u8]) -> Self {
        self.content = Some(Cow::Borrowed(content));
        self
    }

    /// Set the content to a value written as JSON, whatever the language was of the message that this answers.
    pub fn json(mut self, value: &Value) -> Self {
        self.content = Some(Cow::Owned(json::write(value)));
        self.language = None;
        self.encoding = None;
        self
    }

    /// Say in which language the content is, such as `text`; without one it is JSON.
    pub fn language(mut self, name: &'a str) -> Self {
        self.language = Some(name);
        self
    }

    /// Set the conversation.
    pub fn conversation(mut self, id: &'a str) -> Self {
        self.conversation_id = Some(id);
        self
    }

    /// Ask for an answer that says this in `in_reply_to`.
    pub fn reply_with(mut self, expression: &'a str) -> Self {
        self.reply_with = Some(expression);
        self
    }

    /// Say which message this answers; `Message::reply` has done so already.
    pub fn in_reply_to(mut self, expression: Option<&'a str>) -> Self {
        self.in_reply_to = expression;
        self
    }

    /// Set the latest useful moment of an answer, unix milliseconds. After it the node answers FAILURE by itself.
    pub fn reply_by(mut self, unix_ms: u64) -> Self {
        self.reply_by = Some(unix_ms);
        self
    }

    /// Set the interaction protocol.
    pub fn protocol(mut self, name: &'a str) -> Self {
        self.protocol = Some(name);
        self
    }

    /// Leave the protocol out, when the talk that this answers is over there.
    pub fn outside_of_protocol(mut self) -> Self {
        self.protocol = None;
        self
    }

    /// Set where answers go, when not to this agent.
    pub fn reply_to(mut self, address: &'a str) -> Self {
        self.reply_to = Some(address);
        self
    }

    /// Write the envelope behind what is in `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(0x9D); // thirteen positions
        out.push(self.performative as u8);
        msgpack::write_nil(out); // sender: the host writes it
        msgpack::write_text(out, self.receiver);
        match &self.content {
            Some(content) => msgpack::write_bytes(out, content),
            None => msgpack::write_nil(out),
        }
        write_optional(out, self.conversation_id);
        write_optional(out, self.reply_with);
        write_optional(out, self.in_reply_to);
        match self.reply_by {
            Some(unix_ms) => msgpack::write_unsigned(out, unix_ms),
            None => msgpack::write_nil(out),
        }
        write_optional(out, self.ontology);
        write_optional(out, self.language);
        write_optional(out, self.encoding);
        write_optional(out, self.protocol);
        write_optional(out, self.reply_to);
    }
}

fn write_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => msgpack::write_text(out, text),
        None => msgpack::write_nil(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(draft: &Draft<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        draft.write(&mut out);
        out
    }

    #[test]
    fn a_draft_reads_back_as_it_was_meant() {
        let draft = Draft::new(Performative::Cfp, "anna")
            .content(b"{}")
            .conversation("talk")
            .reply_with("q1")
            .reply_by(1_700_000_000_000)
            .protocol("fipa-contract-net")
            .reply_to("desk");
        let data = frame(&draft);
        let message = Message::parse(&data).unwrap();
        assert_eq!(message.performative, Performative::Cfp);
        assert_eq!((message.sender, message.receiver, message.content()), ("", "anna", &b"{}"[..]));
        assert_eq!((message.conversation_id, message.reply_with), (Some("talk"), Some("q1")));
        assert_eq!(
            (message.reply_by, message.protocol),
            (Some(1_700_000_000_000), Some("fipa-contract-net"))
        );
        assert_eq!((message.reply_to, message.in_reply_to), (Some("desk"), None));
    }

    #[test]
    fn an_answer_turns_the_message_round() {
        let data = [
            &[0x96, 0x13, 0xA3][..],
            b"bob",
            &[0x92, 0xA1, b'a', 0xA1, b'b', 0xC4, 0, 0xA1, b'c', 0xA1, b'q'],
        ]
        .concat();
        let message = Message::parse(&data).unwrap();
        assert_eq!((message.sender, message.receiver), ("bob", "a"));
        let answer = frame(&message.reply(Performative::Inform).content(b"yes"));
        let answer = Message::parse(&answer).unwrap();
        assert_eq!(
            (answer.receiver, answer.conversation_id, answer.in_reply_to),
            ("bob", Some("c"), Some("q"))
        );
    }

    #[test]
    fn an_answer_stays_in_the_protocol_unless_told_otherwise() {
        let data = frame(&Draft::new(Performative::Propose, "anna").protocol("fipa-contract-net"));
        let message = Message::parse(&data).unwrap();
        let inside = frame(&message.reply(Performative::RejectProposal));
        assert_eq!(Message::parse(&inside).unwrap().protocol, Some("fipa-contract-net"));
        let outside = frame(&message.reply(Performative::RejectProposal).outside_of_protocol());
        assert_eq!(Message::parse(&outside).unwrap().protocol, None);
    }

    #[test]
    fn a_content_keeps_its_language_in_an_answer_and_json_has_none() {
        let data = frame(&Draft::new(Performative::Request, "anna").content(b"hello").language("text"));
        let message = Message::parse(&data).unwrap();
        let echo = frame(&message.reply(Performative::Inform).content(message.content()));
        assert_eq!(Message::parse(&echo).unwrap().language, Some("text"));
        let answer = frame(&message.reply(Performative::Inform).json(&Value::Int(1)));
        assert_eq!(Message::parse(&answer).unwrap().language, None);
    }

    #[test]
    fn short_and_long_envelopes_are_taken_and_broken_ones_are_not() {
        let whole = frame(&Draft::new(Performative::Inform, "anna").content(b"x"));
        for end in 0..whole.len() {
            assert!(Message::parse(&whole[..end]).is_err());
        }
        assert!(Message::parse(&[0x91, 0x08]).is_ok());
        let long = [&[0xDC, 0, 20, 0x08][..], &[0xC0; 16], &[0x91, 0x01, 0xA0, 0xC3]].concat();
        assert!(Message::parse(&long).is_ok());
        assert!(Message::parse(&long[..long.len() - 1]).is_err());
        assert!(Message::parse(&[0x91, 0x17]).is_err());
        assert!(Message::parse(&[0x90]).is_err());
        assert!(Message::parse(b"hello").is_err());
    }

    #[test]
    fn only_who_asks_is_told_that_he_was_not_understood() {
        let ask = [0x92, 0x13, 0xA1, b'b'];
        let cancel = [0x92, 0x03, 0xA1, b'b'];
        let tell = [0x92, 0x08, 0xA1, b'b'];
        assert!(Message::parse(&cancel).unwrap().not_understood("what?").is_some());
        assert!(Message::parse(&ask).unwrap().not_understood("what?").is_some());
        assert!(Message::parse(&tell).unwrap().not_understood("what?").is_none());
    }
}
