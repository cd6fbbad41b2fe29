//! Maps that must not drift from the land: links, rooms, targets, SmartModules.

use crate::repository::{File, assert_none, files, read, room_manifests, root};

#[test]
fn every_relative_link_leads_somewhere() {
    let mut problems = Vec::new();
    for file in files()
        .iter()
        .filter(|file| file.is("md") && !file.path.contains("testdata/"))
    {
        for (number, target) in links(file) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !root().join(file.folder()).join(path).exists() {
                problems.push(format!(
                    "{}:{number}: `{target}` is not there: mend the link",
                    file.path
                ));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn the_architecture_names_every_room() {
    let map = read("ARCHITECTURE.md");
    let mut problems = Vec::new();
    for manifest in &room_manifests() {
        let room = manifest.folder();
        let name = room.rsplit('/').next().unwrap_or(room);
        let named = |room: &str| {
            map.text.contains(&format!("{room}/")) || map.text.contains(&format!("`{room}`"))
        };
        if !named(room) && !named(name) {
            problems.push(format!(
                "ARCHITECTURE.md:1: does not name `{room}/`: say what the room is for"
            ));
        }
    }
    if !map.text.contains("smartmodules/") {
        problems.push(
            "ARCHITECTURE.md:1: does not name `smartmodules/`: say what the rooms there are for"
                .into(),
        );
    }
    assert_none(problems);
}

#[test]
fn every_make_target_has_a_line_of_help() {
    let makefile = read("Makefile");
    let targets = makefile.lines().filter_map(|(number, line)| {
        let (name, rest) = line.split_once(':')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        (plain && !rest.starts_with('=')).then_some((number, name, rest))
    });
    let targets: Vec<_> = targets.collect();
    assert!(!targets.is_empty(), "Makefile: no target found");
    let helpless = targets.iter().filter(|(_, _, rest)| !rest.contains("## "));
    assert_none(
        helpless
            .map(|(number, name, _)| {
                format!("Makefile:{number}: `{name}` lacks `## ` and a line of help")
            })
            .collect(),
    );
}

#[test]
fn every_smartmodule_is_introduced() {
    let manifests = room_manifests();
    let rooms: Vec<_> = manifests
        .iter()
        .filter(|manifest| is_smartmodule(manifest))
        .map(File::folder)
        .collect();
    assert!(!rooms.is_empty(), "no cdylib below smartmodules/");
    let mut problems = Vec::new();
    for room in rooms {
        for name in ["README.md", "SmartModule.toml"] {
            if !root().join(room).join(name).exists() {
                problems.push(format!(
                    "{room}/{name}: is not there: write it, as its neighbours have it"
                ));
            }
        }
    }
    assert_none(problems);
}

fn is_smartmodule(manifest: &File) -> bool {
    manifest.path.starts_with("smartmodules/") && manifest.text.contains("\"cdylib\"")
}

/// Line and target of each link to a file; addresses elsewhere and code blocks are left out.
fn links(file: &File) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (number, line) in file.lines() {
        in_code ^= line.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        for (_, after) in line
            .match_indices("](")
            .map(|(at, open)| line.split_at(at + open.len()))
        {
            let target = after.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                links.push((number, target));
            }
        }
    }
    links
}
