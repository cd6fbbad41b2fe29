#!/usr/bin/env python3
"""Runs docker-compose.yml as processes on a real cluster, and checks it from outside as its users do.

    FLUVIO_RUN=…/fluvio-run make test-compose

Commands, arguments, environment, health checks and the order of starts are those of the file, which compose itself
reads. Properties of containers are not tested: limits, users and read-only file systems. Runs on Linux only, where
all of 127.0.0.0/8 is local.

  FLUVIO_RUN   the path of Fluvio's program `fluvio-run` (required)
  BINARY       our program; default target/debug/game-analytics
  COMPOSE      the command that reads the file; default `docker compose`
  NC           netcat; default `nc` in PATH
  PROMETHEUS   Prometheus's program; if given, the monitoring profile also runs, without Grafana

If services are given as arguments, only these and their dependencies run, and nothing is tested. With `--keep`, all
run until Ctrl-C, killed services are restarted, and the address of the cluster and the folder of logs are printed.
`make test-cluster` can use this real cluster, with RESTART_SPU set to `kill -9 $(cat FOLDER/spu-1.pid)`.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import outside
from compose_file import ENGINE, OURS, ROOT, ComposeFile
from processes import Failed, Processes
from published import Published

NOT_HERE = {"grafana"}  # services that are not run


def main() -> None:
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, stop)
    wanted = arguments()
    work = Path(tempfile.mkdtemp(prefix="compose-as-processes-"))
    processes = None
    try:
        file = ComposeFile(programs(), wanted.network, work, ["monitoring"] if "PROMETHEUS" in os.environ else [])
        processes, published = prepare(file, wanted.services, work)
        run(file, processes, published, wanted)
    except Failed as failed:
        sys.exit(f"failed: {failed}")
    except KeyboardInterrupt:
        pass
    finally:
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, signal.SIG_IGN)  # a second signal must not interrupt the wait for processes
        if processes:
            processes.stop_all()
        shutil.rmtree(work, ignore_errors=True)


def stop(_number, _frame) -> None:
    raise KeyboardInterrupt


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", nargs="*", help="only these and their dependencies")
    parser.add_argument("--keep", action="store_true", help="leave all running until Ctrl-C")
    parser.add_argument("--network", default="127.93.7", help="first three numbers of the addresses to use")
    return parser.parse_args()


def programs() -> dict[str, str]:
    if not os.environ.get("FLUVIO_RUN"):
        sys.exit("give the path of the engine's program: FLUVIO_RUN=…/fluvio-run")
    found = {ENGINE: os.environ["FLUVIO_RUN"]}
    found[OURS] = os.environ.get("BINARY", str(ROOT / "target/debug/game-analytics"))
    found["nc"] = os.environ.get("NC") or shutil.which("nc") or sys.exit("no `nc`: install netcat-openbsd")
    if prometheus := os.environ.get("PROMETHEUS"):
        found["prom/prometheus"] = prometheus
    for program in found.values():
        if not shutil.which(program):
            sys.exit(f"`{program}` is not a program")
    return found


def prepare(file: ComposeFile, names: list[str], work: Path) -> tuple[Processes, Published]:
    services = {name: file.service(name) for name in file.services if name not in NOT_HERE}
    once_are_waited_for(services)
    chosen = dict.fromkeys(names or services)
    for name in chosen.copy():
        with_what_it_waits_for(name, services, chosen)
    published = Published()
    for name in chosen:
        for address, port, target in services[name].published:
            published.publish(address, port, services[name].address, target)
    return Processes([services[name] for name in chosen], work / "logs"), published


def once_are_waited_for(services: dict) -> None:
    """Checks that each service that ends has another one that waits for it; else `docker compose up --wait` fails."""
    awaited = {
        other
        for service in services.values()
        for other, condition in service.waits_for.items()
        if condition == "service_completed_successfully"
    }
    for name, service in services.items():
        if service.is_once and name not in awaited:
            raise Failed(f"`{name}` ends and no service waits for its end")


def with_what_it_waits_for(name: str, services: dict, chosen: dict) -> None:
    for other in services[name].waits_for:
        chosen[other] = None
        with_what_it_waits_for(other, services, chosen)


def run(file: ComposeFile, processes: Processes, published: Published, wanted: argparse.Namespace) -> None:
    processes.start_all()
    if wanted.keep:
        print(f"cluster: {file.published_address}:9003", flush=True)
        print(f"logs and process ids: {processes.logs}", flush=True)
        while True:
            outside.wait_a_moment()
            processes.start_the_dead()
    if wanted.services:
        return
    passed = outside.look(file, processes, published)
    for name, service in processes.services.items():
        if not service.is_once and not processes.is_healthy(service):
            raise Failed(f"`{name}` is no longer healthy:\n{processes.tail(name)}")
    codes = processes.stop_all()
    ours = [name for name, service in processes.services.items() if service.command[0] != os.environ["FLUVIO_RUN"]]
    for name in ours:
        if codes[name] != 0:
            raise Failed(f"`{name}` ended with {codes[name]} when told to stop:\n{processes.tail(name)}")
    print(f"{passed + 2} passed, 0 failed")


if __name__ == "__main__":
    main()
