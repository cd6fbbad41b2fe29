#!/usr/bin/env python3
"""Checks the deployment files with the tools that read them: `make check-deployment`.

Starts nothing and needs no container engine. Only promtool is optional: without it, alerts are not tested.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy/monitoring"
DASHBOARDS = sorted((MONITORING / "grafana/provisioning/dashboards/json").glob("*.json"))
OPERATIONS = (ROOT / "docs/operations.md").read_text()
# The metrics of the web API are documented in its own README.
METRICS = OPERATIONS + (ROOT / "connectors/web-api/README.md").read_text()
# The suffixes of a histogram's samples. The documentation lists histograms without them.
SAMPLE_SUFFIX = re.compile(r"_(bucket|sum|count)$")
PREFIXES = re.compile(r"^game_analytics_(web_api_)?")


def main() -> None:
    checks = [
        compose,
        containers_are_confined,
        one_service_builds,
        dockerfile,
        docker_context,
        workflows,
        scripts,
        alerts,
        dashboards,
    ]
    failures = []
    for check in checks:
        name = check.__name__.replace("_", " ")
        problems = check()
        print(f"{name}: {'ok' if not problems else 'FAILED'}", flush=True)
        failures += [f"{name}: {problem}" for problem in problems]
    print("\n".join(failures))
    print(f"{len(checks) - len({failure.split(':')[0] for failure in failures})} passed, {len(failures)} failed")
    sys.exit(bool(failures))


def compose() -> list[str]:
    """Checks that the file matches its schema, and that compose can resolve it."""
    return [
        *tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"),
        *tool("docker-compose", "--profile", "monitoring", "config", "--quiet"),
    ]


def containers_are_confined() -> list[str]:
    problems = []
    try:
        found = services()
    except subprocess.CalledProcessError:
        return ["compose cannot read the file"]
    for name, service in found.items():
        for key, wanted in {"read_only": True, "cap_drop": ["ALL"]}.items():
            if service.get(key) != wanted:
                problems.append(f"`{name}`: {key} is not {wanted}")
        for limit in ("cpus", "mem_limit", "pids_limit"):
            if not service.get(limit):
                problems.append(f"`{name}` has no {limit}")
        once = service.get("restart") == "no"
        check = service.get("healthcheck", {}).get("test", [None])
        if not once and check[0] != "CMD":
            problems.append(f"`{name}` has no health check in exec form")
        if any(port["host_ip"] != "127.0.0.1" for port in service.get("ports", [])):
            problems.append(f"`{name}` is published beyond this machine by default")
    return problems


def one_service_builds() -> list[str]:
    """Checks that no two services build the same image, because compose builds all services at once."""
    built = [service["image"] for service in services().values() if "build" in service]
    return [f"{built.count(image)} services build `{image}`" for image in sorted(set(built)) if built.count(image) > 1]


def services() -> dict:
    command = [beside("docker-compose"), "--profile", "monitoring", "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"]}  # without this machine's other variables, the file's defaults apply
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return json.loads(done.stdout)["services"]


def dockerfile() -> list[str]:
    last_stage = (ROOT / "deploy/Dockerfile").read_text().split("\nFROM ")[-1]
    root = [] if re.search(r"^USER [1-9]\d*", last_stage, re.M) else ["the image's user is not a number above 0"]
    return root + tool("hadolint", "--failure-threshold", "info", "deploy/Dockerfile")


def docker_context() -> list[str]:
    """Checks that the build context includes the folder of every crate, and the other files that the build needs."""
    lines = (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    members = re.search(r"members = \[(.*?)\]", (ROOT / "Cargo.toml").read_text(), re.DOTALL)[1]
    rooms = {member.split("/")[0] for member in re.findall(r'"([^"]+)"', members)}
    missing = (rooms | {"Cargo.toml", "Cargo.lock", ".cargo", "src", "scripts"}) - allowed
    return [f"deploy/Dockerfile.dockerignore keeps out `{name}`, which the build needs" for name in sorted(missing)]


def workflows() -> list[str]:
    found = [str(path) for path in sorted((ROOT / ".github/workflows").glob("*.yml"))]
    if not found:
        return ["no workflow found"]
    return [
        *tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *found),
        *tool("check-jsonschema", "--builtin-schema", "custom.github-workflows-require-timeout", *found),
        *tool("zizmor", "--offline", "--no-progress", "--quiet", *found),
        *only_make(found),
    ]


def only_make(found: list[str]) -> list[str]:
    """Checks that CI runs only make targets, which developers can run too, and commands that prepare the machine."""
    prepares = ("rustup ", "sudo apt-get ", "echo ", "gh ")
    problems = []
    for path in found:
        for job in yaml.safe_load(Path(path).read_text())["jobs"].values():
            for step in job["steps"]:
                for line in step.get("run", "").splitlines():
                    if not line.startswith(("make ", *prepares)):
                        problems.append(f"{Path(path).name}: `{line}` is not a make target")
    return problems


def scripts() -> list[str]:
    shell = [
        str(path)
        for path in sorted((ROOT / "scripts").iterdir())
        if path.is_file() and re.match(r"#!.*\b(ba)?sh\b", path.read_text(errors="replace").split("\n")[0])
    ]
    return tool("shellcheck", "--severity", "warning", *shell)


def alerts() -> list[str]:
    """Checks that each alert is documented, uses documented metrics, and has a test."""
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    tests = (MONITORING / "alerts_test.yml").read_text()
    problems = []
    for rule in (rule for group in groups for rule in group["rules"]):
        name = rule["alert"]
        if f"`{name}`" not in OPERATIONS:
            problems.append(f"docs/operations.md does not explain `{name}`")
        if f'alertname="{name}"' not in tests:
            problems.append(f"no test makes `{name}` fire")
        problems += unknown_metrics(f"alert `{name}`", rule["expr"])
    return problems + promtool()


def promtool() -> list[str]:
    program = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not program:
        print("   no promtool here, so alerts are not tested: install Prometheus, or set PROMTOOL")
        return []
    return [
        *run([program, "check", "config", str(MONITORING / "prometheus.yml")]),
        *run([program, "test", "rules", str(MONITORING / "alerts_test.yml")]),
    ]


def dashboards() -> list[str]:
    """Checks that Grafana's model knows every key of a dashboard, ids are unique, and metrics are documented."""
    register_default_plugins()
    problems = [] if DASHBOARDS else ["no dashboard found"]
    for path in DASHBOARDS:
        written = json.loads(path.read_text())
        understood = json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder))
        problems += [f"{path.name}: {lost}" for lost in what_is_lost(written, understood, "")]
        ids = [panel["id"] for panel in written["panels"]]
        if len(set(ids)) != len(ids):
            problems.append(f"{path.name}: two panels have one id")
        for panel in written["panels"]:
            for target in panel["targets"]:
                problems += unknown_metrics(f"{path.name}, `{panel['title']}`", target["expr"])
    return problems


