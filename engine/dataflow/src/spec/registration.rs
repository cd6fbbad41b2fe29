//! Maps derivation names to code. The code is type-erased, so the runner does not depend on the types of a
//! derivation.

use std::collections::BTreeMap;
use std::sync::Mutex;

use client::AdHocModule;
use model::keyed_process::FactsOf;
use model::source::Source;
use model::{AlignedWindows, Fold, Grouping, KeyedProcess, Lift, ParamError, Params};
use model::{SessionGap, Shape, Windowed};

use sql::{SharedTable, SqlSessions, SqlWindows};

use crate::error::RunError;
use crate::spec::fold::AnyFold;
use crate::spec::locate::{Locate, LocateBy};
use crate::spec::modules::{MODULE, SourceModules};
use crate::spec::{DerivationSpec, WindowSpec};
use crate::windows::{AnyWindows, Bounds, KeyedProcesses, Panes, Sessions};

/// The code of one derivation: how its parameters are checked and how its windows are created.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    name: &'static str,
    source: Option<&'static str>,
    shape: Shape,
    parameters: &'static [&'static str],
    fold: MakeFold,
    locate: MakeLocate,
    windows: MakeWindows,
}

type MakeFold = fn(&Params) -> Result<Box<dyn AnyFold>, ParamError>;

type MakeLocate = fn(&Params) -> Result<Box<dyn Locate>, ParamError>;

/// The table is the one that a query joins.
type MakeWindows = fn(&Params, Bounds, Option<SharedTable>) -> Result<AnyWindows, ParamError>;

impl Registration {
    /// Creates the registration of `D`, a derivation with tumbling or hopping windows.
    pub fn windows<D: Windowed<Grouping = AlignedWindows>>() -> Self {
        Self::new::<D>(|params, bounds, _| {
            let derivation = D::from_params(params)?;
            let AlignedWindows { size_ms, hop_ms } = AlignedWindows::from_params(params)?;
            let panes = Panes::new(derivation, size_ms, hop_ms, bounds);
            Ok(AnyWindows::Correctable(Box::new(panes)))
        })
    }

    /// Creates the registration of queries with tumbling or hopping windows.
    pub(crate) fn query_windows() -> Self {
        Self::new::<SqlWindows>(|params, bounds, table| {
            let query = SqlWindows::from_params(params)?;
            let query = match table {
                Some(table) => query.with_table(table),
                None => query,
            };
            let AlignedWindows { size_ms, hop_ms } = AlignedWindows::from_params(params)?;
            let panes = Panes::new(query, size_ms, hop_ms, bounds);
            Ok(AnyWindows::Correctable(Box::new(panes)))
        })
    }

    /// Creates the registration of `D`, a derivation with sessions.
    pub fn sessions<D: model::Sessions>() -> Self {
        Self::new::<D>(|params, bounds, _| {
            let derivation = D::from_params(params)?;
            let SessionGap { gap_ms } = SessionGap::from_params(params)?;
            let sessions = Sessions::new(derivation, gap_ms, bounds);
            Ok(AnyWindows::Correctable(Box::new(sessions)))
        })
    }

    /// Creates the registration of `K`, which processes each key's events one by one.
    pub fn keyed<K: KeyedProcess>() -> Self {
        Self::new::<FactsOf<K>>(|params, bounds, _| {
            let processes = KeyedProcesses::<K>::new(params, bounds)?;
            Ok(AnyWindows::Keyed(Box::new(processes)))
        })
    }

    fn new<L: Lift>(windows: MakeWindows) -> Self {
        Self {
            name: L::NAME,
            source: L::Source::TOPIC,
            shape: L::Grouping::SHAPE,
            parameters: L::PARAMETERS,
            fold: |params| Ok(Box::new(Fold::<L>::from_params(params)?)),
            locate: |params| {
                Ok(Box::new(LocateBy {
                    derivation: L::from_params(params)?,
                    source: Mutex::new(L::Source::from_params(params)?),
                }))
            },
            windows,
        }
    }

    /// The source topic; `None` if the derivation reads any declared source.
    pub fn source(&self) -> Option<&'static str> {
        self.source
    }

    /// The name of the derivation and of its derived topic.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How the derivation groups events in time.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The names of the derivation's own parameters.
    pub fn parameters(&self) -> &'static [&'static str] {
        self.parameters
    }

    pub(crate) fn check(&self, params: &Params) -> Result<(), ParamError> {
        self.fold(params).map(drop)
    }

    /// Creates a fold with these parameters. The SmartModule runs the same fold.
    pub fn fold(&self, params: &Params) -> Result<Box<dyn AnyFold>, ParamError> {
        (self.fold)(params)
    }

    pub(crate) fn locate(&self, params: &Params) -> Result<Box<dyn Locate>, ParamError> {
        (self.locate)(params)
    }

    pub(crate) fn make_windows(
        &self,
        params: &Params,
        bounds: Bounds,
    ) -> Result<AnyWindows, ParamError> {
        self.make_joined(params, bounds, None)
    }

    /// As [`Self::make_windows`], for a query that joins a table.
    pub(crate) fn make_joined(
        &self,
        params: &Params,
        bounds: Bounds,
        table: Option<SharedTable>,
    ) -> Result<AnyWindows, ParamError> {
        (self.windows)(params, bounds, table)
    }
}

/// All derivations and SmartModules of this program, by name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    derivations: BTreeMap<&'static str, Registration>,
    modules: BTreeMap<String, AdHocModule>,
}

impl Registry {
    /// Creates a registry of these derivations, and of these SmartModules, each with its name.
    pub fn new(
        derivations: impl IntoIterator<Item = Registration>,
        modules: impl IntoIterator<Item = (String, AdHocModule)>,
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

    /// The derivation of this name that has code of its own.
    pub fn get(&self, name: &str) -> Option<&Registration> {
        self.derivations.get(name)
    }

    /// The code of a derivation in the dataflow file; `None` if there is no code of this name.
    pub fn code_of(&self, name: &str, spec: &DerivationSpec) -> Option<Registration> {
        match (&spec.sql, spec.window) {
            (None, _) => self.get(name).copied(),
            (Some(_), Some(WindowSpec::Session(_))) => {
                Some(Registration::sessions::<SqlSessions>())
            }
            (Some(_), _) => Some(Registration::query_windows()),
        }
    }

    /// Whether the SmartModule of this name is one through which the runner reads.
    pub fn is_batch_module(&self, name: &str) -> bool {
        let mut derivations = self.derivations.values();
        name == MODULE || derivations.any(|derivation| derivation.source == Some(name))
    }

    /// The SmartModules through which partitions of the topic `source` can be read.
    pub(crate) fn source_modules(&self, source: &str) -> Result<SourceModules, RunError> {
        Ok(SourceModules {
            every: self.dataflow_module()?.clone(),
            built_in: self.modules.get(source).cloned(),
        })
    }

    /// The SmartModule that folds the records of every source.
    pub(crate) fn dataflow_module(&self) -> Result<&AdHocModule, RunError> {
        let missing = || RunError::ModuleMissing(MODULE.to_owned());
        self.modules.get(MODULE).ok_or_else(missing)
    }
}
