//! Inside a crate, modules do not import each other in a cycle, direct or indirect, so a crate can be read
//! bottom-up.
//!
//! A module is a file of `src/` together with the folder of its name. Test code is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::{File, assert_none, files};

/// Rooms that still have circles, with the modules in them. Never add an entry; break a circle and remove its
/// entry.
const CIRCLES: &[(&str, &[&str])] = &[];

/// Which modules each module of a room imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn modules_of_a_room_import_each_other_in_one_direction() {
    let mut found = BTreeSet::new();
    for (room, imports) in rooms(&files()) {
        found.extend(
            circles(&imports)
                .into_iter()
                .map(|circle| (room.clone(), circle)),
        );
    }
    let known = |room: &str, circle: &[String]| {
        CIRCLES
            .iter()
            .any(|(of, modules)| *of == room && *modules == circle)
    };
    let new = found.iter().filter(|(room, circle)| !known(room, circle));
    let mut problems: Vec<_> = new
        .map(|(room, circle)| {
            format!(
                "{room}/src: {} import each other in a circle: move what both need below both",
                circle.join(", ")
            )
        })
        .collect();
    let is_there = |room: &str, modules: &[&str]| {
        found
            .iter()
            .any(|(of, circle)| of == room && *circle == *modules)
    };
    let gone = CIRCLES
        .iter()
        .filter(|(room, modules)| !is_there(room, modules));
    problems.extend(gone.map(|(room, modules)| {
        let circle = format!("the circle of {modules:?} in {room}");
        format!("tests/tidy/cycles.rs:1: {circle} is gone: take it out of CIRCLES")
    }));
    assert_none(problems);
}

/// The imports of each room.
fn rooms(files: &[File]) -> BTreeMap<String, Imports> {
    let mut rooms: BTreeMap<String, Imports> = BTreeMap::new();
    let sources = || files.iter().filter(|file| file.is("rs")).filter_map(place);
    for (room, module, _) in sources() {
        rooms
            .entry(room.to_owned())
            .or_default()
            .entry(module.to_owned())
            .or_default();
    }
    for (room, module, file) in sources() {
        if let Some(imports) = rooms.get_mut(room) {
            let known: BTreeSet<String> = imports.keys().cloned().collect();
            let names = imported(file)
                .into_iter()
                .filter(|name| known.contains(name) && name != module);
            let names: Vec<_> = names.collect();
            imports.entry(module.to_owned()).or_default().extend(names);
        }
    }
    rooms
}

/// The room, the module and the file of a source that is no test.
fn place(file: &File) -> Option<(&str, &str, &File)> {
    let (room, inside) = match file.path.strip_prefix("src/") {
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
    (!is_test && !is_root).then_some((room, module, file))
}

/// The names that follow `crate::` in the file's code, and those that follow `super::` if the file is a
/// module of the room.
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

/// The names that follow `prefix` in code; from a group in braces, all names.
fn after(code: &str, prefix: &str) -> BTreeSet<String> {
    // `a_crate::` belongs to another crate.
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

/// The first name of each path in a group, up to the group's closing brace.
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

/// The modules that reach each other, each circle in order.
fn circles(imports: &Imports) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = imports
        .keys()
        .map(|module| (module, reach(imports, module)))
        .collect();
    let mut circles = BTreeSet::new();
    for (module, from) in &reached {
        let back = from
            .iter()
            .filter(|other| reached[**other].contains(module));
        let circle: BTreeSet<String> = back.map(|other| (*other).clone()).collect();
        if circle.len() > 1 {
            circles.insert(circle.into_iter().collect());
        }
    }
    circles
}

/// Every module that one imports, directly or through others.
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
fn a_circle_is_found_whatever_its_length() {
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
    assert!(circles(&line).is_empty());
    let round = imports(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]);
    assert_eq!(
        circles(&round).into_iter().collect::<Vec<_>>(),
        [["a", "b", "c"]]
    );
    let names = after(
        "use crate::{a::{x, y}, b};use crate::c::d; my_crate::e",
        "crate::",
    );
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}
