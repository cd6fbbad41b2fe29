//! Checks that the modules of a crate do not import each other in a cycle, so that a crate can be read bottom-up.
//!
//! A module is a file directly in `src/`, together with the folder of the same name. Test code is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::{File, assert_none, files};

/// Crates that still have cycles, with the modules in each. Do not add an entry. After breaking a cycle, remove its
/// entry.
const CYCLES: &[(&str, &[&str])] = &[];

/// The modules that each module of a crate imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn modules_of_a_crate_import_each_other_in_one_direction() {
    let mut found = BTreeSet::new();
    for (path, imports) in crates(&files()) {
        found.extend(
            cycles(&imports)
                .into_iter()
                .map(|cycle| (path.clone(), cycle)),
        );
    }
    let known = |path: &str, cycle: &[String]| {
        CYCLES
            .iter()
            .any(|(of, modules)| *of == path && *modules == cycle)
    };
    let new = found.iter().filter(|(path, cycle)| !known(path, cycle));
    let mut problems: Vec<_> = new
        .map(|(path, cycle)| {
            format!(
                "{path}/src: {} import each other in a cycle: move what both need below both",
                cycle.join(", ")
            )
        })
        .collect();
    let is_there = |path: &str, modules: &[&str]| {
        found
            .iter()
            .any(|(of, cycle)| of == path && *cycle == *modules)
    };
    let gone = CYCLES
        .iter()
        .filter(|(path, modules)| !is_there(path, modules));
    problems.extend(gone.map(|(path, modules)| {
        let cycle = format!("the cycle of {modules:?} in {path}");
        format!("tests/tidy/cycles.rs:1: {cycle} is gone: take it out of CYCLES")
    }));
    assert_none(problems);
}

/// Returns the imports of the modules of each crate.
fn crates(files: &[File]) -> BTreeMap<String, Imports> {
    let mut crates: BTreeMap<String, Imports> = BTreeMap::new();
    let sources = || files.iter().filter(|file| file.is("rs")).filter_map(place);
    for (path, module, _) in sources() {
        crates
            .entry(path.to_owned())
            .or_default()
            .entry(module.to_owned())
            .or_default();
    }
    for (path, module, file) in sources() {
        if let Some(imports) = crates.get_mut(path) {
            let known: BTreeSet<String> = imports.keys().cloned().collect();
            let names = imported(file)
                .into_iter()
                .filter(|name| known.contains(name) && name != module);
            let names: Vec<_> = names.collect();
            imports.entry(module.to_owned()).or_default().extend(names);
        }
    }
    crates
}

/// Returns the crate's path and the module's name of a source file, and the file itself. Returns `None` for test code,
/// and for the root of the crate, which may import everything.
fn place(file: &File) -> Option<(&str, &str, &File)> {
    let (path, inside) = match file.path.strip_prefix("src/") {
        Some(inside) => ("the root", inside),
        None => file.path.split_once("/src/")?,
    };
    let is_test = inside.split('/').any(|part| {
        matches!(
            part.trim_end_matches(".rs"),
            "tests" | "testing" | "metamorphic"
        )
    });
    let module = inside.split('/').next()?.trim_end_matches(".rs");
    let is_root = matches!(module, "lib" | "main");
    (!is_test && !is_root).then_some((path, module, file))
}

/// Returns the names that follow `crate::` in the file's code, and those that follow `super::` if the file is directly
/// in `src/`.
fn imported(file: &File) -> BTreeSet<String> {
    let code = file
        .text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let is_top = place(file).is_some()
        && file
            .path
            .rsplit("src/")
            .next()
            .is_some_and(|inside| !inside.contains('/'));
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code: String = code.lines().filter(is_code).collect();
    let mut names = after(&code, "crate::");
    if is_top {
        names.extend(after(&code, "super::"));
    }
    names
}

/// Returns the names that follow `prefix` in code. From a group in braces it returns all names.
fn after(code: &str, prefix: &str) -> BTreeSet<String> {
    // A match inside a longer name does not count: `a_crate::` contains `crate::` but names another crate.
    let is_whole =
        |at: usize| !code[..at].ends_with(|last: char| last.is_alphanumeric() || last == '_');
    let places = code.match_indices(prefix).filter(|(at, _)| is_whole(*at));
    let mut names = BTreeSet::new();
    for (at, _) in places {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(of_group(group)),
            None => names.extend([name(rest)]),
        }
    }
    names
}

/// Returns the first name of each path in a group, up to the group's closing brace.
fn of_group(group: &str) -> Vec<String> {
    let mut names = vec![name(group.trim_start())];
    let mut depth = 1;
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(name(group[at + 1..].trim_start())),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn name(text: &str) -> String {
    let is_of_name = |char: &char| char.is_alphanumeric() || *char == '_';
    text.chars().take_while(is_of_name).collect()
}

/// Returns the cycles: each is a list, in alphabetical order, of modules that import each other, directly or through
/// others.
fn cycles(imports: &Imports) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = imports
        .keys()
        .map(|module| (module, reach(imports, module)))
        .collect();
    let mut cycles = BTreeSet::new();
    for (module, from) in &reached {
        let back = from
            .iter()
            .filter(|other| reached[**other].contains(module));
        let cycle: BTreeSet<String> = back.map(|other| (*other).clone()).collect();
        if cycle.len() > 1 {
            cycles.insert(cycle.into_iter().collect());
        }
    }
    cycles
}

/// Returns every module that `module` imports, directly or through others.
fn reach<'i>(imports: &'i Imports, module: &String) -> BTreeSet<&'i String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&String> = imports[module].iter().collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(&imports[module]);
        }
    }
    found
}

#[test]
fn a_cycle_is_found_whatever_its_length() {
    let imports = |edges: &[(&str, &str)]| {
        let mut imports = Imports::new();
        for (from, to) in edges {
            imports.entry((*to).to_owned()).or_default();
            imports
                .entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
        }
        imports
    };
    let line = imports(&[("a", "b"), ("b", "c"), ("a", "c")]);
    assert!(cycles(&line).is_empty());
    let round = imports(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]);
    assert_eq!(
        cycles(&round).into_iter().collect::<Vec<_>>(),
        [["a", "b", "c"]]
    );
    let names = after(
        "use crate::{a::{x, y}, b};use crate::c::d; my_crate::e",
        "crate::",
    );
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}