def what_is_lost(written, understood, where: str) -> list[str]:
    if isinstance(written, dict) and isinstance(understood, dict):
        lost = [f"`{where}.{key}` is unknown to Grafana" for key in written if key not in understood]
        kept = [key for key in written if key in understood]
        return lost + [text for key in kept for text in what_is_lost(written[key], understood[key], f"{where}.{key}")]
    if isinstance(written, list) and isinstance(understood, list) and len(written) == len(understood):
        pairs = enumerate(zip(written, understood, strict=True))
        return [text for at, (one, other) in pairs for text in what_is_lost(one, other, f"{where}[{at}]")]
    return [] if written == understood else [f"`{where}` is read as `{understood}`"]


def unknown_metrics(where: str, expression: str) -> list[str]:
    """Reports metrics that the docs do not list. Whether services export them is checked by `make test-compose`."""
    names = set(re.findall(r"game_analytics_\w+", expression))
    short = {name: PREFIXES.sub("", name) for name in names}
    return [
        f"{where}: neither docs/operations.md nor the web API's README has a metric `{name}`"
        for name, tail in short.items()
        if not re.search(rf"`{tail}[`{{]", METRICS) and not re.search(rf"`{SAMPLE_SUFFIX.sub('', tail)}[`{{]", METRICS)
    ]


def tool(name: str, *words: str) -> list[str]:
    return run([beside(name), *words])


def beside(name: str) -> str:
    """The path of a tool, which is installed in the folder of the Python interpreter that runs this script."""
    return str(Path(sys.executable).parent / name)


def run(command: list[str]) -> list[str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"{Path(command[0]).name}:\n{done.stdout}{done.stderr}".rstrip()]


if __name__ == "__main__":
    main()
