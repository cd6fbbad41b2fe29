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
        Err(RunError::Redefined {
            derivation: derivation.to_owned(),
            was: self.to_string(),
            now: now.to_string(),
        })
    }
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
    fn the_layout_of_a_query_does_not_matter_but_its_texts_do() {
        let same = ["SELECT 'a  b'\n  FROM t\n", "SELECT\t'a  b' FROM t"].map(without_layout);
        assert_eq!(same[0], "SELECT 'a  b' FROM t");
        assert_eq!(same[0], same[1]);
        assert_ne!(without_layout("SELECT 'a b' FROM t"), same[0]);
    }
}
