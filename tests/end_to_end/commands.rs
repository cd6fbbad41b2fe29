//! Builds the command lines of the generator and of the runner, which most tests need.

use std::fmt::Display;
use std::process::Output;

use crate::dataflow_file::DataflowFile;
use crate::harness::{self, Running};

/// Builds a `generate` command.
#[derive(Clone)]
pub(crate) struct Generator(Arguments);

impl Generator {
    /// Creates a command that writes the events to a cluster.
    pub(crate) fn at(cluster: &str) -> Self {
        Self(Arguments::of("generate").with("--cluster", cluster))
    }

    /// Creates a command that serves the events over HTTP on a free port.
    pub(crate) fn serving() -> Self {
        Self(Arguments::of("generate").with("--serve", "127.0.0.1:0"))
    }

    pub(crate) fn dataflow(self, file: &DataflowFile) -> Self {
        Self(self.0.with("--dataflow", file.path()))
    }

    /// Sets the number of events per second.
    pub(crate) fn rate(self, events: u32) -> Self {
        Self(self.0.with("--rate", events))
    }

    /// Stops the generator after this many events.
    pub(crate) fn events(self, count: u64) -> Self {
        Self(self.0.with("--events", count))
    }

    pub(crate) fn seed(self, seed: u64) -> Self {
        Self(self.0.with("--seed", seed))
    }

    /// Sets the share of events that are broken.
    pub(crate) fn broken(self, share: f64) -> Self {
        Self(self.0.with("--broken", share))
    }

    /// Sets the number of incidents planted per hour.
    pub(crate) fn incidents(self, per_hour: u32) -> Self {
        Self(self.0.with("--incidents", per_hour))
    }

    /// Appends the ground truth about incidents to this file.
    pub(crate) fn truth(self, file: &str) -> Self {
        Self(self.0.with("--truth", file))
    }

    /// Sets the event time at which the world begins.
    pub(crate) fn beginning_at(self, time: &str) -> Self {
        Self(self.0.with("--start", time))
    }

    pub(crate) fn start(&self) -> Running {
        self.0.start()
    }

    /// Runs the command to its end. It must succeed.
    pub(crate) fn run(&self) -> Output {
        harness::run(&self.0.each())
    }
}

/// Builds a `run` command.
#[derive(Clone)]
pub(crate) struct Runner(Arguments);

impl Runner {
    pub(crate) fn at(cluster: &str) -> Self {
        Self(Arguments::of("run").with("--cluster", cluster))
    }

    pub(crate) fn dataflow(self, file: &DataflowFile) -> Self {
        Self(self.0.with("--dataflow", file.path()))
    }

    /// Recomputes history into topics with this suffix.
    pub(crate) fn replay_into(self, suffix: &str) -> Self {
        Self(self.0.with("--from", "beginning").with("--into", suffix))
    }

    /// Resets a derivation. The command asks for confirmation, unless [`Self::yes`] is added.
    pub(crate) fn reset(self, derivation: &str) -> Self {
        Self(self.0.with("--reset", derivation))
    }

    pub(crate) fn yes(self) -> Self {
        Self(self.0.flag("--yes"))
    }

    pub(crate) fn start(&self) -> Running {
        self.0.start()
    }

    /// Runs the command to its end. It must succeed.
    pub(crate) fn run(&self) -> Output {
        harness::run(&self.0.each())
    }

    /// Runs the command to its end, whether it succeeds or not.
    pub(crate) fn try_run(&self) -> Output {
        harness::try_run(&self.0.each())
    }
}

/// A subcommand and its flags.
#[derive(Clone)]
struct Arguments(Vec<String>);

impl Arguments {
    fn of(subcommand: &str) -> Self {
        Self(vec![subcommand.to_owned()])
    }

    fn flag(mut self, name: &str) -> Self {
        self.0.push(name.to_owned());
        self
    }

    fn with(self, name: &str, value: impl Display) -> Self {
        self.flag(name).flag(&value.to_string())
    }

    fn each(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    fn start(&self) -> Running {
        Running::start(&self.each())
    }
}
