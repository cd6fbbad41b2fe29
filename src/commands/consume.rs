//! `consume`: print the records of a topic, for those without Fluvio's own command line.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use client::{Cluster, Mode, Record, Start};
use futures_util::StreamExt;
use futures_util::stream::select_all;

use crate::cli::{self, Output};
use crate::signal;

/// Records before the end of each partition to start from where nothing else is said.
const FROM_END_DEFAULT: u64 = 10;

pub(crate) async fn consume(args: cli::Consume) -> anyhow::Result<()> {
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
    for partition in 0..cluster.partition_count(&args.topic).await? {
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

/// Writes records to standard output; a reader that hangs up (`| head`) ends it without a word.
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

    /// False when nobody reads any more.
    fn print(&mut self, partition: u32, record: &Record) -> anyhow::Result<bool> {
        let written = self.write(partition, record);
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&mut self, partition: u32, record: &Record) -> io::Result<()> {
        if self.output == Output::Pretty {
            let key = record
                .key
                .as_deref()
                .map(String::from_utf8_lossy)
                .unwrap_or_default();
            write!(self.out, "{partition}:{} {key} ", record.offset)?;
        }
        self.out.write_all(&record.value)?;
        self.out.write_all(b"\n")
    }

    fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }
}
