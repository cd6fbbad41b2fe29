//! Limits on a source record. A record that exceeds one is rejected, never truncated.

/// The largest size of a record in bytes. It is hundreds of times the size of a real event, and a batch of
/// such records still fits into memory.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

/// The largest length of an id or a name in bytes of UTF-8. Ids are limited because they are part of window
/// keys, which stay in memory while their windows are open.
pub const ID_BYTES_MAX: usize = 256;

/// The largest latency in milliseconds: one day.
pub const LATENCY_MS_MAX: i64 = 86_400_000;

/// The largest amount of one transaction in minor units. In US dollars it is ten billion.
pub const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000;
