// Finds Chromium, and starts a system with a generated game.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

import { STORE } from "./explore.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const TIMEOUT_MS = 240_000;

/** Returns the path of Chromium: the value of the environment variable CHROMIUM, or else a program in `PATH`. */
export function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of NAMES) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // Try the next name.
    }
  }
  throw new Error("no Chromium: install Debian's package `chromium`, or give its path with CHROMIUM=PATH");
}

/** Returns a free loopback address, for programs that are restarted at the same address. */
export async function freeAddress() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

/** Runs a subcommand. When it has printed the addresses of all `names`, `ready` resolves to these addresses. */
function run(binary, args, names) {
  const child = spawn(binary, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, RUST_LOG: "off" },
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const found = {};
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, name, address] =
        line.match(/^(cluster|runner|web-api|dashboard): (?:reads from )?(\S+)$/) ?? [];
      if (name) found[name] = address;
      if (names.every((wanted) => found[wanted])) resolve(found);
    });
    setTimeout(() => reject(new Error(`${args[0]} did not start`)), TIMEOUT_MS).unref();
    ended.then((code) => reject(new Error(`${args[0]} ended with ${code}`)));
  });
  ready.catch(() => {}); // Callers that await `ready` handle the error.
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { ready, stop };
}

/** Creates a temporary folder. Returns a path for data, the path of the binary, and a function to remove the folder. */
function workspace(root) {
  const folder = mkdtempSync(path.join(tmpdir(), "dashboard-"));
  const binary = process.env.BINARY ?? path.join(root, "target/debug/game-analytics");
  return {
    data: path.join(folder, "data"),
    folder,
    binary,
    leave: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs everything in one process, as `make start` does. */
export async function startAll(root) {
  const { data, binary, folder, leave } = workspace(root);
  const dataflow = path.join(folder, "dataflow.yaml");
  // The derivations are the last section of the file, so this adds one to them.
  writeFileSync(dataflow, readFileSync(path.join(root, "dataflow.yaml"), "utf8").trimEnd() + STORE);
  const names = ["cluster", "spu", "metrics", "web-api", "dashboard"];
  const flags = names.flatMap((name) => [`--${name}-addr`, "127.0.0.1:0"]);
  const began = Date.now();
  const all = run(
    binary,
    ["up", "--dataflow", dataflow, "--data-dir", data, "--rate", "300", "--incidents", "3600", ...flags],
    ["web-api", "dashboard"],
  );
  const stop = async () => {
    await all.stop();
    leave();
  };
  try {
    const found = await all.ready;
    await untilData(found.dashboard, began);
    return { url: found.dashboard, webApi: found["web-api"], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs each part in its own process. A part can be stopped and started again at the same address. */
export async function startParts(root) {
  const { data, binary, leave } = workspace(root);
  const [cluster, spu, metrics, dashboard] = await Promise.all([1, 2, 3, 4].map(freeAddress));
  const parts = {
    cluster: () =>
      run(
        binary,
        ["local-cluster", "--data-dir", data, "--cluster-addr", cluster, "--spu-addr", spu],
        ["cluster"],
      ),
    generator: () => run(binary, ["generate", "--cluster", cluster, "--rate", "200"], []),
    runner: () => run(binary, ["run", "--cluster", cluster, "--metrics-addr", metrics], ["runner"]),
    dashboard: () =>
      run(binary, ["dashboard", "--cluster", cluster, "--dashboard-addr", dashboard], ["dashboard"]),
  };
  const running = new Map();
  const start = async (name) => {
    running.set(name, parts[name]());
    if (name !== "generator") await running.get(name).ready;
  };
  const stop = async (name) => running.get(name)?.stop();
  const stopAll = async () => {
    for (const name of ["generator", "runner", "dashboard", "cluster"]) await stop(name);
    leave();
  };
  try {
    for (const name of Object.keys(parts)) await start(name);
  } catch (error) {
    await stopAll();
    throw error;
  }
  return { url: `http://${dashboard}`, start, stop, stopAll };
}

/**
 * For each view except `sessions`, whose first data comes later (see `HAS_MORE`): whether its first data has arrived.
 */
const HAS_DATA = {
  overview: (data) => data.games.some((game) => game.active_players),
  engagement: (data) => data.cells.length,
  servers: (data) => data.tiles.length,
  quality: (data) => data.accounts.length,
  fraud: (data) => data.alerts.length,
  purchases: (data) => data.items.length,
};
/** For some views, whether they have data that appears only after a minute or more, such as revenue. */
const HAS_MORE = {
  sessions: (data) => data.sessions > 20,
  purchases: (data) => data.currencies.length,
  servers: (data) => data.alerts.length,
};

/** Waits until every view has data. */
async function untilData(url, began) {
  const deadline = Date.now() + TIMEOUT_MS;
  const wait = async ([view, hasData]) => {
    while (!hasData((await (await fetch(`${url}/api/views/${view}`)).json()).data)) {
      if (Date.now() > deadline) throw new Error(`the view ${view} has no data`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return `${view} ${((Date.now() - began) / 1000).toFixed(1)} s`;
  };
  console.log(
    `first data after the start: ${(await Promise.all(Object.entries(HAS_DATA).map(wait))).join(", ")}`,
  );
  await Promise.all(Object.entries(HAS_MORE).map(wait));
}
