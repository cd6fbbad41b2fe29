//! Reads the processor time and the memory of a process from `/proc` (Linux only).

use anyhow::Context;

/// Which value of a process's resident memory to read.
#[derive(Clone, Copy, Debug)]
pub enum Memory {
    /// The current value.
    Resident,
    /// The maximum since the process started, or since [`reset_peak`].
    Peak,
}

/// Returns the processor time of a process so far, in user and kernel mode together, in seconds.
pub fn processor_seconds(pid: u32) -> anyhow::Result<f64> {
    const TICKS_PER_SECOND: f64 = 100.0; // on all common platforms
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit(')').next().context("a name in brackets")?;
    let mut times = fields.split_whitespace().skip(11).take(2);
    let mut next = || -> anyhow::Result<f64> { Ok(times.next().context("a time")?.parse()?) };
    Ok((next()? + next()?) / TICKS_PER_SECOND)
}

/// Returns the memory of a process in megabytes of 10⁶ bytes.
pub fn memory_mb(pid: u32, which: Memory) -> anyhow::Result<f64> {
    let name = match which {
        Memory::Resident => "VmRSS:",
        Memory::Peak => "VmHWM:",
    };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.context("no such line")?.trim().trim_end_matches(" kB");
    Ok(kib.parse::<f64>()? * 1_024.0 / 1e6)
}

/// Resets the peak of a process's memory to its current memory.
pub fn reset_peak(pid: u32) -> anyhow::Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5")
        .with_context(|| format!("cannot reset the peak memory of process {pid}"))
}
