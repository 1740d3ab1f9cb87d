//! ABI v1: the control block, the inbox, and the loop that turns a batch into calls of `Agent::handle`.
//!
//! You need nothing of this but [`Start`] and [`export_agent!`](crate::export_agent).

use std::cell::UnsafeCell;

use crate::envelope::Message;
use crate::host::{self, Level};
use crate::msgpack::Reader;
use crate::outbox::Outbox;
use crate::value::Value;
use crate::Agent;

pub(crate) const HANDLED: usize = 1;
pub(crate) const OUT_PTR: usize = 2;
pub(crate) const OUT_LEN: usize = 3;
#[cfg_attr(not(all(target_arch = "wasm32", feature = "heap")), allow(dead_code))]
pub(crate) const FLAGS: usize = 4;
/// Flag: an allocation failed; tells the host that the panic that follows was for want of memory.
#[cfg_attr(not(all(target_arch = "wasm32", feature = "heap")), allow(dead_code))]
pub(crate) const OUT_OF_MEMORY: u32 = 1;

/// The five words that the host reads, also after a trap: so they are written at once and in order.
#[repr(C, align(4))]
pub struct ControlBlock(UnsafeCell<[u32; 5]>);

// One instance has one thread; on other targets only tests use it, each for pointers that nobody follows.
unsafe impl Sync for ControlBlock {}

/// The one control block of this module.
pub static CONTROL: ControlBlock = ControlBlock(UnsafeCell::new([1, 0, 0, 0, 0]));

impl ControlBlock {
    // Inlined, and `Outbox::show` too: an agent can be stopped wherever a function begins, so a call between two words
    // would let the host see the first without the second.
    #[inline(always)]
    pub(crate) fn set(&self, word: usize, value: u32) {
        unsafe { (self.0.get() as *mut u32).add(word).write_volatile(value) }
    }

    /// Its address.
    pub fn address(&self) -> u32 {
        self.0.get() as usize as u32
    }
}

/// What the agent is told when it starts.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Its name.
    pub agent: String,
    /// Its tenant.
    pub tenant: String,
    /// The node on which it runs.
    pub node: String,
    /// Its own configuration.
    pub config: Value,
    /// Everything the host said, these four included.
    pub all: Value,
}

impl Default for Value {
    fn default() -> Self {
        Value::Nil
    }
}

impl Start {
    fn read(data: &[u8]) -> Option<Self> {
        let all = Reader::new(data).value().ok()?;
        let text = |key: &str| all.get(key).as_str().unwrap_or("").to_owned();
        Some(Start {
            agent: text("agent"),
            tenant: text("tenant"),
            node: text("node"),
            config: all.get("config").clone(),
            all,
        })
    }
}

/// The state behind the exported functions.
pub struct Guest<A> {
    agent: Option<A>,
    inbox: Vec<u8>,
    outbox: Outbox,
}

impl<A: Agent> Guest<A> {
    /// Before `caxton_init`.
    pub const fn new() -> Self {
        Guest { agent: None, inbox: Vec::new(), outbox: Outbox::new() }
    }

    /// `caxton_inbox`: where the host may write, or 0.
    pub fn inbox(&mut self, length: u32) -> u32 {
        self.inbox.clear();
        let fits = self.inbox.try_reserve_exact(length as usize).is_ok();
        // A refused inbox is no panic.
        CONTROL.set(FLAGS, 0);
        if !fits {
            return 0;
        }
        // An inbox for nothing still needs an address that is not 0.
        (self.inbox.as_mut_ptr() as usize as u32).max(1)
    }

    /// `caxton_init`.
    pub fn init(&mut self, length: u32) -> i32 {
        host::install_panic_log();
        self.outbox.clear();
        let start = match Start::read(self.received(length)) {
            Some(start) => start,
            None => {
                host::log(Level::Error, "the configuration is not a MessagePack map");
                return 2;
            }
        };
        match A::init(&start, &mut self.outbox) {
            Ok(agent) => self.agent = Some(agent),
            Err(reason) => {
                host::log(Level::Error, &reason);
                return 1;
            }
        }
        self.outbox.show();
        0
    }

    /// `caxton_handle`.
    pub fn handle(&mut self, length: u32) -> i32 {
        self.outbox.clear();
        let mut rest = self.received(length);
        let agent = match &mut self.agent {
            Some(agent) => agent,
            None => return 3,
        };
        let mut handled = 0;
        while rest.len() >= 4 {
            let size = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            if size > rest.len() - 4 {
                return 4;
            }
            let (frame, behind) = rest[4..].split_at(size);
            if let Ok(message) = Message::parse(frame) {
                agent.handle(&message, &mut self.outbox);
            }
            handled += 1;
            self.outbox.show();
            CONTROL.set(HANDLED, handled);
            rest = behind;
        }
        0
    }

    /// What the host has written into the inbox.
    fn received(&mut self, length: u32) -> &'static [u8] {
        let length = (length as usize).min(self.inbox.capacity());
        // The inbox is not touched again before the next call of `inbox`, so the slice outlives its use.
        unsafe { core::slice::from_raw_parts(self.inbox.as_ptr(), length) }
    }
}

impl<A: Agent> Default for Guest<A> {
    fn default() -> Self {
        Self::new()
    }
}

/// Make the module of an agent: its exports, and the one instance behind them.
#[macro_export]
macro_rules! export_agent {
    ($agent:ty) => {
        static mut CAXTON_GUEST: $crate::abi::Guest<$agent> = $crate::abi::Guest::new();

        fn caxton_guest() -> &'static mut $crate::abi::Guest<$agent> {
            // One thread, and the host never calls in while a call is under way.
            unsafe { &mut *core::ptr::addr_of_mut!(CAXTON_GUEST) }
        }

        #[no_mangle]
        pub extern "C" fn caxton_abi_v1() -> u32 {
            $crate::abi::CONTROL.address()
        }

        #[no_mangle]
        pub extern "C" fn caxton_inbox(length: u32) -> u32 {
            caxton_guest().inbox(length)
        }

        #[no_mangle]
        pub extern "C" fn caxton_init(length: u32) -> i32 {
            caxton_guest().init(length)
        }

        #[no_mangle]
        pub extern "C" fn caxton_handle(length: u32) -> i32 {
            caxton_guest().handle(length)
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_read_from_messagepack() {
        let data =
            [&[0x82, 0xA4][..], b"node", &[0xA1, b'n', 0xA6], b"config", &[0x81, 0xA1, b'p', 0x07]].concat();
        let start = Start::read(&data).unwrap();
        assert_eq!((start.node.as_str(), start.agent.as_str()), ("n", ""));
        assert_eq!(start.config.get("p").as_i64(), Some(7));
        assert!(Start::read(&[0xC1]).is_none());
    }
}
