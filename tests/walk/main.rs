//! Tests the page `docs/adding-a-derived-topic.md`: follows every step in a copy of the repository, and compiles
//! and runs the code on the page.
//!
//! The page quotes `derivation.rs` and `map_popularity.rs` from this folder. `derivation.rs` imports the record from
//! the crate `model`. Here `model` is an alias of this crate, which re-exports the real `model` and adds the record.

extern crate model as vocabulary;
extern crate self as model;

#[path = "derivation.rs"]
pub mod crate_path;
mod map_popularity;
mod page;

pub use vocabulary::*;

/// The derived records, including the new one.
pub mod derived {
    pub use crate::map_popularity::MapPopularity;
    pub use vocabulary::derived::*;
}

use std::fs;
use std::path::Path;
use std::process::Command;

use crate_path::MapPopularityDerivation;
use dataflow::{DataflowSpec, Partition, Registration, Registry};
use page::{Block, Page};

/// The folder of the new derivation.
const CRATE_PATH: &str = "smartmodules/map-popularity";

#[test]
fn the_page_shows_the_code_that_is_compiled_here() {
    let page = Page::read();
    let record = page.file("engine/model/src/derived/map_popularity.rs");
    assert_eq!(record, include_str!("map_popularity.rs"));
    let fold = page.file(&format!("{CRATE_PATH}/src/derivation.rs"));
    assert_eq!(fold, include_str!("derivation.rs"));
}

#[test]
fn the_golden_pair_on_the_page_is_right() {
    let page = Page::read();
    let pair = |kind: &str| {
        page.file(&format!(
            "{CRATE_PATH}/testdata/maps-and-windows.{kind}.jsonl"
        ))
    };
    let (input, expected) = (pair("input"), pair("expected"));
    let registration = Registration::windows::<MapPopularityDerivation>();
    let window: Params = [("window_ms", "10000")].into_iter().collect();
    let mut offline = registration.offline(&window, 1).expect("parameters");
    let records = (0..).zip(input.lines());
    let header = offline.batch(
        Partition(0),
        records.map(|(offset, line)| fold::SourceRecord::new(offset, None, line.as_bytes())),
    );
    assert_eq!(header.accepted as usize, input.lines().count());
    let rows = offline.finish().expect("JSON");
    let row = |(_, value): &(String, Vec<u8>)| String::from_utf8(value.clone()).expect("text");
    let rows: Vec<String> = rows.iter().map(row).collect();
    assert_eq!(rows, expected.lines().collect::<Vec<_>>());
    let readme = page.file(&format!("{CRATE_PATH}/README.md"));
    assert!(
        readme.contains(&rows[0]),
        "the README shows one of the derived records"
    );
}

#[test]
fn every_step_works_in_a_copy_of_the_repository() {
    let copy = tempfile::tempdir().expect("a temporary folder");
    copy_tree(&page::root(), copy.path());
    let page = Page::read();
    page.blocks
        .iter()
        .for_each(|block| take(block, copy.path()));
    let text = |path: &str| fs::read_to_string(copy.path().join(path)).expect(path);

    let crate_path = |file: &str| text(&format!("{CRATE_PATH}/{file}"));
    assert!(crate_path("Cargo.toml").contains("name = \"map-popularity\""));
    assert!(crate_path("src/lib.rs").contains("pub use derivation::MapPopularityDerivation;"));
    let list = |file: &str| text(&format!("smartmodules/folds/{file}"));
    assert!(list("Cargo.toml").contains("map-popularity = { path = \"../map-popularity\" }"));
    assert!(list("src/list.rs").contains("pub use map_popularity;"));
    assert!(list("src/list.rs").contains("windows $crate::crates::map_popularity::MapPopularity"));
    the_dataflow_file_is_valid(&text("dataflow.yaml"));
    cargo_knows_the_crate(copy.path());
}

/// Runs the commands of a block, or writes or changes the file that it names. A block without a target only shows
/// something, so nothing is done.
fn take(block: &Block, root: &Path) {
    match (block.language.as_str(), block.target.as_str()) {
        ("sh", "scaffold") => {
            let mut shell = Command::new("sh");
            shell.args(["-e", "-c", &block.text]).current_dir(root);
            assert!(shell.status().expect("a shell").success());
        }
        (_, "") => {}
        ("diff", path) => {
            let path = root.join(path);
            let before = fs::read_to_string(&path).expect("a file to change");
            fs::write(&path, block.applied_to(&before)).expect("written");
        }
        (_, path) => {
            fs::write(root.join(path), &block.text).expect("the crate_path has its folders")
        }
    }
}

/// Checks that the dataflow file is valid after the last step. Of the derivations, only the new one is parsed, because
/// the registry contains no other.
fn the_dataflow_file_is_valid(yaml: &str) {
    let (sources, _) = yaml.split_once("\nderivations:").expect("derivations");
    let (_, from) = yaml
        .split_once("\n  map-popularity:\n")
        .expect("the new one");
    let own = from.lines().take_while(|line| line.starts_with("    "));
    let own = own.collect::<Vec<_>>().join("\n");
    let dataflow = format!("{sources}\nderivations:\n  map-popularity:\n{own}\n");
    let registry = Registry::new([Registration::windows::<MapPopularityDerivation>()], []);
    let dataflow = DataflowSpec::parse(&dataflow, &registry).expect("a dataflow");
    assert_eq!(dataflow.derivations["map-popularity"].from, "player-events");
}

/// Checks that Cargo can read all manifests of the workspace, and that the new crate is among them.
fn cargo_knows_the_crate(root: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let output = cargo.current_dir(root).output().expect("cargo");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let metadata = String::from_utf8(output.stdout).expect("text");
    assert!(metadata.contains(r#""name":"map-popularity""#));
}

/// Copies a folder without build results, installed packages, data or the Git history.
fn copy_tree(from: &Path, to: &Path) {
    const LEFT_OUT: [&str; 4] = [".git", "target", "data", "node_modules"];
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (name, kind) = (entry.file_name(), entry.file_type().expect("its kind"));
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let to = to.join(&name);
        if kind.is_dir() {
            fs::create_dir(&to).expect("a new folder");
            copy_tree(&entry.path(), &to);
        } else if kind.is_file() {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}
