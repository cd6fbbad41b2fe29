//! The definition of a derivation's windows. It must not change while the derivation keeps its name: windows that are
//! open during the change would be computed from partials of two different kinds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::RunError;
use crate::spec::{DerivationSpec, WindowSpec};

/// The source, the window parameters and the query of a derivation. They are stored in its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    from: String,
    window: BTreeMap<String, String>,
    /// The text of the query, and the declarations of the columns that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<(String, String)>,
}

impl Definition {
    pub(crate) fn of(spec: &DerivationSpec) -> Self {
        Self {
            from: spec.from.clone(),
            window: spec.window.iter().flat_map(WindowSpec::params).collect(),
            query: spec
                .sql
                .as_ref()
                .zip(spec.code.as_ref())
                .map(|(text, code)| (without_layout(text), code.columns.clone())),
        }
    }

    /// Checks that `now` has the same definition. Otherwise the derivation may not continue from the checkpoint.
    pub(crate) fn check(&self, derivation: &str, now: &DerivationSpec) -> Result<(), RunError> {
        let now = Self::of(now);
        if *self == now {
            return Ok(());
        }
        let [was, now] = difference(&self.to_string(), &now.to_string());
        Err(RunError::Redefined {
            derivation: derivation.to_owned(),
            was,
            now,
        })
    }
}

/// Returns the parts in which two texts differ, each with a few of the words before and after it.
fn difference(was: &str, now: &str) -> [String; 2] {
    const AROUND: usize = 5;
    let [was, now] = [was, now].map(|text| text.split(' ').collect::<Vec<_>>());
    let equal = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let first = was.iter().zip(&now).take_while(equal).count();
    let shorter = was.len().min(now.len()) - first;
    let ends = was.iter().rev().zip(now.iter().rev());
    let last = ends.take(shorter).take_while(equal).count();
    let (skipped, left) = (first.saturating_sub(AROUND), last.saturating_sub(AROUND));
    [was, now].map(|words| {
        let part = words[skipped..words.len() - left].join(" ");
        let mark = |is_cut: bool| if is_cut { "…" } else { "" };
        format!("{}{part}{}", mark(skipped > 0), mark(left > 0))
    })
}

/// Returns the text of a query with one space in place of any white space outside quotes.
fn without_layout(query: &str) -> String {
    let (mut text, mut quote) = (String::new(), None);
    for character in query.trim().chars() {
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if character.is_whitespace() => {
                if !text.ends_with(' ') {
                    text.push(' ');
                }
                continue;
            }
            _ => {}
        }
        text.push(character);
    }
    text
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from `{}`", self.from)?;
        self.window
            .iter()
            .try_for_each(|(name, value)| write!(f, ", {name} `{value}`"))?;
        match &self.query {
            Some((text, columns)) => write!(f, ", sql `{text}` over the columns {columns}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_changed_is_shown() {
        let shown = |was, now| difference(was, now);
        assert_eq!(shown("from `a`", "from `b`"), ["from `a`", "from `b`"]);
        assert_eq!(
            shown(
                "1 2 3 4 5 6 7 x 1 2 3 4 5 6 7",
                "1 2 3 4 5 6 7 y z 1 2 3 4 5 6 7"
            ),
            ["…3 4 5 6 7 x 1 2 3 4 5…", "…3 4 5 6 7 y z 1 2 3 4 5…"]
        );
        // A repeated word belongs either to the words before the change or to those after it.
        assert_eq!(shown("a b b c", "a b c"), ["a b b c", "a b c"]);
        assert_eq!(shown("a b", "a b c"), ["a b", "a b c"]);
    }

    #[test]
    fn the_layout_of_a_query_does_not_matter_but_its_texts_do() {
        let same = ["SELECT 'a  b'\n  FROM t\n", "SELECT\t'a  b' FROM t"].map(without_layout);
        assert_eq!(same[0], "SELECT 'a  b' FROM t");
        assert_eq!(same[0], same[1]);
        assert_ne!(without_layout("SELECT 'a b' FROM t"), same[0]);
    }
}
