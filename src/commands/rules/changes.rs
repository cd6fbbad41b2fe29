//! What one version of parameters changes of another.

use std::collections::{BTreeMap, BTreeSet};

/// Where the map leaves a parameter out, the derivation's own default holds.
const DEFAULT: &str = "(default)";

/// `name: before -> after` of each parameter that changes. Both are given as what stands in place of
/// the map's; what neither names stays as it is.
pub(super) fn between(
    map: &BTreeMap<String, String>,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<String> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let value = |version: &BTreeMap<String, String>, name: &String| {
        let found = version.get(name).or_else(|| map.get(name));
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
    fn what_is_no_longer_named_goes_back_to_the_map() {
        let map = version(&[("a", "1"), ("b", "2")]);
        let before = version(&[("a", "5"), ("c", "7"), ("d", "8")]);
        let after = version(&[("b", "3"), ("d", "8")]);
        assert_eq!(
            between(&map, &before, &after),
            ["a: 5 -> 1", "b: 2 -> 3", "c: 7 -> (default)"]
        );
        assert!(between(&map, &version(&[]), &version(&[("a", "1")])).is_empty());
    }
}
