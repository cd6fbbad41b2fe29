//! SmartModules for the tests, written as WebAssembly text so that no wasm toolchain is needed.
//!
//! The layout of their input: base offset (8 bytes), length of the records (4), number of records (4), records.
//! The layout of their output: number of records (4), records, and a zero byte for "no error". A record is its
//! length as a zig-zag varint followed by that many bytes, which end with its value and a zero byte.

/// The beginning of every test module: its import, its memory, its allocator, and functions for big-endian numbers.
/// Each call of the allocator returns the same buffer, which has room for an output after the input.
const PRELUDE: &str = r#"
  (import "env" "copy_records" (func $copy_records (param i32 i32)))
  (memory (export "memory") 4)
  (func (export "alloc") (param $len i32) (result i32)
    (local $missing i32)
    (local.set $missing (i32.sub
      (i32.add (i32.shr_u (i32.add (i32.mul (local.get $len) (i32.const 2)) (i32.const 400000)) (i32.const 16))
        (i32.const 1))
      (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0)) (then (drop (memory.grow (local.get $missing)))))
    (i32.const 65536))
  (func $big_endian (param $at i32) (result i32)
    (i32.or
      (i32.or (i32.shl (i32.load8_u (local.get $at)) (i32.const 24))
        (i32.shl (i32.load8_u offset=1 (local.get $at)) (i32.const 16)))
      (i32.or (i32.shl (i32.load8_u offset=2 (local.get $at)) (i32.const 8)) (i32.load8_u offset=3 (local.get $at)))))
  (func $put_count (param $at i32) (param $count i32)
    (i32.store8 (local.get $at) (i32.shr_u (local.get $count) (i32.const 24)))
    (i32.store8 offset=1 (local.get $at) (i32.shr_u (local.get $count) (i32.const 16)))
    (i32.store8 offset=2 (local.get $at) (i32.shr_u (local.get $count) (i32.const 8)))
    (i32.store8 offset=3 (local.get $at) (local.get $count)))
"#;

/// Keeps records whose value ends in an even byte; with any parameter, keeps those whose value ends in an odd
/// byte.
pub(crate) fn parity_filter() -> Vec<u8> {
    module(
        r#"
  (global $wanted (mut i32) (i32.const 0))
  (func (export "init") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (global.set $wanted (i32.ne (i32.load16_u (local.get $at)) (i32.const 0)))
    (i32.const 0))
  (func (export "filter") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (local $left i32) (local $out i32) (local $to i32) (local $kept i32)
    (local $from i32) (local $next i32) (local $size i32) (local $shift i32) (local $byte i32)
    (local.set $left (call $big_endian (i32.add (local.get $at) (i32.const 12))))
    (local.set $next (i32.add (local.get $at) (i32.const 16)))
    (local.set $out (i32.add (local.get $at) (local.get $len)))
    (local.set $to (i32.add (local.get $out) (i32.const 4)))
    (block $done (loop $records
      (br_if $done (i32.eqz (local.get $left)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (local.set $from (local.get $next))
      (local.set $size (i32.const 0))
      (local.set $shift (i32.const 0))
      (loop $varint
        (local.set $byte (i32.load8_u (local.get $next)))
        (local.set $next (i32.add (local.get $next) (i32.const 1)))
        (local.set $size (i32.or (local.get $size)
          (i32.shl (i32.and (local.get $byte) (i32.const 127)) (local.get $shift))))
        (local.set $shift (i32.add (local.get $shift) (i32.const 7)))
        (br_if $varint (i32.ge_u (local.get $byte) (i32.const 128))))
      (local.set $next (i32.add (local.get $next) (i32.shr_u (local.get $size) (i32.const 1))))
      (local.set $byte (i32.load8_u (i32.sub (local.get $next) (i32.const 2))))
      (br_if $records (i32.ne (i32.and (local.get $byte) (i32.const 1)) (global.get $wanted)))
      (memory.copy (local.get $to) (local.get $from) (i32.sub (local.get $next) (local.get $from)))
      (local.set $to (i32.add (local.get $to) (i32.sub (local.get $next) (local.get $from))))
      (local.set $kept (i32.add (local.get $kept) (i32.const 1)))
      (br $records)))
    (call $put_count (local.get $out) (local.get $kept))
    (i32.store8 (local.get $to) (i32.const 0))
    (call $copy_records (local.get $out) (i32.sub (i32.add (local.get $to) (i32.const 1)) (local.get $out)))
    (local.get $kept))
"#,
    )
}

/// Keeps no records.
pub(crate) fn pass_nothing() -> Vec<u8> {
    module(
        r#"
  (func (export "filter") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (i64.store (i32.const 65536) (i64.const 0))
    (call $copy_records (i32.const 65536) (i32.const 5))
    (i32.const 0))
"#,
    )
}

/// Creates one new record of 100,000 bytes for each batch. The record begins with three little-endian
/// `i32`s: the number of batches processed (including this one), the number of records in this batch, and
/// the number of records seen in the look-back.
pub(crate) fn batch_summary() -> Vec<u8> {
    module(
        r#"
  (global $calls (mut i32) (i32.const 0))
  (global $shown (mut i32) (i32.const 0))
  (func (export "look_back") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (global.set $shown (call $big_endian (i32.add (local.get $at) (i32.const 12))))
    (i32.const 0))
  (func (export "array_map") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (local $out i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $out (i32.add (local.get $at) (local.get $len)))
    (memory.fill (local.get $out) (i32.const 0) (i32.const 100017))
    (call $put_count (local.get $out) (i32.const 1))
    ;; length 100008 and value length 100000, as zig-zag varints of three bytes
    (i32.store offset=4 (local.get $out) (i32.const 0x000c9ad0))
    (i32.store offset=11 (local.get $out) (i32.const 0x000c9ac0))
    (i32.store offset=14 (local.get $out) (global.get $calls))
    (i32.store offset=18 (local.get $out) (call $big_endian (i32.add (local.get $at) (i32.const 12))))
    (i32.store offset=22 (local.get $out) (global.get $shown))
    (call $copy_records (local.get $out) (i32.const 100016))
    (i32.const 1))
"#,
    )
}

/// Traps on its first call.
pub(crate) fn trap() -> Vec<u8> {
    module(r#"(func (export "map") (param i32 i32 i32) (result i32) unreachable)"#)
}

fn module(body: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {PRELUDE} {body})")).unwrap()
}
