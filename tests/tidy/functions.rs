//! Checks that functions are short enough to be read without scrolling.

use crate::ratchet::{self, Finding};
use crate::repository::{File, assert_none, files};

/// The maximum number of lines, from the line of the function's name to its closing brace. A longer function does
/// several things, each of which could have a name.
const LINES_MAX: usize = 60;

/// Folders, with the number of longer functions that each may still have.
const LONG_FUNCTIONS: &ratchet::Allowed = &[];

/// The words that may precede `fn`.
const QUALIFIERS: &[&str] = &[
    "pub",
    "pub(crate)",
    "pub(super)",
    "async",
    "const",
    "extern",
    "\"C\"",
    "unsafe",
];

#[test]
fn no_function_is_too_long() {
    assert_none(ratchet::problems(
        "tests/tidy/functions.rs",
        "LONG_FUNCTIONS",
        LONG_FUNCTIONS,
        long_functions(&files()),
    ));
}

fn long_functions(files: &[File]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is("rs") && file.is_code()) {
        for Function { name, line, lines } in functions(&file.text) {
            if lines > LINES_MAX {
                let text = format!(
                    "`{name}` has {lines} lines, over {LINES_MAX}: give its steps functions of their own"
                );
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

struct Function<'t> {
    name: &'t str,
    line: usize,
    lines: usize,
}

/// Returns the functions of a source that rustfmt has formatted: a body ends at the first closing brace with the
/// indentation of its `fn`.
fn functions(text: &str) -> Vec<Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let Some(name) = declared(code) else { continue };
        let closes = |line: &&str| {
            let inner = line.strip_prefix(indent);
            inner == Some("}")
                || inner.is_some_and(|inner| inner.ends_with(';') && !inner.starts_with(' '))
        };
        let more = if code.ends_with(['}', ';']) {
            Some(0)
        } else {
            lines[start..].iter().position(closes)
        };
        if let Some(more) = more {
            functions.push(Function {
                name,
                line: start + 1,
                lines: more + 1,
            });
        }
    }
    functions
}

/// Returns the name of the function that a line of code declares.
fn declared(code: &str) -> Option<&str> {
    let (before, after) = match code.strip_prefix("fn ") {
        Some(after) => ("", after),
        None => code.split_once(" fn ")?,
    };
    let name = after
        .split(|char: char| !char.is_alphanumeric() && char != '_')
        .next()?;
    before
        .split_whitespace()
        .all(|word| QUALIFIERS.contains(&word))
        .then_some(name)
}

#[test]
fn a_function_is_too_long_from_61_lines_wherever_it_is() {
    let function = |lines: usize| {
        format!(
            "    pub(crate) async fn f(\n{}    }}\n",
            "        x\n".repeat(lines - 2)
        )
    };
    let file = |text: &str| [File::new("a/src/b.rs", &format!("impl A {{\n{text}}}\n"))];
    assert!(long_functions(&file(&function(60))).is_empty());
    let found = long_functions(&file(&function(61)));
    assert_eq!((found.len(), found[0].line), (1, 2));
    assert_eq!(
        found[0].text,
        "`f` has 61 lines, over 60: give its steps functions of their own"
    );

    let names = |text: &str| {
        functions(text)
            .iter()
            .map(|found| (found.name.to_owned(), found.lines))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("fn a() {}\n// the fn b(\nlet fn_c = |x| {\n"),
        [("a".to_owned(), 1)]
    );
    assert_eq!(
        names("trait T {\n    fn a(\n        b: B,\n    ) -> C;\n}\n"),
        [("a".to_owned(), 3)]
    );
}
