//! Compares what [`Shell`] reads and writes with Fluvio's own encoders and decoders, which define the format that its
//! engine exchanges with a SmartModule.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::convert::Infallible;

use fluvio_protocol::record::Record as FluvioRecord;
use fluvio_protocol::{Decoder, Encoder};
use fluvio_smartmodule::dataplane::smartmodule::{
    SmartModuleExtraParams, SmartModuleInitInput, SmartModuleInitOutput, SmartModuleInput,
    SmartModuleOutput,
};
use proptest::prelude::*;
use smartmodule_batch::{Record, Shell, Status};

type Sample = (Option<Vec<u8>>, Vec<u8>, i64);

fn fluvio_record(index: usize, (key, value, timestamp_delta): &Sample) -> FluvioRecord {
    let mut record = match key {
        Some(key) => FluvioRecord::new_key_value(key.clone(), value.clone()),
        None => FluvioRecord::new(value.clone()),
    };
    record.preamble.set_offset_delta(index as i64);
    record.preamble.set_timestamp_delta(*timestamp_delta);
    record
}

fn encoded_input(
    samples: &[Sample],
    base_offset: i64,
    base_timestamp: i64,
    version: i16,
) -> Vec<u8> {
    let records: Vec<_> = samples
        .iter()
        .enumerate()
        .map(|(index, sample)| fluvio_record(index, sample))
        .collect();
    let mut input = SmartModuleInput::try_from_records(records, version).unwrap();
    input.set_base_offset(base_offset);
    input.set_base_timestamp(base_timestamp);
    let mut bytes = Vec::new();
    input.encode(&mut bytes, version).unwrap();
    bytes
}

fn encoded_params(pairs: &[(&str, &str)]) -> Vec<u8> {
    let map: BTreeMap<_, _> = pairs
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let mut bytes = Vec::new();
    SmartModuleInitInput {
        params: SmartModuleExtraParams::from(map),
    }
    .encode(&mut bytes, 25)
    .unwrap();
    bytes
}

fn put<S>(shell: &mut Shell<S>, bytes: &[u8]) -> usize {
    shell.input(bytes.len()).copy_from_slice(bytes);
    bytes.len()
}

fn ready_shell() -> Shell<BTreeMap<String, String>> {
    let mut shell = Shell::default();
    let length = put(&mut shell, &encoded_params(&[("a", "1"), ("b", "é")]));
    assert_eq!(shell.init(length, Ok::<_, Infallible>), Status::Done);
    shell
}

/// Runs a module. Returns the records that it received, their offsets, and its output as decoded by the engine's
/// decoder.
fn run(bytes: &[u8], version: i32) -> (Vec<Sample>, Vec<i64>, Option<SmartModuleOutput>) {
    let (mut seen, mut offsets) = (Vec::new(), Vec::new());
    let mut shell = ready_shell();
    let length = put(&mut shell, bytes);
    let status = shell.transform(length, version, |_, records, value| {
        for Record {
            offset,
            timestamp,
            key,
            value,
        } in records
        {
            seen.push((
                key.map(<[u8]>::to_vec),
                value.to_vec(),
                timestamp.unwrap_or(-1),
            ));
            offsets.push(offset);
        }
        value.extend(b"partial");
    });
    if status != Status::OneRecord {
        return (seen, offsets, None);
    }
    let mut output = SmartModuleOutput::default();
    output
        .decode(&mut std::io::Cursor::new(shell.output()), version as i16)
        .unwrap();
    (seen, offsets, Some(output))
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..200);
    prop::collection::vec((prop::option::of(bytes()), bytes(), 0_i64..100_000), 0..40)
}

proptest! {
    #[test]
    fn sees_what_was_encoded_in_every_version(
        samples in samples(),
        base_offset in 0_i64..i64::MAX / 2,
        version in prop::sample::select(vec![15_i16, 16, 19, 20, 21, 22, 23, 24, 25]),
    ) {
        let base_timestamp = 1_700_000_000_000;
        let input = encoded_input(&samples, base_offset, base_timestamp, version);
        let (seen, offsets, output) = run(&input, version.into());
        let expected: Vec<Sample> = samples.iter().map(|(key, value, delta)| {
            (key.clone(), value.clone(), if version >= 22 { base_timestamp + delta } else { -1 })
        }).collect();
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(offsets, (0..samples.len() as i64).map(|index| base_offset + index).collect::<Vec<_>>());
        let output = output.expect("one record");
        prop_assert!(output.error.is_none());
        prop_assert_eq!(output.successes.len(), 1);
        prop_assert_eq!(output.successes[0].value.as_ref(), b"partial");
    }

    #[test]
    fn no_bytes_cause_a_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        version in 0_i32..30,
        count in 0_u8..9,
    ) {
        let _ = run(&bytes, version);
        // The same bytes as the records of a valid input, so that they reach the decoding of records.
        let mut enveloped = vec![0; 8];
        bytes.splice(0..0, [0, 0, 0, count]);
        enveloped.extend((bytes.len() as u32).to_be_bytes());
        enveloped.extend(&bytes);
        enveloped.extend([0; 8]);
        prop_assert!(run(&enveloped, 25).2.is_some_and(|output| output.successes.len() == 1));
    }

    #[test]
    fn outputs_of_any_length_decode(lengths in prop::collection::vec(0_usize..100_000, 1..4)) {
        let mut shell = ready_shell();
        for length in lengths {
            let bytes = encoded_input(&[(None, vec![1], 0), (None, vec![2], 0)], 7, -1, 25);
            let input = put(&mut shell, &bytes);
            shell.transform(input, 25, |_, _, value| value.resize(length, 9));
            let mut output = SmartModuleOutput::default();
            output.decode(&mut std::io::Cursor::new(shell.output()), 25).unwrap();
            prop_assert_eq!(output.successes[0].value.as_ref(), vec![9; length]);
            prop_assert_eq!(output.successes[0].preamble.offset_delta(), 1);
        }
    }
}

#[test]
fn an_unknown_time_is_none() {
    let bytes = encoded_input(&[(None, vec![1], 0)], 0, -1, 25);
    assert_eq!(run(&bytes, 25).0, [(None, vec![1], -1)]);
}

#[test]
fn init_passes_parameters_on_and_reports_errors() {
    let mut shell = Shell::default();
    let length = put(&mut shell, &encoded_params(&[("window_ms", "10")]));
    let status = shell.init(length, |params| {
        if params.contains_key("nothing") {
            Ok(())
        } else {
            Err(format!("unknown {params:?}"))
        }
    });
    assert_eq!(status, Status::InitError);
    let mut output = SmartModuleInitOutput::default();
    output
        .decode(&mut std::io::Cursor::new(shell.output()), 25)
        .unwrap();
    assert_eq!(output.error.hint, r#"unknown {"window_ms": "10"}"#);
    assert_eq!(
        shell.transform(0, 25, |_, _, _| {}),
        Status::TransformInput,
        "no state yet"
    );
}

#[test]
fn buffers_are_reused() {
    let mut shell = ready_shell();
    let place = shell.input(1 << 20).as_ptr();
    for length in [10, 1 << 20, 500] {
        assert_eq!(shell.input(length).as_ptr(), place);
    }
}
