//! Reads all parameters of a stream.

use std::collections::BTreeMap;
use std::io::Cursor;

use fluvio_smartmodule::Result;
use fluvio_smartmodule::dataplane::core::{Decoder, Encoder};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use model::Params;

/// Returns every parameter of the stream, including unknown ones. `SmartModuleExtraParams` can only look up a
/// name that the caller knows, so this function encodes `params` and decodes the bytes.
pub fn all(params: &SmartModuleExtraParams) -> Result<Params> {
    let mut bytes = Vec::new();
    params.encode(&mut bytes, 0)?; // version 0 contains only names and values
    let mut pairs = BTreeMap::<String, String>::new();
    pairs.decode(&mut Cursor::new(bytes), 0)?;
    Ok(pairs.into_iter().collect())
}
