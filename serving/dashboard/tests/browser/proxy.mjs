// Tests the dashboard behind nginx, under a path prefix, with the configuration from docs/operations.md. The page must
// stay live, report that it reconnects while nginx is stopped, and recover. If nginx buffers streams, the page must
// poll.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { freeAddress } from "./setup.mjs";

/** How long the page must stay live. This is longer than a page needs to notice a silent stream. */
const STAYS_LIVE_MS = 15_000;
const TIMEOUT_MS = 60_000;
/** Configures buffers so large that the stream of a small game does not fill them during the test. */
const BUFFERING = [
  "proxy_ignore_headers X-Accel-Buffering;",
  "proxy_buffer_size 512k;",
  "proxy_buffers 8 512k;",
  "proxy_busy_buffers_size 1m;",
].join(" ");
/** The path of Debian's nginx, which is not in the `PATH` of every user. */
const DEBIAN = "/usr/sbin/nginx";

/** Starts nginx in front of a dashboard. `more` is added to its configuration after `proxy_pass`. */
async function nginx(root, dashboard, more = "") {
  const folder = await mkdtemp(path.join(tmpdir(), "dashboard-nginx-"));
  const address = await freeAddress();
  const page = await readFile(path.join(root, "docs/operations.md"), "utf8");
  const server = page
    .match(/```nginx\n([^`]+)```/)[1]
    .replace("listen 80;", `listen ${address};`)
    .replace("proxy_pass http://127.0.0.1:3001/;", `proxy_pass ${dashboard}/; ${more}`);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const file = path.join(folder, "nginx.conf");
  const head = `daemon off; master_process off; pid ${folder}/pid; events {}`;
  await writeFile(file, `${head}\nhttp { access_log off; ${paths.join(" ")}\n${server} }\n`);
  let stop = async () => {};
  const start = async () => {
    const child = spawn(existsSync(DEBIAN) ? DEBIAN : "nginx", ["-e", "stderr", "-p", folder, "-c", file], {
      stdio: ["ignore", "inherit", "ignore"],
    });
    const ended = new Promise((resolve, reject) => {
      child.on("exit", resolve);
      child.on("error", () => reject(new Error("no `nginx`: install it (Debian's package: nginx-light)")));
    });
    stop = async () => {
      child.kill("SIGTERM");
      await ended;
    };
    const deadline = Date.now() + TIMEOUT_MS;
    while (
      !(await Promise.race([
        listens(address),
        ended.then(() => {
          throw new Error("nginx exited");
        }),
      ]))
    ) {
      if (Date.now() > deadline) throw new Error("nginx does not listen");
    }
  };
  await start();
  const leave = async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { url: `http://${address}/game/`, start, stop: () => stop(), leave };
}

const listens = (address) =>
  new Promise((resolve) => {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => setTimeout(() => resolve(false), 20));
  });

/** Runs the test; `picture` is the path of the screenshot. */
export async function proxy(root, dashboard, page, picture) {
  const front = await nginx(root, dashboard);
  const buffering = await nginx(root, dashboard, BUFFERING);
  const pill = (word) =>
    page.waitForFunction((wanted) => document.getElementById("pill")?.textContent.includes(wanted), word, {
      timeout: TIMEOUT_MS,
    });
  const lost = () =>
    page.evaluate(() => document.getElementById("notice").textContent.includes("Connection lost"));
  try {
    await page.goto(front.url);
    await page.waitForSelector(".card", { timeout: TIMEOUT_MS });
    await pill("Live");
    for (const until = Date.now() + STAYS_LIVE_MS; Date.now() < until; await page.waitForTimeout(250)) {
      if (await lost()) throw new Error("behind nginx the connection is lost");
    }
    await page.locator("nav a", { hasText: "Servers" }).click();
    await page.waitForSelector("main .view:not(.waiting)", { timeout: TIMEOUT_MS });
    if (!page.url().startsWith(`${front.url}#/servers`))
      throw new Error(`a link leaves the prefix: ${page.url()}`);
    await page.screenshot({ path: picture, fullPage: true });
    await front.stop();
    await pill("Reconnecting");
    await front.start();
    await pill("Live");
    await page.goto(buffering.url);
    await pill("Polling");
    const before = await page.locator("#foot").textContent();
    await page.waitForFunction((old) => document.getElementById("foot").textContent !== old, before, {
      timeout: TIMEOUT_MS,
    });
    await pill("Polling");
    console.log("behind nginx the page stays live and recovers; it polls where streams are buffered");
  } finally {
    await front.leave();
    await buffering.leave();
  }
}
