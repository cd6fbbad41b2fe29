//! Checks tables of exceptions, which may only shrink. A table contains, for each folder, the number of places that may
//! still break a rule.

use std::collections::BTreeMap;

/// A place where a rule is broken.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    /// What is wrong, and what to do.
    pub(crate) text: String,
}

/// Folders, as prefixes of paths, with the number of findings that each may have. The longest matching prefix
/// applies.
pub(crate) type Allowed = [(&'static str, usize)];

/// Returns the problems of a rule: every finding in a folder that has more findings than its entry allows, and each
/// entry that is higher than necessary. `file` and `table` name the constant that contains the exceptions.
pub(crate) fn problems(
    file: &str,
    table: &str,
    allowed: &Allowed,
    findings: Vec<Finding>,
) -> Vec<String> {
    let mut by_folder: BTreeMap<&str, Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        let fitting = allowed
            .iter()
            .filter(|(folder, _)| finding.path.starts_with(folder));
        let folder = fitting
            .map(|(folder, _)| *folder)
            .max_by_key(|folder| folder.len());
        by_folder
            .entry(folder.unwrap_or_default())
            .or_default()
            .push(finding);
    }
    let mut problems = Vec::new();
    for (folder, found) in &by_folder {
        let may_have = allowed
            .iter()
            .find(|(of, _)| of == folder)
            .map_or(0, |(_, count)| *count);
        if found.len() > may_have {
            problems.extend(
                found
                    .iter()
                    .map(|Finding { path, line, text }| format!("{path}:{line}: {text}")),
            );
        }
        if found.len() > may_have && may_have > 0 {
            problems.push(format!(
                "{file}:1: {table}: `{folder}` has {}: at most {may_have}",
                found.len()
            ));
        }
    }
    for (folder, may_have) in allowed {
        let found = by_folder.get(folder).map_or(0, Vec::len);
        if found == 0 {
            problems.push(format!(
                "{file}:1: {table}: `{folder}` has none left: remove its entry"
            ));
        } else if found < *may_have {
            problems.push(format!(
                "{file}:1: {table}: `{folder}` has {found}: lower its entry from {may_have}"
            ));
        }
    }
    problems
}

#[test]
fn a_folder_may_have_what_its_entry_allows_and_the_entry_only_shrinks() {
    let findings = |count: usize, path: &str| {
        let finding = Finding {
            path: path.to_owned(),
            line: 7,
            text: "wrong: mend it".to_owned(),
        };
        vec![finding; count]
    };
    let two = &[("a/", 2)];
    assert!(problems("f.rs", "T", two, findings(2, "a/x.rs")).is_empty());
    assert_eq!(
        problems("f.rs", "T", &[], findings(1, "a/x.rs")),
        ["a/x.rs:7: wrong: mend it"]
    );
    let more = problems("f.rs", "T", two, findings(3, "a/x.rs"));
    assert_eq!(
        (more.len(), more[3].as_str()),
        (4, "f.rs:1: T: `a/` has 3: at most 2")
    );
    let fewer = problems("f.rs", "T", two, findings(1, "a/x.rs"));
    assert_eq!(fewer, ["f.rs:1: T: `a/` has 1: lower its entry from 2"]);
    let none = problems("f.rs", "T", two, findings(1, "b/x.rs"));
    assert_eq!(
        none,
        [
            "b/x.rs:7: wrong: mend it",
            "f.rs:1: T: `a/` has none left: remove its entry"
        ]
    );
}
