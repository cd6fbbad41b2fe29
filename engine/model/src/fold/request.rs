//! The parameters of the SmartModule `dataflow`: which derivations are requested, and their own parameters.

use std::collections::BTreeMap;

use crate::params::{ParamError, Params};

/// The parameter that names the requested derivations, separated by commas.
pub const DERIVATIONS: &str = "derivations";

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The parameter [`DERIVATIONS`] is missing.
    #[error("the parameter `{DERIVATIONS}` is missing: it names derivations, separated by commas")]
    Empty,
    /// The name is unknown, or its derivation has a different source topic than the derivations before it.
    #[error("`{name}` is not a derivation of the same source topic as the derivations before it")]
    Unknown {
        /// The requested name.
        name: String,
    },
    /// A parameter of a derivation is wrong.
    #[error("derivation `{derivation}`: {problem}")]
    Parameter {
        /// The derivation.
        derivation: String,
        /// What is wrong.
        problem: ParamError,
    },
    /// A parameter belongs to no requested derivation.
    #[error("the parameter `{0}` belongs to no requested derivation")]
    Unclaimed(String),
}

/// A derivation whose fold is requested.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoldRequest {
    /// The name of the derivation.
    pub derivation: String,
    /// The derivation's parameters by name. The names have no prefix.
    pub params: BTreeMap<String, String>,
}

/// Returns the SmartModule's parameters that request these folds. A derivation's own parameter is named
/// `DERIVATION.PARAMETER`.
pub fn parameters<'a>(
    requests: impl IntoIterator<Item = &'a FoldRequest>,
) -> BTreeMap<String, String> {
    let (mut names, mut all) = (Vec::new(), BTreeMap::new());
    for FoldRequest { derivation, params } in requests {
        names.push(derivation.as_str());
        let own = params.iter();
        all.extend(own.map(|(name, value)| (format!("{derivation}.{name}"), value.clone())));
    }
    all.insert(DERIVATIONS.to_owned(), names.join(","));
    all
}

/// Splits the SmartModule's parameters by derivation, in the order in which [`DERIVATIONS`] names them.
pub fn requested(params: &BTreeMap<String, String>) -> Result<Vec<(&str, Params)>, RequestError> {
    let names = params.get(DERIVATIONS).ok_or(RequestError::Empty)?;
    let mut requested: Vec<(&str, Vec<(String, String)>)> =
        names.split(',').map(|name| (name, Vec::new())).collect();
    for (key, value) in params.iter().filter(|(key, _)| *key != DERIVATIONS) {
        let unclaimed = || RequestError::Unclaimed(key.clone());
        let (name, param) = key.split_once('.').ok_or_else(unclaimed)?;
        let (_, own) = requested
            .iter_mut()
            .find(|(requested, _)| *requested == name)
            .ok_or_else(unclaimed)?;
        own.push((param.to_owned(), value.clone()));
    }
    let params = |own: Vec<(String, String)>| own.into_iter().collect();
    Ok(requested
        .into_iter()
        .map(|(name, own)| (name, params(own)))
        .collect())
}
