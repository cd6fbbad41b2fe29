//! `consume`: print the records of a topic, without Fluvio's own command-line tool.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use client::{Cluster, Mode, Partition, Record, Start};
use futures_util::StreamExt;
use futures_util::stream::select_all;

use crate::cli::{ConsumeCommand, Output};
use crate::signal;
use crate::terminal::visible_bytes;

/// How many records before the end of each partition reading starts by default.
const FROM_END_DEFAULT: u64 = 10;

pub(crate) async fn consume(args: ConsumeCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let cluster = Cluster::connect_with(&args.cluster.options()).await?;
    let start = if args.beginning {
        Start::Beginning
    } else {
        Start::FromEnd(args.from_end.unwrap_or(FROM_END_DEFAULT))
    };
    let mode = if args.follow {
        Mode::Follow
    } else {
        Mode::UntilEnd
    };
    let mut partitions = Vec::new();
    for partition in Partition::of(cluster.partition_count(&args.topic).await?) {
        let records = cluster.records(&args.topic, partition, start, mode).await?;
        partitions.push(records.map(move |record| (partition, record)));
    }
    let mut records = select_all(partitions);
    let mut printer = Printer::new(args.output);
    loop {
        let next = tokio::select! {
            next = records.next() => next,
            () = stop.cancelled() => None,
        };
        let Some((partition, record)) = next else {
            return printer.finish();
        };
        let record = record.with_context(|| format!("reading `{}-{partition}`", args.topic))?;
        if !printer.print(partition, &record)? {
            return Ok(());
        }
    }
}

/// Writes records to standard output. If the process that reads the output closes the pipe (`| head`), `consume` ends
/// without an error.
struct Printer {
    output: Output,
    out: io::LineWriter<io::Stdout>,
}

impl Printer {
    fn new(output: Option<Output>) -> Self {
        let default = if io::stdout().is_terminal() {
            Output::Pretty
        } else {
            Output::Json
        };
        Self {
            output: output.unwrap_or(default),
            out: io::LineWriter::new(io::stdout()),
        }
    }

    /// Writes a record. Returns false if standard output is closed.
    fn print(&mut self, partition: Partition, record: &Record) -> anyhow::Result<bool> {
        match self.write(partition, record) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&mut self, partition: Partition, record: &Record) -> io::Result<()> {
        if self.output == Output::Pretty {
            let key = visible_bytes(record.key.as_deref().unwrap_or_default());
            let value = visible_bytes(&record.value);
            return writeln!(self.out, "{partition}:{} {key} {value}", record.offset);
        }
        self.out.write_all(&record.value)?;
        self.out.write_all(b"\n")
    }

    fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }
}
