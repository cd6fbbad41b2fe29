//! Changes numbers in the repository's dataflow file. If the changed file is accepted, its derivations must work, and
//! provisioning a cluster with it must succeed.

use std::collections::BTreeMap;
use std::path::Path;

use cluster_testing::Node;
use dataflow::{Partition, Progress};
use model::fold::SourceRecord;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::registry::registry;

/// Replacements for a number: small values, values at and beyond the limits of integer types, and fractions.
const EXTREMES: [&str; 16] = [
    "0",
    "1",
    "2",
    "9",
    "10",
    "60",
    "256",
    "257",
    "-1",
    "1.5",
    "1e30",
    "4294967295",
    "4294967296",
    "1000000000",
    "18446744073709551615",
    "99999999999999999999",
];

/// Returns the ranges of all numbers in the text, except those in comments.
fn numbers(text: &str) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut line_start) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or_default();
        let mut digits = None;
        for (at, character) in code.char_indices().chain([(code.len(), ' ')]) {
            match (character.is_ascii_digit(), digits) {
                (true, None) => digits = Some(at),
                (false, Some(from)) => {
                    found.push(line_start + from..line_start + at);
                    digits = None;
                }
                _ => {}
            }
        }
        line_start += line.len();
    }
    found
}

/// Generates dataflow files with up to three numbers changed.
fn mutated() -> impl Strategy<Value = String> {
    let places = numbers(BUILT_IN);
    let change = (0..places.len(), prop::sample::select(EXTREMES.to_vec()));
    prop::collection::btree_map(0..places.len(), change, 1..4).prop_map(move |changes| {
        let mut text = BUILT_IN.to_owned();
        // Replaces the last range first, so that the ranges before it stay valid.
        for (place, (_, value)) in changes.iter().rev() {
            text.replace_range(places[*place].clone(), value);
        }
        text
    })
}

/// Returns the records of all golden inputs of a derivation.
fn golden_records(derivation: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join(format!("smartmodules/{derivation}/testdata"));
    let files = std::fs::read_dir(folder).expect("golden files");
    let paths = files.map(|file| file.expect("a file").path());
    let inputs = paths.filter(|path| path.to_string_lossy().ends_with(".input.jsonl"));
    let texts = inputs.map(|path| std::fs::read(path).expect("records"));
    texts
        .flat_map(|text| {
            text.split(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

#[test]
fn a_dataflow_file_with_other_numbers_is_accepted_or_refused_and_its_derivations_work() {
    let registry = registry();
    let records: BTreeMap<_, _> = registry
        .names()
        .into_iter()
        .map(|name| (name.to_owned(), golden_records(name)))
        .collect();
    let outcome = runner(500).run(&mutated(), |text| {
        let Ok(dataflow) = DataflowSpec::parse(&text, &registry) else {
            return Ok(());
        };
        for (name, spec) in &dataflow.derivations {
            let registration = registry.get(name).expect("it was accepted");
            let made = registration.offline_within(&spec.params(), 1, spec.entries_max);
            let mut derivation = made.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let records = records.get(name).into_iter().flatten().zip(0..);
            derivation.batch(
                Partition(0),
                records.map(|(value, offset)| SourceRecord::new(offset, None, value)),
            );
            prop_assert!(derivation.finish().is_ok(), "{name}: {text}");
        }
        Ok(())
    });
    outcome.expect("no dataflow file panics");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_dataflow_files_are_provisioned() {
    let registry = registry();
    let mut runner = runner(1);
    let mut provisioned = 0;
    while provisioned < 4 {
        let text = mutated()
            .new_tree(&mut runner)
            .expect("a dataflow file")
            .current();
        let Ok(dataflow) = DataflowSpec::parse(&text, &registry) else {
            continue;
        };
        let node = Node::start([]).await;
        let cluster = node.cluster().await;
        let made = dataflow::provision(&cluster, &dataflow, &registry, &Progress::default()).await;
        made.unwrap_or_else(|error| panic!("{error}: {text}"));
        provisioned += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_accepted_dataflow_file_is_provisioned() {
    let registry = registry();
    let text = BUILT_IN
        .replace("partitions: 2", "partitions: 256")
        .replace("retention: 7d", "retention: 10s")
        .replace("retention: 30d", "retention: 100y");
    let dataflow = DataflowSpec::parse(&text, &registry).expect("a dataflow file");
    let node = Node::start([]).await;
    let cluster = node.cluster().await;
    let made = dataflow::provision(&cluster, &dataflow, &registry, &Progress::default()).await;
    made.expect("a cluster accepts it");
}

#[test]
fn the_examples_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = std::fs::read_dir(folder).expect("the examples");
    let paths = files.map(|file| file.expect("a file").path());
    let yaml: Vec<_> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    assert!(yaml.len() >= 2, "{yaml:?}");
    for path in yaml {
        let text = std::fs::read_to_string(&path).expect("a text");
        let parsed = DataflowSpec::parse(&text, &registry());
        let dataflow = parsed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (name, spec) in &dataflow.derivations {
            let code = registry().code_of(name, spec).expect("it was accepted");
            code.offline(&spec.params(), 1)
                .expect("its derivations work");
        }
    }
}
