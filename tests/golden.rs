//! Golden pairs: in the folder of each derivation, `testdata/<case>.input.jsonl` contains source records, one per line,
//! and `<case>.expected.jsonl` the derived records expected from them, in the order of window and key.
//!
//! Two more files are optional. `<case>.params` has lines of `name=value`: the derivation's parameters, and
//! `ingest_time`, the ingest time of all records. `<case>.rejected` has lines of `reason count`; without it, no record
//! may be rejected. The result of a case must be the same for any split of its records into batches.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use dataflow::{Partition, Registration};
use model::fold::SourceRecord;
use model::{Params, Shape, Timestamp};
use serde_json::Value;

/// The length in milliseconds of the windows of cases whose `.params` file does not set it.
const WINDOW_MS: &str = "10000";

/// The number of random splits of each case. Two more splits are tested: all records in one batch, and each record in
/// a batch of its own.
const SPLITS: u64 = 40;

#[test]
fn every_golden_pair_gives_the_expected_rows_in_every_split() {
    let crate_paths = crates_with_a_derivation();
    assert!(
        !crate_paths.is_empty(),
        "no src/derivation.rs below smartmodules/"
    );
    let problems: Vec<String> = crate_paths
        .iter()
        .flat_map(|crate_path| check_crate(crate_path))
        .collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn crates_with_a_derivation() -> Vec<PathBuf> {
    let smartmodules = Path::new(env!("CARGO_MANIFEST_DIR")).join("smartmodules");
    let mut crate_paths = paths_in(&smartmodules);
    crate_paths.retain(|crate_path| crate_path.join("src/derivation.rs").exists());
    crate_paths
}

fn paths_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("folder can be listed");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("entry can be read").path())
        .collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().expect("path ends with a name");
    name.to_string_lossy().into_owned()
}

fn check_crate(crate_path: &Path) -> Vec<String> {
    let name = name_of(crate_path);
    let Some(registration) = derivations::registration(&name) else {
        return vec![format!(
            "{name}: add its derivation to smartmodules/folds/src/list.rs"
        )];
    };
    let cases = match cases_in(&crate_path.join("testdata"), registration.shape()) {
        Ok(cases) => cases,
        Err(problem) => return vec![format!("{name}: {problem}")],
    };
    let readme = fs::read_to_string(crate_path.join("README.md")).unwrap_or_default();
    let check = |case: &Case| {
        if readme.contains(&format!("`{}`", case.name)) {
            check_case(case, &registration).err()
        } else {
            Some("say in README.md what it is about".into())
        }
    };
    cases
        .iter()
        .filter_map(|case| Some(format!("{name}: {}: {}", case.name, check(case)?)))
        .collect()
}

/// One golden pair and its optional files.
struct Case {
    name: String,
    input: Vec<Vec<u8>>,
    expected: Vec<Value>,
    rejected: BTreeMap<String, usize>,
    params: Params,
    ingest_time: Option<Timestamp>,
}

fn cases_in(testdata: &Path, shape: Shape) -> Result<Vec<Case>, String> {
    const KINDS: [&str; 4] = [".input.jsonl", ".expected.jsonl", ".params", ".rejected"];
    if !testdata.is_dir() {
        return Err("has a fold but no testdata/: write a golden pair".into());
    }
    let mut names = BTreeSet::new();
    for path in paths_in(testdata) {
        let file = name_of(&path);
        let case = KINDS.iter().find_map(|kind| file.strip_suffix(kind));
        let unknown = || format!("testdata/{file} is of no known kind: {}", KINDS.join(", "));
        names.insert(case.ok_or_else(unknown)?.to_owned());
    }
    if names.is_empty() {
        return Err("has a fold but an empty testdata/: write a golden pair".into());
    }
    names
        .into_iter()
        .map(|name| read_case(testdata, name, shape))
        .collect()
}

fn read_case(testdata: &Path, name: String, shape: Shape) -> Result<Case, String> {
    let path = |kind: &str| testdata.join(format!("{name}.{kind}"));
    let required = |kind: &str| {
        fs::read(path(kind)).map_err(|error| format!("testdata/{name}.{kind}: {error}"))
    };
    let pairs = |kind: &str, separator: char| -> Vec<(String, String)> {
        let text = fs::read_to_string(path(kind)).unwrap_or_default();
        let pair = |line: &str| {
            line.split_once(separator)
                .map(|(a, b)| (a.into(), b.into()))
        };
        text.lines().filter_map(pair).collect()
    };
    let parse = |line: &[u8]| {
        serde_json::from_slice(line).map_err(|error| format!("{name}.expected.jsonl: {error}"))
    };
    let mut params: BTreeMap<_, _> = pairs("params", '=').into_iter().collect();
    let ingest_time = params.remove("ingest_time");
    if shape == Shape::Windows {
        params
            .entry("window_ms".into())
            .or_insert_with(|| WINDOW_MS.into());
    }
    Ok(Case {
        input: lines(&required("input.jsonl")?),
        expected: lines(&required("expected.jsonl")?)
            .iter()
            .map(|line| parse(line))
            .collect::<Result<_, _>>()?,
        rejected: pairs("rejected", ' ')
            .into_iter()
            .map(|(reason, count)| (reason, count.parse().expect("a count")))
            .collect(),
        params: params.into_iter().collect(),
        ingest_time: ingest_time.map(|text| Timestamp::parse(&text).expect("an RFC 3339 time")),
        name,
    })
}

