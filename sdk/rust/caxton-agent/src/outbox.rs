//! What an agent sends: frames behind one another, shown to the host only when the message that caused them is done.

use crate::abi::{CONTROL, OUT_LEN, OUT_PTR};
use crate::envelope::Draft;

/// Collects what is sent while one batch is handled.
///
/// The host reads it after a trap too, at any moment. So the control block always points at whole frames: the length
/// moves on when a message is done, and the buffer's old copy lives until the block points at the new one.
#[derive(Debug, Default)]
pub struct Outbox {
    frames: Vec<u8>,
    draft: Vec<u8>,
}

impl Outbox {
    /// An empty outbox.
    pub const fn new() -> Self {
        Outbox { frames: Vec::new(), draft: Vec::new() }
    }

    /// Send a message.
    pub fn send(&mut self, draft: &Draft<'_>) {
        self.draft.clear();
        draft.write(&mut self.draft);
        self.make_room(4 + self.draft.len());
        self.frames.extend_from_slice(&(self.draft.len() as u32).to_le_bytes());
        self.frames.extend_from_slice(&self.draft);
    }

    /// The frames sent since the batch began; for tests of agents.
    pub fn frames(&self) -> Vec<&[u8]> {
        let (mut rest, mut found) = (&self.frames[..], Vec::new());
        while rest.len() >= 4 {
            let length = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            found.push(&rest[4..4 + length]);
            rest = &rest[4 + length..];
        }
        found
    }

    /// Begin a batch.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.show();
    }

    /// Show the host all that has been sent; called when a message is done.
    #[inline(always)]
    pub(crate) fn show(&self) {
        CONTROL.set(OUT_PTR, self.frames.as_ptr() as usize as u32);
        CONTROL.set(OUT_LEN, self.frames.len() as u32);
    }

    fn make_room(&mut self, more: usize) {
        let wanted = self.frames.len() + more;
        if wanted <= self.frames.capacity() {
            return;
        }
        let mut larger = Vec::with_capacity(wanted.next_power_of_two().max(1024));
        larger.extend_from_slice(&self.frames);
        CONTROL.set(OUT_PTR, larger.as_ptr() as usize as u32);
        self.frames = larger; // the old copy is freed here, when nothing points at it any more
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Message;
    use crate::performative::Performative;

    #[test]
    fn frames_come_in_the_order_in_which_they_were_sent() {
        let mut out = Outbox::new();
        for number in 0..500 {
            let name = format!("agent-{}", number);
            out.send(&Draft::new(Performative::Inform, &name).content(b"x"));
        }
        let names: Vec<_> =
            out.frames().iter().map(|frame| Message::parse(frame).unwrap().receiver.to_owned()).collect();
        assert_eq!(names.len(), 500);
        assert!(names.iter().enumerate().all(|(number, name)| *name == format!("agent-{}", number)));
    }
}
