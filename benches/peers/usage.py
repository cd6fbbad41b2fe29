"""Measures the wall time, processor time and memory of processes. Linux only."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SAMPLE_S = 0.05
DEADLINE_S = 900
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Usage:
    wall_s: float
    cpu_s: float  # user and system time
    peak_mib: float  # of all processes together, sampled


def adopt_orphans() -> None:
    """Makes this process the parent of orphaned descendants, so that it can wait for them and count their time."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        sys.exit("cannot adopt orphaned processes")


def of_command(command: list[str], environment: Mapping[str, str], folder: Path) -> Usage:
    """Runs a command, and measures it with all of its descendants. Its output is printed only if it fails."""
    log = folder / "job.log"
    before, began, peak = children_cpu_s(), time.monotonic(), 0.0
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, start_new_session=True,
        )
    try:
        while not has_ended(process):
            peak = max(peak, memory_mib(descendants(process.pid)))
            if time.monotonic() - began > DEADLINE_S:
                sys.exit(f"{' '.join(command)}: runs for more than {DEADLINE_S} s")
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    wall_s = time.monotonic() - began
    reap_orphans()
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{log.read_text()[-5000:]}")
    return Usage(wall_s, children_cpu_s() - before, peak)


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Waits for a process until the next sample is due. Returns whether the process has ended."""
    try:
        process.wait(SAMPLE_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def reap_orphans() -> None:
    with suppress(ChildProcessError):
        while True:
            os.wait()


def children_cpu_s() -> float:
    """The processor time of all children that were waited for, including that of their own children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_s(pids: Iterable[int]) -> float:
    return sum((int(fields[11]) + int(fields[12])) / TICKS for fields in map(stat, pids) if fields)


def memory_mib(pids: Iterable[int]) -> float:
    return sum(int(fields[21]) * PAGE_BYTES for fields in map(stat, pids) if fields) / 2**20


def descendants(root: int) -> list[int]:
    """The ids of a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := stat(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; none if the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
