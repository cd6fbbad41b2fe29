//! Ties a derivation's name to its code, so that the runner works with derivations it does not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::follow::FactsOf;
use model::{Derivation, Event, Fold, Follow, ParamError, Params, Shape, Windowing};

use crate::offline::{AnyFold, Offline};
use crate::windows::{AnyWindows, Bounds, Machines, Panes, Sessions};

/// One derivation: how its parameters are checked and its windows are made.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    name: &'static str,
    source: &'static str,
    shape: Shape,
    parameters: &'static [&'static str],
    fold: MakeFold,
    windows: MakeWindows,
}

type MakeFold = fn(&Params) -> Result<Box<dyn AnyFold>, ParamError>;

type MakeWindows = fn(&Params, Bounds) -> Result<Box<dyn AnyWindows>, ParamError>;

impl Registration {
    /// The registration of `D`, whose windows or sessions are merged.
    pub fn of<D: Derivation>() -> Self {
        Self::new::<D>(|params, bounds| {
            let derivation = D::from_params(params)?;
            Ok(match Windowing::from_params(D::SHAPE, params)? {
                Windowing::Windows { size_ms, hop_ms } => {
                    Box::new(Panes::new(derivation, size_ms, hop_ms, bounds))
                }
                Windowing::Sessions { gap_ms } => {
                    Box::new(Sessions::new(derivation, gap_ms, bounds))
                }
                // All of time is one window: such a derivation is for `Registration::following`.
                Windowing::Events => Box::new(Panes::new(derivation, i64::MAX, i64::MAX, bounds)),
            })
        })
    }

    /// The registration of `M`, which follows each key's events one by one.
    pub fn following<M: Follow>() -> Self {
        Self::new::<FactsOf<M>>(|params, bounds| Ok(Box::new(Machines::<M>::new(params, bounds)?)))
    }

    fn new<D: Derivation>(windows: MakeWindows) -> Self {
        Self {
            name: D::NAME,
            source: <D::Event<'static> as Event<'static>>::TOPIC,
            shape: D::SHAPE,
            parameters: D::PARAMETERS,
            fold: |params| Ok(Box::new(Fold::<D>::from_params(params)?)),
            windows,
        }
    }

    pub(crate) fn source(&self) -> &'static str {
        self.source
    }

    /// The derived topic.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How its events are grouped in time.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The names of its own parameters.
    pub fn parameters(&self) -> &'static [&'static str] {
        self.parameters
    }

    pub(crate) fn check(&self, params: &Params) -> Result<(), ParamError> {
        self.fold(params).map(drop)
    }

    /// A run of it without a cluster, over records of so many partitions.
    pub fn offline(&self, params: &Params, partitions: usize) -> Result<Offline, ParamError> {
        self.offline_within(params, partitions, usize::MAX)
    }

    /// The same with so many keys, windows and facts in memory at most.
    pub fn offline_within(
        &self,
        params: &Params,
        partitions: usize,
        entries_max: usize,
    ) -> Result<Offline, ParamError> {
        Offline::new(self, params, partitions, entries_max)
    }

    pub(crate) fn fold(&self, params: &Params) -> Result<Box<dyn AnyFold>, ParamError> {
        (self.fold)(params)
    }

    pub(crate) fn windows(
        &self,
        params: &Params,
        bounds: Bounds,
    ) -> Result<Box<dyn AnyWindows>, ParamError> {
        (self.windows)(params, bounds)
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

    /// The derivation of this name.
    pub fn get(&self, name: &str) -> Option<&Registration> {
        self.derivations.get(name)
    }

    pub(crate) fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(name)
    }
}
