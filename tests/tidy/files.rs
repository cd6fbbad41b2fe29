//! Checks that every file is short, and that every Rust file begins with a header. Only one crate may have unsafe code.

use crate::repository::{File, assert_none, files};

/// The maximum number of lines. A longer file has a second subject, which belongs in its own file.
const LINES_MAX: usize = 400;

/// Files over the limit, with the number of lines that each may have. Entries may only shrink or be removed.
const LONG_FILES: &[(&str, usize)] = &[];

/// Files whose length is not limited, because they are generated, copied or extended with every release.
const NOT_WRITTEN_HERE: &[&str] = &["Cargo.lock", "LICENSE", "CHANGELOG.md"];

/// The only crate with unsafe code, because it reads WASM memory in place.
const UNSAFE_CRATE: &str = "smartmodules/batch/";

#[test]
fn every_rust_file_opens_with_what_it_is_for() {
    let headless = files()
        .into_iter()
        .filter(|file| file.is("rs") && !file.text.starts_with("//! "));
    assert_none(
        headless
            .map(|file| format!("{}:1: open with `//! ` and what the file is for", file.path))
            .collect(),
    );
}

#[test]
fn no_file_is_too_long() {
    let mut problems = Vec::new();
    for file in files().iter().filter(|file| is_written_here(file)) {
        let lines = file.text.lines().count();
        let allowed = LONG_FILES
            .iter()
            .find(|(path, _)| *path == file.path)
            .map_or(LINES_MAX, |(_, lines)| *lines);
        if lines > allowed {
            problems.push(format!(
                "{}:{allowed}: {lines} lines, over {allowed}: split it by subject",
                file.path
            ));
        }
    }
    assert_none(problems);
}

#[test]
fn exceptions_for_long_files_only_shrink() {
    let files = files();
    let mut problems = Vec::new();
    for (path, allowed) in LONG_FILES {
        let lines = files
            .iter()
            .find(|file| file.path == *path)
            .map_or(0, |file| file.text.lines().count());
        if lines <= LINES_MAX {
            problems.push(format!(
                "LONG_FILES: `{path}` has {lines} lines: remove its entry"
            ));
        } else if lines < *allowed {
            problems.push(format!(
                "LONG_FILES: `{path}` has {lines} lines: lower its entry from {allowed}"
            ));
        }
    }
    assert_none(problems);
}

#[test]
fn only_the_batch_shell_is_unsafe() {
    let mut problems = Vec::new();
    for file in files()
        .iter()
        .filter(|file| file.is("rs") && !file.path.starts_with(UNSAFE_CRATE))
    {
        for (number, line) in file.lines().filter(|(_, line)| has_unsafe_code(line)) {
            problems.push(format!(
                "{}:{number}: `{}`: only {UNSAFE_CRATE} may be unsafe: do it there, behind a safe function",
                file.path,
                line.trim()
            ));
        }
    }
    assert_none(problems);
}

fn is_written_here(file: &File) -> bool {
    let in_folder = |name| file.path.split('/').any(|part| part == name);
    let data = ["json", "jsonl", "svg", "proptest-regressions"]
        .iter()
        .any(|extension| file.is(extension));
    !(NOT_WRITTEN_HERE.contains(&file.name())
        || in_folder("testdata")
        || in_folder("vendor")
        || data)
}

/// Whether the line's code has the keyword `unsafe`: at its end, or before a block, an item or a parenthesis.
fn has_unsafe_code(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let keyword = concat!("uns", "afe");
    code.match_indices(keyword).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + keyword.len()..].trim_start();
        let starts = ["{", "(", "fn ", "impl ", "impl<", "extern ", "trait "]
            .iter()
            .any(|next| after.starts_with(next));
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
            && (starts || after.is_empty())
    })
}
