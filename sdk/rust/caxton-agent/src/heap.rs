//! The agent's heap: blocks of powers of two, each size with its list of free blocks.
//!
//! Rust's own allocator asks for new pages with its first allocation and then one page at a time. A memory that grows
//! is moved by the node, which makes all its pages resident, so an idle agent would cost three times as much. This one
//! starts with what the module's first pages leave over, grows in steps of an eighth, and tells the node in the
//! control block when memory is refused. The price: a block is up to twice as large as what was asked for, and a size
//! that was in use once is kept for that size.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ptr::{self, addr_of};

use crate::abi::{CONTROL, FLAGS, OUT_OF_MEMORY};

const PAGE: usize = 65_536;
const SMALLEST: usize = 16;
/// Blocks are aligned to their size up to this; a type that wants more gets nothing.
const ALIGNMENT_MAX: usize = 64;
const SIZES: usize = 32;

struct State {
    free: [*mut u8; SIZES],
    next: usize,
    end: usize,
}

struct Heap(UnsafeCell<State>);

// One instance has one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(State { free: [ptr::null_mut(); SIZES], next: 0, end: 0 }));

extern "C" {
    static __heap_base: u8;
}

fn block_size(layout: Layout) -> Option<usize> {
    if layout.align() > ALIGNMENT_MAX {
        return None;
    }
    layout.size().max(layout.align()).max(SMALLEST).checked_next_power_of_two()
}

impl State {
    unsafe fn take(&mut self, size: usize) -> *mut u8 {
        let list = &mut self.free[size.trailing_zeros() as usize];
        if !list.is_null() {
            let block = *list;
            // A free block's first word points to the next one.
            *list = (block as *mut *mut u8).read();
            return block;
        }
        self.carve(size)
    }

    unsafe fn carve(&mut self, size: usize) -> *mut u8 {
        if self.end == 0 {
            self.next = addr_of!(__heap_base) as usize;
            self.end = memory_size(0) * PAGE;
        }
        let alignment = size.min(ALIGNMENT_MAX);
        let start = (self.next + alignment - 1) & !(alignment - 1);
        let stop = match start.checked_add(size) {
            Some(stop) if stop <= self.end || self.grow(stop) => stop,
            _ => {
                CONTROL.set(FLAGS, OUT_OF_MEMORY);
                return ptr::null_mut();
            }
        };
        self.next = stop;
        start as *mut u8
    }

    fn grow(&mut self, stop: usize) -> bool {
        let needed = (stop - self.end + PAGE - 1) / PAGE;
        let generous = needed.max(self.end / PAGE / 8);
        for pages in [generous, needed] {
            if memory_grow(0, pages) != usize::MAX {
                self.end += pages * PAGE;
                return true;
            }
        }
        false
    }
}

unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match block_size(layout) {
            Some(size) => (*self.0.get()).take(size),
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(size) = block_size(layout) {
            let list = &mut (*self.0.get()).free[size.trailing_zeros() as usize];
            (block as *mut *mut u8).write(*list);
            *list = block;
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
        if block_size(layout) == block_size(new_layout) {
            return block;
        }
        let moved = self.alloc(new_layout);
        if !moved.is_null() {
            ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
            self.dealloc(block, layout);
        }
        moved
    }
}
