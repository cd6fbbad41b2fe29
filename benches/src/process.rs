//! Runs subcommands of the binary, each in a separate process, so that the processor time and memory of each can
//! be measured.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::{NamedTempFile, TempDir};

/// The timeout for a line of output. The benchmarks wait only for lines that a subcommand prints while it starts.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A child process that is killed when this value is dropped.
#[derive(Debug)]
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

/// A running subcommand.
#[derive(Debug)]
pub struct Running {
    process: Killed,
    lines: mpsc::Receiver<String>,
    log: NamedTempFile,
}

impl Running {
    /// Starts a subcommand. Its standard error is shown only if it fails.
    pub fn start(args: &[&str]) -> anyhow::Result<Self> {
        let log = NamedTempFile::new()?;
        let binary = binary()?;
        let mut child = Command::new(&binary)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.reopen()?)
            .spawn()
            .with_context(|| format!("cannot start `{}`", binary.display()))?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = output.lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        let process = Killed(child);
        Ok(Self {
            process,
            lines,
            log,
        })
    }

    /// Waits for a line that begins with `prefix`, and returns the rest of the line.
    pub fn line(&self, prefix: &str) -> anyhow::Result<String> {
        loop {
            let line = self.lines.recv_timeout(TIMEOUT);
            let line = line.with_context(|| format!("no line `{prefix}…`: {}", self.log()))?;
            if let Some(rest) = line.strip_prefix(prefix) {
                return Ok(rest.to_owned());
            }
        }
    }

    /// Returns the id of the process.
    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Returns what the process has written to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// Waits until the process ends by itself. Returns an error unless its exit status is a success.
    pub fn wait(mut self) -> anyhow::Result<()> {
        let status = self.process.0.wait()?;
        ensure!(status.success(), "it ended with {status}: {}", self.log());
        Ok(())
    }

    /// Sends SIGTERM, and waits for a successful exit.
    pub fn stop(self) -> anyhow::Result<()> {
        let pid = self.pid().to_string();
        let signalled = Command::new("kill").args(["-TERM", &pid]).status()?;
        ensure!(signalled.success(), "it had ended: {}", self.log());
        self.wait()
    }
}

/// A local cluster in a separate process, with its data in a temporary folder.
#[derive(Debug)]
pub struct LocalCluster {
    /// The process. It is declared before `_data`, so that it is killed before its folder is removed.
    pub process: Running,
    /// The address for clients.
    pub address: String,
    _data: TempDir,
}

impl LocalCluster {
    /// Starts a cluster without topics, and waits until it answers.
    pub fn start() -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let folder = data.path().to_str().context("a folder with a plain name")?;
        let args = ["local-cluster", "--data-dir", folder];
        let ports = ["--cluster-addr", "127.0.0.1:0", "--spu-addr", "127.0.0.1:0"];
        let process = Running::start(&[&args[..], &ports].concat())?;
        Ok(Self {
            address: process.line("cluster: ")?,
            process,
            _data: data,
        })
    }
}

/// Returns the binary that the environment variable `BINARY` names, or the one in the target folder of this benchmark.
fn binary() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("BINARY").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let this = std::env::current_exe()?;
    let folder = this.ancestors().nth(2).context("no target folder")?;
    let binary = folder.join("game-analytics");
    ensure!(
        binary.exists(),
        "no `{}`: build it with `make build CARGO_PROFILE=release`, or name another with BINARY",
        binary.display()
    );
    Ok(binary)
}
