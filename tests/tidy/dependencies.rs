//! Checks that every dependency has a reason in `docs/dependencies.md`, and that a crate uses it.

use crate::repository::{File, assert_none, crate_manifests, read};

const REASONS: &str = "docs/dependencies.md";

#[test]
fn every_dependency_has_a_reason() {
    let reasons = read(REASONS);
    let rows: Vec<_> = rows(&reasons).map(|(_, name)| name).collect();
    let workspace = read("Cargo.toml");
    let missing = dependencies(&workspace).filter(|(_, name)| !rows.contains(name));
    assert_none(
        missing
            .map(|(line, name)| format!("Cargo.toml:{line}: give `{name}` a row in {REASONS}"))
            .collect(),
    );
}

#[test]
fn every_reason_has_a_dependency() {
    let reasons = read(REASONS);
    let workspace = read("Cargo.toml");
    let names: Vec<_> = dependencies(&workspace).map(|(_, name)| name).collect();
    let orphaned = rows(&reasons).filter(|(_, name)| !names.contains(name));
    assert_none(
        orphaned
            .map(|(line, name)| {
                format!("{REASONS}:{line}: nothing depends on `{name}`: remove the row")
            })
            .collect(),
    );
}

#[test]
fn every_dependency_is_used() {
    let workspace = read("Cargo.toml");
    let mut manifests = crate_manifests();
    manifests.push(read("Cargo.toml"));
    let is_used = |name: &str| {
        let (short, long) = (
            format!("{name}.workspace"),
            format!("{name} = {{ workspace"),
        );
        manifests.iter().any(|file| {
            file.text
                .lines()
                .any(|line| line.starts_with(&short) || line.starts_with(&long))
        })
    };
    let unused = dependencies(&workspace).filter(|(_, name)| !is_used(name));
    assert_none(
        unused
            .map(|(line, name)| format!("Cargo.toml:{line}: no crate names `{name}`: remove it"))
            .collect(),
    );
}

/// Returns the line and name of each entry of `[workspace.dependencies]` that is not a crate of this repository.
fn dependencies(workspace: &File) -> impl Iterator<Item = (usize, &str)> {
    let section = workspace
        .lines()
        .skip_while(|(_, line)| *line != "[workspace.dependencies]")
        .skip(1);
    let entries = section.take_while(|(_, line)| !line.starts_with('['));
    entries
        .filter(|(_, line)| !line.contains("path = "))
        .filter_map(|(number, line)| {
            let (name, _) = line.split_once(" = ")?;
            Some((number, name))
        })
}

/// Returns the line and name of each row of the table. A row begins with the name in backticks.
fn rows(reasons: &File) -> impl Iterator<Item = (usize, &str)> {
    reasons.lines().filter_map(|(number, line)| {
        let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
        Some((number, name))
    })
}
