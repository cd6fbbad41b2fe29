//! Tests transforms that multiply, drop or refuse records, and how these records are counted.

use client::Transform;
use model::PayloadPart;
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::config::Secrets;
use crate::queue::{Parcel, queue};

/// A SmartModule that makes two records from each record, makes none from a record that ends in `?`, and traps
/// at one that ends in `!`. Its input consists of the base offset (8 bytes), the length of the records in bytes
/// (4), the number of records (4), and one record, which ends in a zero byte.
const MODULE: &str = r#"(module
  (import "env" "copy_records" (func $answer (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.shl (memory.grow (i32.const 16)) (i32.const 16)))
  (func (export "array_map") (param $at i32) (param $len i32) (param $version i32) (result i32)
    (local $size i32) (local $out i32) (local $end i32)
    (local.set $size (i32.sub (i32.or (i32.shl (i32.load8_u offset=9 (local.get $at)) (i32.const 16))
      (i32.or (i32.shl (i32.load8_u offset=10 (local.get $at)) (i32.const 8))
        (i32.load8_u offset=11 (local.get $at)))) (i32.const 4)))
    (local.set $end (i32.load8_u offset=14 (i32.add (local.get $at) (local.get $size))))
    (if (i32.eq (local.get $end) (i32.const 33)) (then unreachable))
    (local.set $out (i32.add (local.get $at) (local.get $len)))
    (if (i32.eq (local.get $end) (i32.const 63))
        (then (call $answer (local.get $out) (i32.const 5)) (return (i32.const 0))))
    (i32.store8 offset=3 (local.get $out) (i32.const 2))
    (memory.copy (i32.add (local.get $out) (i32.const 4)) (i32.add (local.get $at) (i32.const 16)) (local.get $size))
    (memory.copy (i32.add (i32.add (local.get $out) (i32.const 4)) (local.get $size))
      (i32.add (local.get $at) (i32.const 16)) (local.get $size))
    (call $answer (local.get $out) (i32.add (i32.shl (local.get $size) (i32.const 1)) (i32.const 5)))
    (i32.const 2)))"#;

/// Returns an intake with `MODULE` as its transform, and the receiver of the records that it queues.
fn intake(topic: &str) -> (Intake, UnboundedReceiver<Parcel>) {
    let yaml = format!(
        "meta: {{name: t, type: http-source, topic: {topic}, secrets: [{{name: S}}]}}\n\
         http: {{endpoint: 'http://h.net', \
         body: '${{{{ secrets.S }}}}'}}"
    );
    // The module's error message contains this secret.
    let secrets = Secrets::from_file("S=unreachable").expect("secrets");
    let config = Config::parse(&yaml, &secrets).expect("a configuration");
    let (queue, parcels) = queue();
    let mut intake = Intake::new(&config, BTreeMap::new(), queue, Arc::default());
    let transform = Transform {
        uses: "odd".to_owned(),
        with: BTreeMap::new(),
    };
    let wasm = wat::parse_str(MODULE).expect("a module");
    let transforms = Transforms::compile(vec![(transform, wasm)]);
    intake.transforms = Some(transforms.expect("it runs"));
    (intake, parcels)
}

async fn taken(topic: &str, record: &str) -> (Vec<Parcel>, crate::Counted) {
    let (mut intake, mut parcels) = intake(topic);
    let piece = Piece::Record(Bytes::copy_from_slice(record.as_bytes()));
    intake
        .take(piece, None)
        .await
        .expect("somebody takes records");
    let counted = intake.counts.now();
    drop(intake);
    let mut taken = Vec::new();
    while let Some(parcel) = parcels.recv().await {
        taken.push(parcel);
    }
    (taken, counted)
}

fn row(parcel: &Parcel) -> serde_json::Value {
    assert_eq!(&*parcel.topic, "rejected-events");
    serde_json::from_slice(&parcel.value).expect("JSON")
}

fn completes(parcels: &[Parcel]) -> Vec<(bool, bool)> {
    let completes = parcels.iter().map(|parcel| parcel.completes);
    completes.map(|done| (done.record, done.received)).collect()
}

#[tokio::test]
async fn a_record_is_done_with_when_all_that_it_became_is() {
    let (parcels, counted) = taken("{a: first}", r#"{"key":"k","event":{"event_name":"a"}}"#).await;
    for parcel in &parcels {
        assert_eq!(
            (&*parcel.topic, parcel.key.as_deref()),
            ("first", Some(&b"k"[..]))
        );
        assert_eq!(&parcel.value[..], br#"{"event_name":"a"}"#);
    }
    assert_eq!(completes(&parcels), [(true, false), (true, true)]);
    assert_eq!(
        (counted.received, counted.rejected, counted.filtered),
        (1, 0, 0)
    );
}

#[tokio::test]
async fn what_a_record_became_can_be_rejected_on_its_own() {
    let (parcels, counted) = taken("{a: first}", r#"{"event_name":"b"}"#).await;
    for parcel in &parcels {
        let row = row(parcel);
        assert_eq!(
            (&row["reason"], &row["detail"]),
            (&"out_of_range".into(), &"event_name".into())
        );
        assert_eq!(row["payload"], r#"{"event_name":"b"}"#);
    }
    assert_eq!(completes(&parcels), [(true, false), (true, true)]);
    assert_eq!((counted.received, counted.rejected), (1, 2));
}

#[tokio::test]
async fn a_record_that_nothing_is_left_of_is_counted() {
    let (parcels, counted) = taken("facts", "what?").await;
    assert!(parcels.is_empty());
    assert_eq!(
        (counted.received, counted.rejected, counted.filtered),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn a_record_that_a_module_cannot_handle_is_kept_as_it_came() {
    let payload = format!("{}!", "x".repeat(PayloadPart::BYTES_MAX));
    let (parcels, counted) = taken("facts", &payload).await;
    let rows: Vec<_> = parcels.iter().map(row).collect();
    let kept: String = rows
        .iter()
        .filter_map(|row| row["payload"].as_str())
        .collect();
    assert_eq!(kept, payload);
    assert_eq!(rows[0]["reason"], "transform_failed");
    let detail = rows[0]["detail"].as_str().expect("a detail");
    assert!(
        detail.starts_with("smartmodule `odd`:") && detail.contains("***"),
        "{detail}"
    );
    assert!(!detail.contains("unreachable"), "{detail}");
    assert_eq!(completes(&parcels), [(false, false), (true, true)]);
    assert_eq!(
        (counted.received, counted.rejected, counted.filtered),
        (1, 1, 0)
    );
}

#[test]
fn a_complaint_is_cut_and_no_half_of_a_secret_is_left() {
    let (intake, _parcels) = intake("facts");
    let shown = |text: &str| error_text(&intake.censor, text);
    let filler = "é".repeat(ERROR_TEXT_BYTES_MAX / 2 - 2);
    assert_eq!(
        shown(&format!("{filler}unreachable")),
        format!("{filler}***")
    );
    assert_eq!(
        shown(&format!("x{}", "é".repeat(600))).len(),
        ERROR_TEXT_BYTES_MAX - 1
    );
}
