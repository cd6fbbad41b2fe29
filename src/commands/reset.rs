//! `run --reset`: show what resetting a derivation will do, ask for confirmation, and reset it.

use std::io::{self, BufRead, IsTerminal};

use ::dataflow::{Options, reset as planned};
use anyhow::bail;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::signal;
use crate::terminal::{self, print_lines, say, visible};

pub(crate) async fn reset(
    options: &Options,
    derivations: &[String],
    yes: bool,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    for derivation in derivations {
        let reset =
            signal::unless_stopped(stop, async { Ok(planned(options, derivation).await?) }).await?;
        print_lines(&reset);
        if !yes {
            signal::unless_stopped(stop, confirmed(derivation)).await?;
        }
        signal::unless_stopped(stop, async { Ok(reset.apply().await?) }).await?;
        say!("{derivation}: reset; a runner resumes it within seconds");
    }
    Ok(())
}

/// Asks for confirmation on the terminal. Returns an error unless the answer is yes.
async fn confirmed(derivation: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!(
            "cannot ask for confirmation without a terminal: run this command in one, or with --yes"
        );
    }
    terminal::print(&format!("Reset `{}`? [y/N] ", visible(derivation)));
    // Reads the answer on a separate thread, so that the process can stop without waiting for it.
    let (sender, answer) = oneshot::channel();
    std::thread::spawn(move || {
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        sender.send(read.map(|_| answer))
    });
    match answer.await??.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("`{derivation}` was not reset"),
    }
}
