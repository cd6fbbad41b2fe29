// Where one is: the view and its parameters, in the part of the address behind `#`.

const PARAMETERS = ["game", "level", "user", "last", "from", "to"];
/** What a view shows beside what it asks for, and what stays in this browser. */
const OWN = ["rule", "severity"];

/** The view, its parameters, and the query that asks the server for them. */
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

/** The address of a place. */
export function address(to) {
  const query = new URLSearchParams();
  for (const name of [...PARAMETERS, ...OWN]) {
    if (to[name] !== null && to[name] !== undefined && to[name] !== "") query.set(name, to[name]);
  }
  return `#/${to.view}${query.size ? `?${query}` : ""}`;
}

/** Goes to a place that differs from this one in what is given. */
export function go(changes, replace = false) {
  const to = address({ ...place(), ...changes });
  if (replace) location.replace(to);
  else location.hash = to;
}
