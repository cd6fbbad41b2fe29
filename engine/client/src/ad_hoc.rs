//! A SmartModule that is sent with each request.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, OnceLock};

use crate::ClientError;
use crate::smartmodule::gzip;

/// A SmartModule that is sent with each request. It is compressed once, at the first request, and all clones share
/// the result.
#[derive(Clone)]
pub struct AdHocModule(Arc<Parts>);

struct Parts {
    wasm: Box<[u8]>,
    gzipped: OnceLock<Result<Vec<u8>, ClientError>>,
}

impl AdHocModule {
    /// The uncompressed WASM.
    pub fn wasm(&self) -> &[u8] {
        &self.0.wasm
    }

    pub(crate) fn gzipped(&self) -> Result<Vec<u8>, ClientError> {
        let gzipped = self.0.gzipped.get_or_init(|| {
            gzip(&self.0.wasm)
                .map_err(|error| ClientError::fatal("compressing a SmartModule", error))
        });
        gzipped.clone()
    }
}

impl<W: Into<Box<[u8]>>> From<W> for AdHocModule {
    fn from(wasm: W) -> Self {
        Self(Arc::new(Parts {
            wasm: wasm.into(),
            gzipped: OnceLock::new(),
        }))
    }
}

impl Debug for AdHocModule {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "AdHocModule({} bytes)", self.0.wasm.len())
    }
}
