//! Checks that crates depend on each other only as the table of components in `ARCHITECTURE.md` allows. It reads the
//! dependencies from the manifests.

use std::collections::BTreeSet;

use crate::repository::{File, assert_none, crate_manifests};

/// For each folder of crates, the packages of this repository on which they may depend. The first matching row applies.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("engine/model", &[]),
    ("smartmodules/batch", &[]),
    ("smartmodules/conventional-shell", &["model"]),
    ("smartmodules/folds", &[ANY]), // lists every derivation
    ("smartmodules/dataflow", BATCH_MODULE),
    ("smartmodules/player-events", BATCH_MODULE),
    ("smartmodules/purchase-events", BATCH_MODULE),
    ("smartmodules/server-metrics", BATCH_MODULE),
    ("smartmodules/derivations", &["dataflow", "folds"]),
    ("smartmodules/fold-testing", &["model", "dataflow"]), // for tests: runs derivations as the runner does
    (
        "smartmodules/normalize-events",
        &["model", "conventional-shell"],
    ),
    (
        "smartmodules/running-totals",
        &["model", "conventional-shell"],
    ),
    (
        "smartmodules/valid-events",
        &["model", "conventional-shell"],
    ),
    ("smartmodules/", &["model"]), // derivations
    ("engine/client", &[]),
    ("serving/http-service", &[]),
    ("engine/sql", &["model"]),
    ("engine/dataflow", &["model", "client", "sql"]),
    ("local-cluster/testing", &["client", "local-cluster"]), // for tests: connects to the cluster that it starts
    ("local-cluster", &[]),
    ("data-generator", &["model", "client"]),
    (
        "connectors/web-api",
        &["model", "sql", "client", "http-service"],
    ),
    ("connectors/", &["model", "client", "http-service"]),
    ("serving/dashboard", &["model", "client", "http-service"]),
    ("benches/idiomatic-baseline", &[]),
    ("tests/tidy", &[]),
    ("benches", &[ANY]), // measures every component
];

const ANY: &str = "*";

/// The dependencies of a SmartModule that folds records for derivations.
const BATCH_MODULE: &[&str] = &["folds", "model", "smartmodule-batch"];

/// The only crate that may connect to a cluster, and the external crate that no other crate may depend on.
/// `[dev-dependencies]` are not checked.
const DOOR: (&str, &str) = ("engine/client", "fluvio");

#[test]
fn crates_depend_only_along_the_arrows() {
    let manifests = crate_manifests();
    let ours: BTreeSet<&str> = manifests.iter().filter_map(package).collect();
    let mut problems = Vec::new();
    for manifest in &manifests {
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(path, _)| fits(manifest, path)) else {
            problems.push(format!(
                "{}:1: a new crate: add what it may depend on to MAY_DEPEND_ON",
                manifest.path
            ));
            continue;
        };
        for (line, name) in dependencies(manifest).filter(|(_, name)| ours.contains(name)) {
            if !allowed.contains(&name) && !allowed.contains(&ANY) {
                problems.push(format!(
                    "{}:{line}: may not depend on `{name}`, only on {allowed:?}: crates communicate through topics",
                    manifest.path
                ));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn only_the_client_names_the_fluvio_crate() {
    let (door, name) = DOOR;
    let mut problems = Vec::new();
    for manifest in crate_manifests()
        .iter()
        .chain([&crate::repository::read("Cargo.toml")])
    {
        if manifest.folder() != door {
            for (line, _) in dependencies(manifest).filter(|(_, found)| *found == name) {
                problems.push(format!(
                    "{}:{line}: depends on `{name}`: go through `{door}`",
                    manifest.path
                ));
            }
        }
    }
    assert_none(problems);
}

fn fits(manifest: &File, path: &str) -> bool {
    if path.ends_with('/') {
        manifest.path.starts_with(path)
    } else {
        manifest.folder() == path
    }
}

fn package(manifest: &File) -> Option<&str> {
    manifest
        .text
        .lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

/// Returns the line and name of each dependency, including those of a single platform. Dependencies for development are
/// left out.
fn dependencies(manifest: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    manifest.lines().filter_map(move |(number, line)| {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section == "dependencies"
                || section.starts_with("target.") && section.ends_with(".dependencies");
            return None;
        }
        let end = line.find([' ', '.', '='])?;
        (inside && !line.starts_with('#')).then_some((number, &line[..end]))
    })
}
