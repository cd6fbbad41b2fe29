//! All that one derivation needs to be started, again and again.

use client::Cluster;

use crate::error::RunError;
use crate::hub::Hubs;
use crate::lease::Runner;
use crate::map::DerivationSpec;
use crate::offline::AnyFold;
use crate::registration::{Module, Registration};
use crate::rules::RuleHistory;
use crate::run::Options;
use crate::status::StatusBoard;
use crate::windows::{AnyWindows, Bounds};

#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) cluster: Cluster,
    pub(crate) name: String,
    pub(crate) spec: DerivationSpec,
    pub(crate) registration: Registration,
    pub(crate) module: Module,
    pub(crate) status: StatusBoard,
    /// Who this runner is for the lease.
    pub(crate) runner: Runner,
    /// Of several derivations of one source, the first speaks for its rejected records.
    pub(crate) rejects: bool,
    /// Where derivations of this process meet that read together.
    pub(crate) hubs: Option<Hubs>,
}

impl Job {
    pub(crate) fn new(
        options: &Options,
        name: &str,
        spec: &DerivationSpec,
        hubs: Option<&Hubs>,
    ) -> Result<Self, RunError> {
        let missing = || RunError::ModuleMissing(name.to_owned());
        let mut of_source = options
            .map
            .derivations
            .iter()
            .filter(|(_, other)| other.from == spec.from);
        Ok(Self {
            cluster: options.cluster.clone(),
            name: name.to_owned(),
            spec: spec.clone(),
            registration: *options.registry.get(name).ok_or_else(missing)?,
            module: options.registry.module(name).ok_or_else(missing)?.clone(),
            status: options.status.clone(),
            runner: Runner::new(),
            rejects: of_source.next().is_some_and(|(first, _)| first == name),
            hubs: hubs.cloned(),
        })
    }

    /// Empty windows for so many partitions, which go for each record by the rules that held for it.
    pub(crate) fn windows(
        &self,
        partitions: usize,
        rules: &RuleHistory,
    ) -> Result<Box<dyn AnyWindows>, RunError> {
        let bounds = Bounds {
            partitions,
            allowed_lateness_ms: self.spec.allowed_lateness.as_millis() as i64,
            entries_max: self.spec.entries_max,
        };
        let mut windows = self.registration.windows(&self.spec.params(), bounds)?;
        for adopted in &rules.adopted {
            windows.adopt(&adopted.rules.params(&self.spec), &adopted.from)?;
        }
        Ok(windows)
    }

    /// What its SmartModule does, to be done here.
    pub(crate) fn fold(&self) -> Result<Box<dyn AnyFold>, RunError> {
        Ok(self.registration.fold(&self.spec.params())?)
    }
}
