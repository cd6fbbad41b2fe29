// Reads and writes the address of the page. The address's fragment contains the view and its parameters.

const PARAMETERS = ["game", "level", "user", "last", "from", "to"];
/** Parameters of the page `explore`. Those in `LISTS` can occur several times; their values are arrays. */
const EXPLORE = ["topic", "split"];
const LISTS = ["measure", "filter"];
/** Filters that the page applies itself, without a request to the server. */
const OWN = ["rule", "severity", "chart"];

/** Returns an object with the view, its parameters and `query`, the query string for the server (without `OWN`). */
export function place() {
  const [path, query = ""] = location.hash.replace(/^#\//, "").split("?");
  const given = new URLSearchParams(query);
  const here = { view: path || "overview" };
  const asked = new URLSearchParams();
  const explore = here.view === "explore" ? EXPLORE : [];
  for (const name of [...PARAMETERS, ...explore, ...OWN]) {
    const value = given.get(name);
    if (!value) continue;
    here[name] = value;
    if (!OWN.includes(name)) asked.set(name, value);
  }
  for (const name of here.view === "explore" ? LISTS : []) {
    here[name] = given.getAll(name);
    for (const value of here[name]) asked.append(name, value);
  }
  here.query = asked.size ? `?${asked}` : "";
  return here;
}

/** Returns the fragment for a view and its parameters. */
export function address(to) {
  const query = new URLSearchParams();
  for (const name of [...PARAMETERS, ...EXPLORE, ...OWN]) {
    if (to[name] !== null && to[name] !== undefined && to[name] !== "") query.set(name, to[name]);
  }
  for (const name of LISTS) for (const value of to[name] ?? []) query.append(name, value);
  return `#/${to.view}${query.size ? `?${query}` : ""}`;
}

/** Changes the given parameters in the address. */
export function go(changes, replace = false) {
  const to = address({ ...place(), ...changes });
  if (replace) location.replace(to);
  else location.hash = to;
}
