//! The definition of a derivation's windows. It must not change while the derivation keeps its name: windows that are
//! open during the change would be computed from partials of two different kinds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::RunError;
use crate::spec::{DerivationSpec, WindowSpec};

/// The source and the window parameters of a derivation. They are stored in its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    from: String,
    window: BTreeMap<String, String>,
}

impl Definition {
    pub(crate) fn of(spec: &DerivationSpec) -> Self {
        Self {
            from: spec.from.clone(),
            window: spec.window.iter().flat_map(WindowSpec::params).collect(),
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

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from `{}`", self.from)?;
        self.window
            .iter()
            .try_for_each(|(name, value)| write!(f, ", {name} `{value}`"))
    }
}
