//! Checks that lines of code are short enough to fit beside other code on a screen.

use crate::ratchet::{self, Finding};
use crate::repository::{File, assert_none, files};

/// The maximum width. Rustfmt breaks code at 100 columns, but it breaks neither strings nor comments.
const COLUMNS_MAX: usize = 120;

/// Folders, with the number of wider lines that each may still have.
const WIDE_LINES: &ratchet::Allowed = &[];

#[test]
fn no_line_of_code_is_too_wide() {
    assert_none(ratchet::problems(
        "tests/tidy/width.rs",
        "WIDE_LINES",
        WIDE_LINES,
        wide_lines(&files()),
    ));
}

fn wide_lines(files: &[File]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_code()) {
        for (line, text) in file.lines() {
            let columns = text.chars().count();
            if columns > COLUMNS_MAX {
                let text = format!("{columns} columns, over {COLUMNS_MAX}: break the line");
                found.push(Finding {
                    path: file.path.clone(),
                    line,
                    text,
                });
            }
        }
    }
    found
}

#[test]
fn a_line_is_too_wide_from_121_columns_in_code_alone() {
    let (fits, wide) = ("é".repeat(120), "é".repeat(121));
    let text = format!("{fits}\n{wide}\n");
    let code = ["a.rs", "a.js", "a.mjs", "a.py"].map(|path| File::new(path, &text));
    let found = wide_lines(&code);
    assert_eq!(
        found.iter().map(|finding| finding.line).collect::<Vec<_>>(),
        [2, 2, 2, 2]
    );
    assert_eq!(found[0].text, "121 columns, over 120: break the line");
    assert_eq!(
        wide_lines(&[File::new("scripts/a", &format!("#!/bin/sh\n{text}"))]).len(),
        1
    );
    let other =
        ["a.md", "a.json", "testdata/a.rs", "pages/vendor/a.js"].map(|path| File::new(path, &text));
    assert!(wide_lines(&other).is_empty());
}
