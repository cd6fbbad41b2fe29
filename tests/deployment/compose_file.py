"""Reads docker-compose.yml with compose itself, and translates its services to processes on one machine.

Every service gets its own loopback address, so that services can listen on the ports of the file. What is valid only in
containers is replaced: the names of services, 0.0.0.0 and 127.0.0.1 by addresses, the image's program by a file, and
volumes by folders. The rest of each command, environment and health check stays as it is.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = "/fluvio-run"  # the path of Fluvio's program in its image
OURS = "game-analytics"  # our program, and a part of the name of our image


@dataclass
class Service:
    """A service as a process: its command, its health check, and the services that it waits for."""

    name: str
    address: str
    command: list[str]
    environment: dict[str, str]
    check: list[str] | None
    check_timeout_s: float
    healthy_within_s: float
    grace_s: float
    is_once: bool
    waits_for: dict[str, str]
    published: list[tuple[str, int, int]] = field(default_factory=list)


class ComposeFile:
    """Reads the file once; `service` translates one of its services."""

    def __init__(self, programs: dict[str, str], network: str, work: Path, profiles: list[str]):
        self.programs, self.work = programs, work
        self.published_address = f"{network}.1"
        self.services = self._read(profiles)
        names = sorted(self.services)
        self.addresses = {name: f"{network}.{10 + at}" for at, name in enumerate(names)}

    def _read(self, profiles: list[str]) -> dict:
        compose = os.environ.get("COMPOSE", "docker compose").split()
        chosen = [word for profile in profiles for word in ("--profile", profile)]
        environment = {**os.environ, "PUBLISH_ADDRESS": self.published_address}
        command = [*compose, "--file", str(ROOT / "docker-compose.yml"), *chosen, "config", "--format", "json"]
        return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)["services"]

    def service(self, name: str) -> Service:
        """Translates a service, creates its folders and copies its files."""
        defined = self.services[name]
        places = self._places(name, defined)
        translate = lambda word: self._translate(name, word, places)  # noqa: E731
        check = defined.get("healthcheck")
        once = defined.get("restart") == "no"
        return Service(
            name=name,
            address=self.addresses[name],
            command=[translate(word) for word in self._command(defined)],
            environment=self._environment(name, defined, translate),
            check=[translate(word) for word in self._check(check)] if check else None,
            check_timeout_s=seconds(check["timeout"]) if check else 0,
            healthy_within_s=self._healthy_within_s(check) if check else 0,
            grace_s=seconds(defined.get("stop_grace_period", "10s")),
            is_once=once,
            waits_for={other: waits["condition"] for other, waits in defined.get("depends_on", {}).items()},
            published=[(port["host_ip"], int(port["published"]), port["target"]) for port in defined.get("ports", [])],
        )

    def _command(self, defined: dict) -> list[str]:
        if defined["command"][0] == ENGINE:
            return [self.programs[ENGINE], *defined["command"][1:]]
        if OURS in defined["image"]:
            return [self.programs[OURS], *defined["command"]]
        image = defined["image"].split(":")[0]
        return [self.programs[image], *defined["command"]]

    def _check(self, check: dict) -> list[str]:
        kind, program, *words = check["test"]
        assert kind == "CMD", f"a health check goes through a shell: {check['test']}"
        return [self.programs.get(program, program), *words]

    def _healthy_within_s(self, check: dict) -> float:
        return seconds(check["start_period"]) + check["retries"] * seconds(check["interval"])

    def _environment(self, name: str, defined: dict, translate) -> dict[str, str]:
        # Each container has its own /tmp, in which Fluvio's program creates a socket.
        own = self.work / "tmp" / name
        inherited = {"PATH": os.environ["PATH"], "HOME": str(own), "TMPDIR": str(own)}
        inherited["FLUVIO_METRIC_SPU"] = str(own / "spu.sock")
        own.mkdir(parents=True, exist_ok=True)
        return inherited | {key: translate(value) for key, value in defined.get("environment", {}).items()}

    def _places(self, name: str, defined: dict) -> dict[str, str]:
        """Maps paths in the container to the paths on this machine that replace them."""
        places = {}
        for volume in defined.get("volumes", []):
            here = self.work / "volumes" / volume["source"].lstrip("/")
            if volume["type"] == "bind":
                here = self.work / "files" / name / volume["target"].lstrip("/")
                self._lay_out(name, Path(volume["source"]), here)
            else:
                here.mkdir(parents=True, exist_ok=True)
            places[volume["target"]] = str(here)
        return places

    def _lay_out(self, name: str, source: Path, here: Path) -> None:
        """Copies a folder, or copies a file and translates the names of services in it."""
        assert source.exists(), f"{name}: `{source}` is mounted, but does not exist"
        if source.is_dir():
            shutil.copytree(source, here, dirs_exist_ok=True)
        else:
            here.parent.mkdir(parents=True, exist_ok=True)
            here.write_text(self._translate(name, source.read_text(), {}))

    def _translate(self, name: str, word: str, places: dict[str, str]) -> str:
        for there, here in places.items():
            word = re.sub(rf"(?<![\w/]){re.escape(there)}(?![\w-])", here, word)
        own = self.addresses[name]
        word = re.sub(r"(?<![\d.])(0\.0\.0\.0|127\.0\.0\.1)(?=:\d)", own, word)
        # A health check may have the host and the port as two arguments.
        word = own if word == "127.0.0.1" else word
        names = "|".join(map(re.escape, sorted(self.addresses, key=len, reverse=True)))
        return re.sub(rf"(?<![\w.-])({names})(?=:\d)", lambda found: self.addresses[found[1]], word)


def seconds(text: str) -> float:
    """Parses a duration such as `1m30s`, as compose writes it."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", text))
