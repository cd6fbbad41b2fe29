// Reads the stream of one view, like `EventSource`, but can send a token. A lost stream is opened again. If a proxy
// buffers streams, the view is polled instead.

/** A connection that is silent for this long counts as lost. The server sends a status every 1.5 seconds. */
const SILENCE_MS = 4500;
/** The first pause before another attempt. The pause doubles with each failure, and is reset when data arrives. */
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 10_000;
/**
 * If this many consecutive streams fall silent, each within `SILENT_MS` of its start, the page assumes that a proxy
 * buffers streams.
 */
const SILENT_STREAMS_MIN = 2;
const SILENT_MS = 30_000;
/** The pause between two polls, and the number of polls after which a stream is tried again. */
const POLL_MS = 3000;
const POLL_TIMES = 20;
/** The reasons shown for a timeout: the first if no data had arrived before it, the second if some had. */
const TIMED_OUT = ["the dashboard does not respond", "the dashboard has stopped sending"];

/** The number of consecutive silent streams. The streams of all views count, because they use the same proxy. */
let silentStreams = 0;

/**
 * Follows the view at `path` until `close()` is called. `on.view` and `on.status` receive what the server sends,
 * `on.lost` receives the reason for a failure, and `on.polling` receives whether the view is polled. `on.unauthorized`
 * is called when the server refuses the token.
 */
export function follow(path, token, on) {
  const stream = new ViewStream(path, token, on);
  stream.run();
  return stream;
}

class ViewStream {
  constructor(path, token, on) {
    Object.assign(this, { path, token, on });
    this.closed = false;
    this.lastId = null;
    this.request = null;
    this.wake = () => {};
    this.pause = PAUSE_MIN_MS;
    this.hurry = () => document.visibilityState === "visible" && this.wake();
    window.addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.hurry);
  }

  async run() {
    while (!this.closed) {
      if (silentStreams >= SILENT_STREAMS_MIN) {
        await this.poll();
        continue;
      }
      const began = Date.now();
      const reason = await this.attempt((signal, onData) => this.read(signal, onData));
      if (this.closed) return;
      const isSilent = TIMED_OUT.includes(reason) && Date.now() - began < SILENT_MS;
      silentStreams = isSilent ? silentStreams + 1 : 0;
      if (silentStreams < SILENT_STREAMS_MIN) await this.lose(reason);
    }
  }

  /** Runs `task` and returns the reason why it ended. Aborts it if it does not call `onData` for `SILENCE_MS`. */
  async attempt(task) {
    const controller = new AbortController();
    this.request = controller;
    let [timedOut, timedOutLater] = TIMED_OUT;
    let timer = null;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), SILENCE_MS);
    };
    const onData = () => {
      timedOut = timedOutLater;
      this.pause = PAUSE_MIN_MS;
      watch();
    };
    watch();
    try {
      return await task(controller.signal, onData);
    } catch (error) {
      if (error instanceof Refused) return error.message;
      return error.name === "AbortError" ? timedOut : "the dashboard cannot be reached";
    } finally {
      clearTimeout(timer);
    }
  }

  async read(signal, onData) {
    const response = await this.get(this.path, signal, this.lastId);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return "the dashboard closed the connection";
      onData();
      this.on.polling(false);
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) this.take(part);
    }
  }

  take(text) {
    if (this.closed) return;
    const event = {};
    for (const line of text.split("\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
    }
    if (event.event === "view") this.on.view(JSON.parse(event.data));
    if (event.event === "status") this.on.status(JSON.parse(event.data));
    if (event.id) this.lastId = event.id;
  }

  /** Polls the view until a request fails or it is time to try a stream again. */
  async poll() {
    for (let times = 0; times < POLL_TIMES; times += 1) {
      const reason = await this.attempt((signal, onData) => this.pollOnce(signal, onData));
      if (this.closed) return;
      if (reason) {
        silentStreams = 0;
        await this.lose(reason);
        return;
      }
      await this.wait(POLL_MS);
    }
    silentStreams = SILENT_STREAMS_MIN - 1;
  }

  async pollOnce(signal, onData) {
    const json = async (path) => (await this.get(path, signal)).json();
    const [view, status] = await Promise.all([json(this.path.replace("/live", "")), json("api/status")]);
    onData();
    if (this.closed) return null;
    this.on.polling(true);
    this.on.view(view);
    this.on.status(status);
    return null;
  }

  async get(path, signal, lastId) {
    const headers = {};
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (lastId) headers["last-event-id"] = lastId;
    const response = await fetch(path, { headers, signal, cache: "no-store" });
    if (response.ok) return response;
    if (response.status === 401) {
      this.close();
      this.on.unauthorized();
    }
    const body = await response.json().catch(() => null);
    throw new Refused(`the dashboard answered ${response.status}${body?.detail ? `, ${body.detail}` : ""}`);
  }

  /** Reports the failure, then pauses. The pause is randomised, so that not all pages reconnect at the same moment. */
  async lose(reason) {
    this.on.lost(reason);
    const pause = this.pause * (0.5 + Math.random() / 2);
    this.pause = Math.min(2 * this.pause, PAUSE_MAX_MS);
    await this.wait(pause);
  }

  wait(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close() {
    this.closed = true;
    this.request?.abort();
    this.wake();
    window.removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.hurry);
  }
}

/** The error for a response with an error status. */
class Refused extends Error {}
