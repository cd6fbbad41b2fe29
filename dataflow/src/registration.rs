//! Ties a derivation's name to its code, so that the runner works with derivations it does not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Derivation, Event, Fold, ParamError, Params};

use crate::windows::{AnyWindows, Windows};

/// One derivation: how its parameters are checked and its windows are made.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    name: &'static str,
    source: &'static str,
    check: fn(&Params) -> Result<(), ParamError>,
    windows: MakeWindows,
}

type MakeWindows = fn(&Params, usize, i64) -> Result<Box<dyn AnyWindows>, ParamError>;

impl Registration {
    /// The registration of `D`.
    pub fn of<D: Derivation>() -> Self {
        Self {
            name: D::NAME,
            source: <D::Event<'static> as Event<'static>>::TOPIC,
            check: |params| Fold::<D>::from_params(params).map(drop),
            windows: |params, partitions, allowed_lateness_ms| {
                let derivation = D::from_params(params)?;
                Ok(Box::new(Windows::new(
                    derivation,
                    partitions,
                    allowed_lateness_ms,
                )))
            },
        }
    }

    pub(crate) fn source(&self) -> &'static str {
        self.source
    }

    pub(crate) fn check(&self, params: &Params) -> Result<(), ParamError> {
        (self.check)(params)
    }

    pub(crate) fn windows(
        &self,
        params: &Params,
        partitions: usize,
        allowed_lateness_ms: i64,
    ) -> Result<Box<dyn AnyWindows>, ParamError> {
        (self.windows)(params, partitions, allowed_lateness_ms)
    }
}

/// A SmartModule's plain WASM.
pub type Module = Arc<[u8]>;

/// All derivations there are, and the SmartModules that were built.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    derivations: BTreeMap<&'static str, Registration>,
    modules: BTreeMap<String, Module>,
}

impl Registry {
    /// A registry of these derivations and the SmartModules of their names.
    pub fn new(
        derivations: impl IntoIterator<Item = Registration>,
        modules: impl IntoIterator<Item = (String, Module)>,
    ) -> Self {
        Self {
            derivations: derivations
                .into_iter()
                .map(|registration| (registration.name, registration))
                .collect(),
            modules: modules.into_iter().collect(),
        }
    }

    /// The names of all derivations.
    pub fn names(&self) -> Vec<&'static str> {
        self.derivations.keys().copied().collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Registration> {
        self.derivations.get(name)
    }

    pub(crate) fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(name)
    }
}
