//! Tests with modules, written as WebAssembly text, that duplicate records, drop them, reject them, trap, or run out
//! of memory.
//!
//! A module's input consists of the base offset (8 bytes), the length of the next two parts (4 bytes), the number of
//! records (4 bytes), the records, and further data that begins with a zero byte. Its output consists of the
//! number of records (4 bytes), the records, and a zero byte for "no error". A record ends with its value and
//! a zero byte.
#![allow(clippy::unwrap_used)]

use fluvio_smartmodule::dataplane::core::Encoder;
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleTransformRuntimeError;

use super::*;

/// The common part of all modules. Its `alloc` takes a mebibyte per call and never frees memory.
const PRELUDE: &str = r#"
  (import "env" "copy_records" (func $answer (param i32 i32)))
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 0))
  (func (export "alloc") (param i32) (result i32)
    (global.set $free (i32.shl (memory.grow (i32.const 16)) (i32.const 16)))
    (global.get $free))
  (func $length (param $at i32) (result i32)
    (i32.or (i32.shl (i32.load8_u offset=10 (local.get $at)) (i32.const 8)) (i32.load8_u offset=11 (local.get $at))))
"#;

const SAME: &str = r#"
  (func (export "map") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (call $answer (i32.add (local.get $at) (i32.const 12)) (i32.add (call $length (local.get $at)) (i32.const 1)))
    (i32.const 1))
"#;

/// A module that returns each record twice.
const TWICE: &str = r#"
  (func (export "array_map") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (local $size i32) (local $out i32)
    (local.set $size (i32.sub (call $length (local.get $at)) (i32.const 4)))
    (local.set $out (i32.add (local.get $at) (local.get $len)))
    (i32.store8 offset=3 (local.get $out) (i32.shl (i32.load8_u offset=15 (local.get $at)) (i32.const 1)))
    (memory.copy (i32.add (local.get $out) (i32.const 4)) (i32.add (local.get $at) (i32.const 16)) (local.get $size))
    (memory.copy (i32.add (i32.add (local.get $out) (i32.const 4)) (local.get $size))
      (i32.add (local.get $at) (i32.const 16)) (local.get $size))
    (call $answer (local.get $out) (i32.add (i32.shl (local.get $size) (i32.const 1)) (i32.const 5)))
    (i32.const 2))
"#;

const NOTHING: &str = r#"
  (func (export "filter") (param i32 i32 i32) (result i32)
    (call $answer (i32.const 0) (i32.const 5))
    (i32.const 0))
"#;

/// A module that traps on a value that ends with `!`, and on every value after that.
const FRAGILE: &str = r#"
  (global $broken (mut i32) (i32.const 0))
  (func (export "map") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (if (i32.eq (i32.load8_u offset=10 (i32.add (local.get $at) (call $length (local.get $at)))) (i32.const 33))
      (then (global.set $broken (i32.const 1))))
    (if (global.get $broken) (then unreachable))
    (call $answer (i32.add (local.get $at) (i32.const 12)) (i32.add (call $length (local.get $at)) (i32.const 1)))
    (i32.const 1))
"#;

fn chain(modules: &[(&str, &str)]) -> Result<Transforms, ClientError> {
    let module = |(name, body): &(&str, &str)| {
        let transform = Transform {
            uses: (*name).to_owned(),
            with: BTreeMap::from([("secret".to_owned(), "hush".to_owned())]),
        };
        let wasm = wat::parse_str(format!("(module {PRELUDE} {body})")).unwrap();
        (transform, wasm)
    };
    Transforms::compile(modules.iter().map(module).collect())
}

fn record(value: &str) -> KeyValue {
    (Some("key".into()), value.to_owned().into())
}

/// A module that returns an error for every record.
fn refusing(hint: &str) -> String {
    let error = SmartModuleTransformRuntimeError {
        hint: hint.to_owned(),
        ..Default::default()
    };
    let mut answer = Vec::new();
    SmartModuleOutput::with_error(Vec::new(), Some(error))
        .encode(&mut answer, DEFAULT_SMARTENGINE_VERSION)
        .unwrap();
    let data: String = answer.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(data (i32.const 64) "{data}")
        (func (export "map") (param i32 i32 i32) (result i32)
          (call $answer (i32.const 64) (i32.const {}))
          (i32.const 0))"#,
        answer.len()
    )
}

#[test]
fn each_module_is_given_what_the_one_before_it_made() {
    let mut chain = chain(&[("two", TWICE), ("same", SAME), ("four", TWICE)]).unwrap();
    assert_eq!(chain.apply(record("é\0")), Ok(vec![record("é\0"); 4]));
    let plain: KeyValue = (None, Bytes::from_static(b"\xff"));
    assert_eq!(chain.apply(plain.clone()), Ok(vec![plain; 4]));
}

#[test]
fn what_a_module_drops_no_other_one_sees() {
    let mut chain = chain(&[("nothing", NOTHING), ("refuses", &refusing("seen"))]).unwrap();
    assert_eq!(chain.apply(record("a")), Ok(Vec::new()));
}

#[test]
fn a_refusal_is_told_with_the_modules_name_and_words() {
    let hint = "é".repeat(1_000);
    let mut chain = chain(&[("same", SAME), ("refuses", &refusing(&hint))]).unwrap();
    let error = chain.apply(record("a")).unwrap_err();
    assert_eq!(error.module, "refuses");
    assert_eq!(error.reason, hint);
}

#[test]
fn a_module_that_breaks_at_a_record_is_whole_at_the_next() {
    let mut chain = chain(&[("fragile", FRAGILE)]).unwrap();
    for _ in 0..2 {
        assert_eq!(chain.apply(record("a")), Ok(vec![record("a")]));
        let error = chain.apply(record("a!")).unwrap_err();
        assert!(
            error.to_string().contains("smartmodule `fragile`"),
            "{error}"
        );
        assert!(error.reason.contains("unreachable"), "{error}");
    }
}

#[test]
fn a_module_that_never_gives_memory_back_runs_on() {
    let mut chain = chain(&[("greedy", SAME)]).unwrap();
    let calls = 2 * MEMORY_BYTES_MAX / (1024 * 1024) + 100;
    for number in 0..calls {
        let record = record(&number.to_string());
        assert_eq!(chain.apply(record.clone()), Ok(vec![record]));
    }
}

#[test]
fn what_cannot_run_is_told_at_the_start_and_values_are_never_shown() {
    let error = chain(&[("same", SAME), ("none", "")]).unwrap_err();
    assert!(matches!(error, ClientError::Configuration { .. }));
    assert!(
        error.to_string().contains("starting SmartModule `none`"),
        "{error}"
    );
    let chain = chain(&[("same", SAME)]).unwrap();
    let shown = format!("{chain:?}");
    assert!(shown.contains("same") && !shown.contains("hush"), "{shown}");
}
