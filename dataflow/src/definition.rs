//! What the windows of a derivation go by. Under one name it stays the same: windows that were open at a
//! change would be made from partials of two kinds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::RunError;
use crate::map::{DerivationSpec, WindowSpec};

/// The source and the figures of the windows, as a checkpoint notes them.
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

    /// Whether a derivation that was defined like this may go on as `now` says.
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
            .try_for_each(|(name, figure)| write!(f, ", {name} `{figure}`"))
    }
}
