"""Runs a local cluster and other subcommands of our binary as processes."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

START_S = 60
DEADLINE_S = 900
POLL_S = 0.02
STOP_S = 60
ADDRESS = re.compile(r"^[\w -]+: (?:http://)?(127\.0\.0\.1:\d+)$", re.MULTILINE)
ANY_PORT = "127.0.0.1:0"
Program = subprocess.Popen[bytes]


@dataclass
class Cluster:
    """A local cluster with its data in `data`. On exit it stops, and so does everything that was started on it."""

    binary: Path
    dataflow: Path
    data: Path
    logs: Path
    address: str = ""
    running: list[Program] = field(default_factory=list[Program])

    def __enter__(self) -> Self:
        command = ["local-cluster", "--data-dir", str(self.data), "--cluster-addr", ANY_PORT, "--spu-addr", ANY_PORT]
        self.spawn([str(self.binary), *command], "cluster.log")
        self.address = self.address_in("cluster.log")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in reversed(self.running):
            stop(process)

    def start(self, name: str, *words: str) -> Program:
        """Starts a subcommand of our binary on this cluster. Its output goes to the file `name` in `logs`."""
        return self.spawn(self.command(*words), name)

    def do(self, *words: str) -> str:
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(words)}: {done.stderr}")
        return done.stdout

    def command(self, *words: str) -> list[str]:
        dataflow = ["--dataflow", str(self.dataflow)] if words[0] != "consume" else []
        return [str(self.binary), *words, *dataflow, "--cluster", self.address]

    def address_in(self, name: str) -> str:
        """Waits until a program prints the address on which it accepts connections, and returns the address."""
        self.wait_until(lambda: ADDRESS.search((self.logs / name).read_text()) is not None, START_S)
        found = ADDRESS.search((self.logs / name).read_text())
        return found[1] if found else ""

    def wait_until(self, holds: Callable[[], bool], at_most_s: float = DEADLINE_S) -> None:
        """Waits until `holds` returns true. Exits with an error if a program ends, or if `at_most_s` seconds pass."""
        ends = time.monotonic() + at_most_s
        while not holds():
            if any(process.poll() is not None for process in self.running) or time.monotonic() > ends:
                logs = "\n".join(path.read_text()[-2000:] for path in self.logs.glob("*.log"))
                sys.exit(f"not reached: a process ended, or {at_most_s} s passed\n{logs}")
            time.sleep(POLL_S)

    def spawn(self, command: list[str], name: str) -> Program:
        with (self.logs / name).open("w") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.running.append(process)
        return process


def stop(process: Program) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
