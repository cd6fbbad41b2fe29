// Reads and writes the address of the page. The address's fragment contains the view and its parameters.

const PARAMETERS = ["game", "level", "user", "last", "from", "to"];
/** Filters that the page applies itself, without a request to the server. */
const OWN = ["rule", "severity"];

/** Returns an object with the view, its parameters and `query`, the query string for the server (without `OWN`). */
export function place() {
  const [path, query = ""] = location.hash.replace(/^#\//, "").split("?");
  const given = new URLSearchParams(query);
  const here = { view: path || "overview" };
  const asked = new URLSearchParams();
  for (const name of [...PARAMETERS, ...OWN]) {
    const value = given.get(name);
    if (!value) continue;
    here[name] = value;
    if (PARAMETERS.includes(name)) asked.set(name, value);
  }
  here.query = asked.size ? `?${asked}` : "";
  return here;
}

/** Returns the fragment for a view and its parameters. */
export function address(to) {
  const query = new URLSearchParams();
  for (const name of [...PARAMETERS, ...OWN]) {
    if (to[name] !== null && to[name] !== undefined && to[name] !== "") query.set(name, to[name]);
  }
  return `#/${to.view}${query.size ? `?${query}` : ""}`;
}

/** Changes the given parameters in the address. */
export function go(changes, replace = false) {
  const to = address({ ...place(), ...changes });
  if (replace) location.replace(to);
  else location.hash = to;
}
