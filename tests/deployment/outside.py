"""Checks the running services through their published addresses, as a user does."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone

from compose_file import OURS, ROOT, ComposeFile
from processes import Failed, Processes
from published import Published

SOURCES = ("player-events", "purchase-events", "server-metrics")
MADE = re.compile(r"_(bucket|sum|count|total)$")  # suffixes that Prometheus's metadata of a metric does not have
DEADLINE_S = 120
POLL_S = 0.5


def look(file: ComposeFile, processes: Processes, published: Published) -> int:
    """Runs every check and returns their number."""
    checks = [
        containers_use_their_own_addresses,
        the_cluster_is_whole,
        registering_again_changes_nothing,
        an_event_can_be_posted,
        sources_lie_on_both_servers,
        derived_rows_arrive,
        http_source_delivers,
        the_dashboard_answers,
        prometheus_scrapes,
    ]
    for check in checks:
        began = time.monotonic()
        check(file, processes, published)
        print(f"ok: {check.__name__.replace('_', ' ')}, {time.monotonic() - began:.1f} s", flush=True)
    return len(checks)


def containers_use_their_own_addresses(_file: ComposeFile, _processes: Processes, published: Published) -> None:
    """Checks that no service uses a published port, which containers cannot reach. Must run before the other checks."""
    if published.connections:
        raise Failed(f"{published.connections} connections of services to published ports")


def the_cluster_is_whole(file: ComposeFile, processes: Processes, published: Published) -> None:
    """Checks the cluster from the host, through the addresses that the controller gives to clients."""
    ours(file, "cluster", "status", "--spus", "2")
    if not published.connections:
        raise Failed("`cluster status` did not use the published ports")


def registering_again_changes_nothing(_file: ComposeFile, processes: Processes, _published: Published) -> None:
    for name in ("register-spu-1", "register-spu-2", "provision"):
        service = processes.services[name]
        again = subprocess.run(service.command, env=service.environment, capture_output=True, text=True, timeout=60)
        if again.returncode != 0:
            raise Failed(f"`{name}` a second time: {again.stderr}")


def an_event_can_be_posted(file: ComposeFile, _processes: Processes, _published: Published) -> None:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = {
        "event_name": "player_action",
        "event_timestamp": now,
        "parameters": {
            "player_id": "posted",
            "session_id": "posted",
            "event_type": "move",
            "level_id": "level_of_compose",
            "map_id": "map_of_compose",
        },
        "user_data": {"user_id": "posted", "platform": "PC"},
    }
    no_event = {"event_name": "transaction"}
    answer = fetch(f"http://{file.published_address}:8080/v1/events", json.dumps([event, no_event]).encode())
    if (answer["accepted"], answer["rejected"]) != (1, 1):
        raise Failed(f"the web API answers {answer}")


def sources_lie_on_both_servers(file: ComposeFile, processes: Processes, _published: Published) -> None:
    """Waits until each server stores records of source topics. The controller assigns partitions to servers."""
    for name in ("spu-1", "spu-2"):
        command = processes.services[name].command
        logs = file.work / command[command.index("--log-base-dir") + 1]
        wait_for(f"source's records on `{name}`", lambda logs=logs: any(
            part.stat().st_size for source in SOURCES for part in logs.glob(f"*/{source}-*/*.log")
        ))


def derived_rows_arrive(file: ComposeFile, _processes: Processes, _published: Published) -> None:
    """Waits for rows of the derived topics with windows of at most 10 s, and for the window of the posted event."""
    for topic in ("active-players", "level-engagement", "player-activity", "purchase-summaries", "server-health"):
        wait_for(f"rows of `{topic}`", lambda topic=topic: len(rows(file, topic)) > 0)
    wait_for("the window of the posted event", lambda: any(
        row["level_id"] == "level_of_compose" for row in rows(file, "level-engagement")
    ))


def http_source_delivers(_file: ComposeFile, processes: Processes, _published: Published) -> None:
    def delivered() -> bool:
        lines = [line for line in processes.log("http-source").read_text().splitlines() if "| delivered " in line]
        return bool(lines) and int(lines[-1].split("| delivered ")[1].split(" ")[0]) > 0

    wait_for("http-source to deliver", delivered)


def the_dashboard_answers(file: ComposeFile, _processes: Processes, _published: Published) -> None:
    at = f"http://{file.published_address}:3001/api"
    wait_for("the dashboard's players", lambda: fetch(f"{at}/views/engagement?last=15")["watermark"] is not None)


def prometheus_scrapes(file: ComposeFile, processes: Processes, _published: Published) -> None:
    if "prometheus" not in processes.services:
        print("   (not asked: no PROMETHEUS)")
        return
    at = f"http://{file.published_address}:9090/api/v1"
    wait_for("both targets up", lambda: all(
        target["health"] == "up" for target in fetch(f"{at}/targets")["data"]["activeTargets"]
    ))
    query = f"{at}/query?query=sum(game_analytics_records_read_total)"
    wait_for("records in Prometheus", lambda: float(fetch(query)["data"]["result"][0]["value"][1]) > 0)
    every_named_metric_exists(at)
    groups = fetch(f"{at}/rules")["data"]["groups"]
    firing = [rule["name"] for group in groups for rule in group["rules"] if rule.get("state") == "firing"]
    if not groups or firing:
        raise Failed(f"alerts fire on a healthy cluster: {firing}, of {len(groups)} groups")


def every_named_metric_exists(at: str) -> None:
    """Checks that services export each metric of an alert or dashboard, and that Prometheus accepts each query."""
    monitoring = ROOT / "deploy/monitoring"
    boards = [json.loads(path.read_text()) for path in monitoring.glob("grafana/provisioning/dashboards/json/*.json")]
    questions = [target["expr"] for board in boards for panel in board["panels"] for target in panel["targets"]]
    named = set(re.findall(r"game_analytics_\w+", "\n".join(questions) + (monitoring / "alerts.yml").read_text()))
    for name in sorted(named):
        wait_for(f"metric `{name}`", lambda name=name: not {name, MADE.sub("", name)}.isdisjoint(metrics_known(at)))
    for question in questions:
        asked = question.replace("$derivation", ".*").replace("$__rate_interval", "1m")
        fetch(f"{at}/query?{urllib.parse.urlencode({'query': asked})}")


def metrics_known(at: str) -> set[str]:
    return {found["metric"] for found in fetch(f"{at}/targets/metadata")["data"]}


def rows(file: ComposeFile, topic: str) -> list[dict]:
    return [json.loads(line) for line in ours(file, "consume", topic, "--beginning", "--output", "json").splitlines()]


def ours(file: ComposeFile, *words: str) -> str:
    """Runs a subcommand of our program on the host, with only the published address of the cluster."""
    command = [file.programs[OURS], *words, "--cluster", f"{file.published_address}:9003"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    if done.returncode != 0:
        raise Failed(f"`{' '.join(words)}` from the host: {done.stdout}{done.stderr}")
    return done.stdout


def fetch(url: str, body: bytes | None = None):
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def wait_for(what: str, holds) -> None:
    ends = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends:
        try:
            if holds():
                return
        except (urllib.error.URLError, TimeoutError, IndexError, FileNotFoundError):
            pass  # not there yet
        time.sleep(POLL_S)
    raise Failed(f"no {what} within {DEADLINE_S} s")


def wait_a_moment() -> None:
    time.sleep(POLL_S)
