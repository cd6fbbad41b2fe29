// The stream of one view: what `EventSource` does, with the token that it cannot send.

/** Silence after which the connection counts as lost: the server speaks each second and a half. */
const SILENCE_MS = 4500;
const RETRY_MS = 1000;

/** Follows a view; `on.view`, `on.status`, `on.lost` and `on.unauthorized` hear what happens. */
export function follow(path, token, on) {
  let over = false;
  let last = null;
  let request = null;
  let heard = Date.now();
  const watch = setInterval(() => {
    if (!over && Date.now() - heard > SILENCE_MS) {
      on.lost("the dashboard does not answer");
      heard = Date.now();
      request?.abort();
    }
  }, 500);

  async function run() {
    while (!over) {
      try {
        request = new AbortController();
        await read(request.signal);
        if (!over) on.lost("the dashboard has closed the connection");
      } catch (error) {
        if (!over) on.lost(error.name === "AbortError" ? "the dashboard does not answer" : "the dashboard cannot be reached");
      }
      if (!over) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async function read(signal) {
    const headers = {};
    if (token) headers.authorization = `Bearer ${token}`;
    if (last) headers["last-event-id"] = last;
    const response = await fetch(path, { headers, signal });
    if (response.status === 401) {
      over = true;
      on.unauthorized();
      return;
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard = Date.now();
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      parts.forEach(take);
    }
  }

  function take(text) {
    if (over) return;
    const event = {};
    for (const line of text.split("\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
    }
    if (event.event === "view") on.view(JSON.parse(event.data));
    if (event.event === "status") on.status(JSON.parse(event.data));
    if (event.id) last = event.id;
  }

  run();
  return {
    close() {
      over = true;
      clearInterval(watch);
      request?.abort();
    },
  };
}
