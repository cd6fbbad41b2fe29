//! Formats the differences between two versions of parameters.

use std::collections::{BTreeMap, BTreeSet};

/// The text for a parameter that neither the version nor the dataflow file sets: the derivation's default applies.
const DEFAULT: &str = "(default)";

/// Returns `name: before -> after` for each parameter that changes. `before` and `after` contain only parameters that
/// override the values in the dataflow file.
pub(super) fn between(
    dataflow: &BTreeMap<String, String>,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<String> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let value = |version: &BTreeMap<String, String>, name: &String| {
        let found = version.get(name).or_else(|| dataflow.get(name));
        found.map_or(DEFAULT.to_owned(), Clone::clone)
    };
    names
        .into_iter()
        .map(|name| (name, value(before, name), value(after, name)))
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name}: {before} -> {after}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        parameters.iter().map(text).collect()
    }

    #[test]
    fn a_parameter_that_is_no_longer_overridden_returns_to_the_dataflow_file() {
        let dataflow = version(&[("a", "1"), ("b", "2")]);
        let before = version(&[("a", "5"), ("c", "7"), ("d", "8")]);
        let after = version(&[("b", "3"), ("d", "8")]);
        assert_eq!(
            between(&dataflow, &before, &after),
            ["a: 5 -> 1", "b: 2 -> 3", "c: 7 -> (default)"]
        );
        assert!(between(&dataflow, &version(&[]), &version(&[("a", "1")])).is_empty());
    }
}
