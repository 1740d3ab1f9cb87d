//! What the node offers besides messages: a log, the time, random bytes.
//!
//! On other targets than WebAssembly these work too, so that agents can be tested natively.

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Level {
    /// For whoever develops the agent.
    Debug = 0,
    /// Worth knowing.
    Info = 1,
    /// Not as it should be.
    Warning = 2,
    /// Something failed.
    Error = 3,
}

#[cfg(target_arch = "wasm32")]
mod imports {
    #[link(wasm_import_module = "caxton")]
    extern "C" {
        pub fn log(level: u32, address: *const u8, length: usize);
        pub fn now_ns() -> u64;
        pub fn random(address: *mut u8, length: usize);
    }
}

/// Write a line to the agent's log. The node drops what exceeds 100 lines a second.
pub fn log(level: Level, text: &str) {
    #[cfg(target_arch = "wasm32")]
    unsafe {
        // The host takes 64 KiB at once and cuts lines at 4 KiB.
        imports::log(level as u32, text.as_ptr(), text.len().min(65_536))
    }
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{:?}: {}", level, text);
}

/// Nanoseconds since 1970.
pub fn now_ns() -> u64 {
    #[cfg(target_arch = "wasm32")]
    unsafe {
        imports::now_ns()
    }
    #[cfg(not(target_arch = "wasm32"))]
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64)
}

/// Milliseconds since 1970, as `reply_by` wants them.
pub fn now_ms() -> u64 {
    now_ns() / 1_000_000
}

/// Fill bytes from the node's random source; for tests on other targets, from the clock.
pub fn random(bytes: &mut [u8]) {
    for piece in bytes.chunks_mut(65_536) {
        #[cfg(target_arch = "wasm32")]
        unsafe {
            imports::random(piece.as_mut_ptr(), piece.len())
        }
        #[cfg(not(target_arch = "wasm32"))]
        for byte in piece {
            *byte = (now_ns() >> 4) as u8;
        }
    }
}

/// A name that nobody else has: the prefix and sixteen random hex digits, for conversations of your own.
pub fn unique(prefix: &str) -> String {
    let mut bytes = [0; 8];
    random(&mut bytes);
    let mut name = String::with_capacity(prefix.len() + 17);
    name.push_str(prefix);
    name.push('-');
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            name.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    name
}

/// Have a panic say in the log where it was, before it stops the agent.
pub(crate) fn install_panic_log() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|info| log(Level::Error, &info.to_string())));
}