/// Splits a file into lines of bytes, because a broken record may not be valid text.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    if text.is_empty() {
        Vec::new()
    } else {
        lines.collect()
    }
}

fn check_case(case: &Case, registration: &Registration) -> Result<(), String> {
    let records = case.input.len();
    let whole = run(registration, case, &Split::one_batch(records));
    for (index, pair) in zip_longest(&case.expected, &whole.rows).enumerate() {
        if let (Some(expected), Some(found)) = pair
            && expected == found
        {
            continue;
        }
        let text = |row: Option<&Value>| row.map_or("nothing".into(), Value::to_string);
        let (line, expected, found) = (index + 1, text(pair.0), text(pair.1));
        return Err(format!(
            "line {line}:\n  expected {expected}\n  found    {found}"
        ));
    }
    if case.rejected != whole.rejected_by_reason() {
        let found = &whole.rejected;
        return Err(format!(
            "expected {:?} rejected, found {found:?}",
            case.rejected
        ));
    }
    let single = std::iter::once(Split::one_record_a_batch(records));
    for split in single.chain((0..SPLITS).map(|seed| Split::random(records, seed))) {
        let found = run(registration, case, &split);
        if found != whole {
            return Err(format!(
                "split {:?}:\n  in one batch {whole:?}\n  found        {found:?}",
                split.0
            ));
        }
    }
    Ok(())
}

fn zip_longest<'a, T>(
    a: &'a [T],
    b: &'a [T],
) -> impl Iterator<Item = (Option<&'a T>, Option<&'a T>)> {
    (0..a.len().max(b.len())).map(|index| (a.get(index), b.get(index)))
}

#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<Value>,
    /// Line number and reason.
    rejected: BTreeSet<(i64, String)>,
}

impl Outcome {
    fn rejected_by_reason(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (_, reason) in &self.rejected {
            *counts.entry(reason.clone()).or_default() += 1;
        }
        counts
    }
}

/// Folds each batch of the split by itself, as the cluster does, and merges the partials, as the runner does.
fn run(registration: &Registration, case: &Case, split: &Split) -> Outcome {
    let mut derivation = registration
        .offline(&case.params, 1)
        .expect("valid parameters");
    let mut rejected = BTreeSet::new();
    for batch in &split.0 {
        let record = |index: &usize| SourceRecord {
            offset: *index as i64,
            ingest_time: case.ingest_time,
            value: &case.input[*index],
        };
        let header = derivation.batch(Partition(0), batch.iter().map(record));
        assert_eq!(
            header.accepted as usize + header.rejected.len(),
            batch.len(),
            "every record is accounted for"
        );
        rejected.extend(header.rejected.iter().map(|(delta, reason)| {
            let line = header.first_offset + i64::from(*delta) + 1;
            (line, reason.to_string())
        }));
    }
    let rows = derivation.finish().expect("derived records are JSON");
    let row = |(_, value): &(String, Vec<u8>)| serde_json::from_slice(value).expect("JSON");
    Outcome {
        rows: rows.iter().map(row).collect(),
        rejected,
    }
}

/// Batches in the order in which they are merged. Each contains the indexes of its records, in ascending order.
struct Split(Vec<Vec<usize>>);

impl Split {
    fn one_batch(records: usize) -> Self {
        Self(vec![(0..records).collect()])
    }

    fn one_record_a_batch(records: usize) -> Self {
        Self((0..records).rev().map(|index| vec![index]).collect())
    }

    /// Assigns each record to a random batch, so that the batches interleave like those of several partitions.
    fn random(records: usize, seed: u64) -> Self {
        let mut state = seed;
        let mut below = |limit: usize| {
            state = next_random(state);
            (state >> 33) as usize % limit
        };
        let mut batches = vec![Vec::new(); 1 + below(7)];
        for index in 0..records {
            let batch = below(batches.len());
            batches[batch].push(index);
        }
        Self(batches)
    }
}

/// Returns the next number of a linear congruential generator (Knuth's MMIX constants), so that every run uses the same
/// splits.
fn next_random(state: u64) -> u64 {
    state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407)
}
