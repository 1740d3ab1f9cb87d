//! Write agents for Caxton in Rust.
//!
//! An agent is a value that handles messages. It says what it is in [`Agent::init`], answers in [`Agent::handle`], and
//! [`export_agent!`] makes the WebAssembly module out of it:
//!
//! ```ignore
//! use caxton_agent::{export_agent, Agent, Message, Outbox, Performative, Start};
//!
//! struct Echo;
//!
//! impl Agent for Echo {
//!     fn init(_start: &Start, _out: &mut Outbox) -> Result<Self, String> {
//!         Ok(Echo)
//!     }
//!
//!     fn handle(&mut self, message: &Message, out: &mut Outbox) {
//!         if message.performative == Performative::Request {
//!             out.send(&message.reply(Performative::Inform).content(message.content()));
//!         }
//!     }
//! }
//!
//! export_agent!(Echo);
//! ```
//!
//! Everything an agent wants from outside is a message too: `df` finds other agents ([`df`]), `ams` speaks for the
//! platform. [`contract_net`] puts work out to tender, and bids for it. What [`host`] offers besides is a log, the time,
//! and random bytes.
//!
//! No dependencies, Rust 1.63 and later, edition 2021.

#![warn(missing_docs)]

pub mod abi;
pub mod capability;
pub mod contract_net;
pub mod df;
mod envelope;
#[cfg(all(target_arch = "wasm32", feature = "heap"))]
mod heap;
pub mod host;
pub mod json;
pub mod msgpack;
mod outbox;
mod performative;
mod value;

pub use abi::Start;
pub use envelope::{Draft, Malformed, Message};
pub use outbox::Outbox;
pub use performative::Performative;
pub use value::Value;

/// What you implement: one value per running instance.
pub trait Agent: Sized {
    /// Make the agent from its configuration; messages sent from here go out before any is received.
    ///
    /// # Errors
    /// A text for the log; the agent then fails to start.
    fn init(start: &Start, out: &mut Outbox) -> Result<Self, String>;

    /// Handle one message. What is sent goes out when this returns; a panic loses this message and the instance.
    fn handle(&mut self, message: &Message<'_>, out: &mut Outbox);
}
