//! Checks that documentation agrees with the repository: links, crates, make targets, SmartModules, examples.

use crate::repository::{File, assert_none, crate_manifests, files, read, root};

/// The pattern by which `ARCHITECTURE.md` names the folders of all derivations.
const DERIVATIONS: &str = "smartmodules/<derived-topic>/";

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
fn the_architecture_names_every_crate() {
    let map = read("ARCHITECTURE.md");
    let mut problems = Vec::new();
    // ARCHITECTURE.md names all derivations by one pattern, which is checked below.
    let manifests = crate_manifests();
    for manifest in manifests.iter().filter(|manifest| !is_derivation(manifest)) {
        let path = manifest.folder();
        let name = path.rsplit('/').next().unwrap_or(path);
        let named = |path: &str| {
            map.text.contains(&format!("{path}/")) || map.text.contains(&format!("`{path}`"))
        };
        if !named(path) && !named(name) {
            problems.push(format!(
                "ARCHITECTURE.md:1: does not name `{path}/`: say what the crate is for"
            ));
        }
    }
    if !map.text.contains(DERIVATIONS) {
        problems.push(format!(
            "ARCHITECTURE.md:1: does not name `{DERIVATIONS}`: say what the crates there are for"
        ));
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
fn every_derivation_and_smartmodule_is_introduced() {
    let manifests = crate_manifests();
    let crates = |is_kind: fn(&File) -> bool| {
        let crates = manifests.iter().filter(move |manifest| is_kind(manifest));
        crates.map(File::folder).collect::<Vec<_>>()
    };
    let (derivations, smartmodules) = (crates(is_derivation), crates(is_smartmodule));
    assert!(
        !derivations.is_empty(),
        "no src/derivation.rs below smartmodules/"
    );
    assert!(!smartmodules.is_empty(), "no cdylib below smartmodules/");
    let readmes = derivations.into_iter().map(|path| (path, "README.md"));
    let of_smartmodules = ["README.md", "SmartModule.toml"];
    let of_smartmodules = smartmodules
        .into_iter()
        .flat_map(|path| of_smartmodules.map(|name| (path, name)));
    let missing = readmes
        .chain(of_smartmodules)
        .filter(|(path, name)| !root().join(path).join(name).exists());
    let problem = |(path, name)| format!("{path}/{name}: is missing: write it as the others do");
    assert_none(missing.map(problem).collect());
}

#[test]
fn no_derivation_is_a_smartmodule() {
    let both = |manifest: &&File| is_derivation(manifest) && is_smartmodule(manifest);
    let problem = |manifest: &File| {
        format!(
            "{}:1: is a derivation and a cdylib: the crate `folds` lists all derivations for the SmartModules",
            manifest.path
        )
    };
    let manifests = crate_manifests();
    assert_none(manifests.iter().filter(both).map(problem).collect());
}

#[test]
fn every_rust_block_of_a_readme_is_compiled() {
    let mut problems = Vec::new();
    for manifest in crate_manifests() {
        let (readme, source) = ["README.md", "src/lib.rs"]
            .map(|name| format!("{}/{name}", manifest.folder()))
            .into();
        if root().join(&readme).exists() {
            let source = std::fs::read_to_string(root().join(source)).unwrap_or_default();
            problems.extend(uncompiled(&read(&readme), &source));
        }
    }
    assert_none(problems);
}

/// Returns a problem for each Rust block of a README that no doctest compiles, and for each line in it that begins with
/// `# `: rustdoc hides such a line, but a reader of the README sees it.
fn uncompiled(readme: &File, source: &str) -> Vec<String> {
    let is_doctest = source.contains("#[cfg(doctest)]\n#[doc = include_str!(\"../README.md\")]");
    let mut problems = Vec::new();
    let mut in_rust = false;
    for (number, line) in readme.lines() {
        let problem = match line {
            "```" => None,
            _ if line.starts_with("```rust") && !is_doctest => Some(
                "no doctest compiles it: include the README in `src/lib.rs` as `engine/client` does",
            ),
            _ if in_rust && line.starts_with("# ") => {
                Some("a reader sees this line of a doctest: write an `async fn` around the example")
            }
            _ => None,
        };
        if line.starts_with("```") {
            in_rust = line.starts_with("```rust");
        }
        problems.extend(problem.map(|problem| format!("{}:{number}: {problem}", readme.path)));
    }
    problems
}

#[test]
fn a_rust_block_that_is_not_compiled_or_hides_lines_is_found() {
    let text = "```toml\n# a comment\n```\n# Title\n```rust,no_run\nlet a = 1;\n# hidden();\n```\n";
    let readme = File::new("a/README.md", text);
    let included = "#[cfg(doctest)]\n#[doc = include_str!(\"../README.md\")]\nstruct Readme;\n";
    let lines = |problems: Vec<String>| {
        let line = |problem: String| problem.split(':').nth(1).map(str::to_owned);
        problems.into_iter().filter_map(line).collect::<Vec<_>>()
    };
    assert_eq!(lines(uncompiled(&readme, included)), ["7"]);
    assert_eq!(lines(uncompiled(&readme, "")), ["5", "7"]);
}

fn is_derivation(manifest: &File) -> bool {
    let derivation = format!("{}/src/derivation.rs", manifest.folder());
    manifest.path.starts_with("smartmodules/") && root().join(derivation).exists()
}

fn is_smartmodule(manifest: &File) -> bool {
    manifest.path.starts_with("smartmodules/") && manifest.text.contains("\"cdylib\"")
}

/// Returns the line and target of each link to a file. Links to web addresses and text in code blocks are left out.
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
