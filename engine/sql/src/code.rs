//! Plans and sources as texts, which the runner passes to the SmartModule as parameters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{ParamError, Params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The parameter with the encoded plan.
pub(crate) const PLAN: &str = "plan";
/// The parameter with the encoded source.
pub const SOURCE: &str = "source";

/// Returns the text of a plan or a source.
pub(crate) fn encode(value: &impl Serialize) -> String {
    // Only maps of unknown length cannot be encoded, and a plan has none.
    let bytes = postcard::to_stdvec(value).unwrap_or_default();
    STANDARD.encode(bytes)
}

/// The number of characters of an invalid text that an error shows.
const SHOWN: usize = 20;

/// Reads the value of a parameter from its text.
pub(crate) fn decode<T: DeserializeOwned>(params: &Params, name: &str) -> Result<T, ParamError> {
    const EXPECTED: &str = "the text that the runner of the same version makes";
    let text: String = params.require(name, EXPECTED)?;
    let bytes = STANDARD.decode(&text).ok();
    let value = bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok());
    value.ok_or_else(|| ParamError::Invalid {
        name: name.to_owned(),
        value: text.chars().take(SHOWN).collect::<String>() + "…",
        expected: EXPECTED,
    })
}
