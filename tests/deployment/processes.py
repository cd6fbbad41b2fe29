"""Runs services as processes: starts them in the order of their dependencies, checks their health, and stops them."""

import signal
import subprocess
import time
from pathlib import Path

from compose_file import Service

POLL_S = 0.2


class Failed(Exception):
    """A check failed."""


class Processes:
    """The processes of the services, and their health."""

    def __init__(self, services: list[Service], logs: Path):
        self.services = {service.name: service for service in services}
        self.logs = logs
        self.running: dict[str, subprocess.Popen] = {}
        self.started_at: dict[str, float] = {}
        self.done: dict[str, float] = {}  # seconds until each was healthy or completed
        logs.mkdir(parents=True, exist_ok=True)

    def start_all(self) -> None:
        """Starts all services. Waits until each is healthy or, if it is one that ends by itself, has completed."""
        while len(self.done) < len(self.services):
            for service in self.services.values():
                if service.name not in self.running and self._may_start(service):
                    self.start(service)
                elif service.name in self.running and service.name not in self.done:
                    self._look_at(service)
            self.assert_all_alive()
            time.sleep(POLL_S)

    def start(self, service: Service) -> None:
        log = self.log(service.name).open("ab")
        self.running[service.name] = subprocess.Popen(
            service.command, env=service.environment, cwd=self.logs, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self.started_at[service.name] = time.monotonic()
        (self.logs / f"{service.name}.pid").write_text(str(self.running[service.name].pid))

    def start_the_dead(self) -> None:
        """Restarts ended processes, as `restart: unless-stopped` does."""
        for name, process in list(self.running.items()):
            if process.poll() is not None and not self.services[name].is_once:
                print(f"{name}: ended with {process.returncode}, starts again", flush=True)
                self.start(self.services[name])

    def assert_all_alive(self) -> None:
        for name, process in self.running.items():
            code = process.poll()
            if code is not None and not (self.services[name].is_once and code == 0):
                raise Failed(f"`{name}` ended with {code}:\n{self.tail(name)}")

    def is_healthy(self, service: Service) -> bool:
        """Runs the service's health check. A service without a health check is healthy."""
        if service.check is None:
            return True
        try:
            asked = subprocess.run(
                service.check,
                env=service.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=service.check_timeout_s,
            )
        except subprocess.TimeoutExpired:
            return False
        return asked.returncode == 0

    def stop_all(self) -> dict[str, int]:
        """Stops all processes with SIGTERM, in the reverse order of their starts. Returns the exit codes by name."""
        codes = {}
        for name in reversed(list(self.running)):
            process = self.running[name]
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(self.services[name].grace_s)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            codes[name] = process.returncode
        return codes

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def tail(self, name: str, lines: int = 15) -> str:
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])

    def _may_start(self, service: Service) -> bool:
        return all(
            other in (self.running if condition == "service_started" else self.done)
            for other, condition in service.waits_for.items()
        )

    def _look_at(self, service: Service) -> None:
        took = time.monotonic() - self.started_at[service.name]
        process = self.running[service.name]
        if service.is_once:
            is_done = process.poll() == 0
        else:
            is_done = self.is_healthy(service)
        if is_done:
            self.done[service.name] = took
            print(f"{service.name}: {'completed' if service.is_once else 'healthy'} after {took:.1f} s", flush=True)
        elif not service.is_once and took > service.healthy_within_s:
            raise Failed(f"`{service.name}` is not healthy after {took:.0f} s:\n{self.tail(service.name)}")
