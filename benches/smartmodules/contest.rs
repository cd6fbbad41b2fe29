//! Chains of SmartModules that take turns in one thread, so that other work on the machine affects all of them alike.

use std::time::Instant;

use benches::Chain;
use benches::batch::Batch;

/// The number of rounds.
pub(crate) const ROUNDS: usize = 25;

/// Chains that take turns with the same batches.
pub(crate) struct Contest<const N: usize> {
    pub(crate) batches: Vec<Batch>,
    pub(crate) chains: [Chain; N],
}

impl<const N: usize> Contest<N> {
    /// Returns the seconds that each chain took in each round. A warm-up round is not included.
    pub(crate) fn rounds(mut self) -> anyhow::Result<Vec<[f64; N]>> {
        self.round(0)?;
        (0..ROUNDS).map(|round| self.round(round)).collect()
    }

    /// Runs one round. Each round begins with a different chain.
    fn round(&mut self, round: usize) -> anyhow::Result<[f64; N]> {
        let mut seconds = [0.0; N];
        for turn in 0..N {
            let which = (round + turn) % N;
            seconds[which] = self.run(which)?;
        }
        Ok(seconds)
    }

    fn run(&mut self, which: usize) -> anyhow::Result<f64> {
        let inputs: Vec<_> = self.batches.iter().map(Batch::input).collect();
        let start = Instant::now();
        for input in inputs {
            self.chains[which].run(input)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }
}
