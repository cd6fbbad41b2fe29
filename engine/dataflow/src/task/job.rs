//! Everything that is needed to start a derivation, for the first time or after an error.

use std::time::Duration;

use client::{Cluster, Offset, Partition, PartitionSource};
use model::Timestamp;
use model::fold::FoldRequest;
use tokio::sync::watch;

use crate::error::RunError;
use crate::lease::Runner;
use crate::pipeline::Pipeline;
use crate::read::partition::Source;
use crate::read::shared::{SharedReaders, Starting};
use crate::read::table::JoinedTable;
use crate::read::upstream::UpstreamPartition;
use crate::sink::status::StatusBoard;
use crate::spec::locate::Locate;
use crate::spec::modules::SourceModules;
use crate::spec::registration::Registration;
use crate::spec::rule_set::RuleHistory;
use crate::spec::{DerivationSpec, WindowSpec};
use crate::task::options::Options;
use crate::windows::Bounds;

#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) cluster: Cluster,
    pub(crate) name: String,
    pub(crate) spec: DerivationSpec,
    pub(crate) registration: Registration,
    pub(crate) modules: SourceModules,
    pub(crate) status: StatusBoard,
    /// The runner that acquires the lease.
    pub(crate) runner: Runner,
    /// Whether this derivation writes the rejected records of its source. Only the first derivation of each source
    /// does.
    pub(crate) rejects: bool,
    /// The shared readers of this process.
    pub(crate) shared_readers: SharedReaders,
}

impl Job {
    pub(crate) fn new(
        options: &Options,
        name: &str,
        spec: &DerivationSpec,
        shared_readers: &SharedReaders,
    ) -> Result<Self, RunError> {
        let missing = || RunError::ModuleMissing(name.to_owned());
        let mut of_source = options
            .dataflow
            .derivations
            .iter()
            .filter(|(_, other)| other.from == spec.from);
        Ok(Self {
            cluster: options.cluster.clone(),
            name: name.to_owned(),
            spec: spec.clone(),
            registration: options.registry.code_of(name, spec).ok_or_else(missing)?,
            modules: options.registry.source_modules(&spec.from)?,
            status: options.status.clone(),
            runner: Runner::new(),
            rejects: of_source.next().is_some_and(|(first, _)| first == name),
            shared_readers: shared_readers.clone(),
        })
    }

    /// Counts this derivation among those of its source that are starting.
    pub(crate) fn starting(&self) -> Starting {
        self.shared_readers.starting(&self.spec.from)
    }

    /// Loads the table that the derivation's query joins, if it joins one, as far as windows that are not over or can
    /// be corrected at `watermark` need it.
    pub(crate) async fn table(
        &self,
        watermark: Option<Timestamp>,
    ) -> Result<Option<JoinedTable>, RunError> {
        let Some(table) = self.spec.table() else {
            return Ok(None);
        };
        let needed_from = watermark.map_or(Timestamp::MIN, |at| self.needed_from(at));
        let table = JoinedTable::load(&self.cluster, table, needed_from);
        Ok(Some(table.await?))
    }

    /// Returns the start of the first window that can still be corrected at `watermark`.
    pub(crate) fn needed_from(&self, watermark: Timestamp) -> Timestamp {
        let size = self.spec.window.map_or(Duration::ZERO, WindowSpec::size);
        let reach = self.spec.allowed_lateness + size;
        watermark.plus_ms(-(reach.as_millis() as i64))
    }

    /// Creates a pipeline with empty windows over `partitions` partitions. It contains all adopted versions of the
    /// rules, so that it processes each record with the version that applies to it.
    pub(crate) fn pipeline(
        &self,
        partitions: usize,
        rules: &RuleHistory,
        table: Option<&JoinedTable>,
    ) -> Result<Pipeline, RunError> {
        let bounds = Bounds {
            partitions,
            allowed_lateness_ms: self.spec.allowed_lateness.as_millis() as i64,
            entries_max: self.spec.entries_max,
            early: self.spec.emit_every.is_some(),
        };
        let mut windows = self.registration.make_joined(
            &self.spec.params(),
            bounds,
            table.map(JoinedTable::versions),
        )?;
        for adopted in &rules.adopted {
            windows.adopt(&adopted.rules.params(&self.spec), &adopted.from)?;
        }
        Ok(Pipeline::new(windows))
    }

    /// Returns the code that finds the event time and key of source records.
    pub(crate) fn locate(&self) -> Result<Box<dyn Locate>, RunError> {
        Ok(self.registration.locate(&self.spec.params())?)
    }

    /// Creates a reader of one source partition, from `next_offset` on. It pauses while `only` names another
    /// partition.
    pub(crate) fn source(
        &self,
        partition: Partition,
        next_offset: Offset,
        only: watch::Receiver<Option<Partition>>,
    ) -> Source {
        let upstream = UpstreamPartition {
            cluster: self.cluster.clone(),
            source: PartitionSource {
                topic: self.spec.from.clone(),
                partition,
                offset: next_offset,
            },
            modules: self.modules.clone(),
        };
        let fold = FoldRequest {
            derivation: self.name.clone(),
            params: self.spec.param_texts(),
        };
        Source::of(upstream, fold, &self.shared_readers, &self.status, only)
    }
}
