//! Limits on what a source record may hold; beyond them it is rejected, never cut.

/// A whole record, in bytes: hundreds of times a real event, yet a batch of them fits in memory.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

/// An id or name, in bytes of UTF-8: ids become keys of windows and are held while these are open.
pub const ID_BYTES_MAX: usize = 256;

/// The greatest latency, in milliseconds: a day. What is beyond it measures something else.
pub const LATENCY_MS_MAX: i64 = 86_400_000;

/// The greatest amount of one transaction, in minor units: ten billion dollars.
pub const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000;
