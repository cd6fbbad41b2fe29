// Requests to the server that are not streams.

/** Returns the header with the token, if the user has given one. */
export function authorization() {
  const token = sessionStorage.getItem("token");
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** Returns the JSON at a path; `null` without the token or during an outage. */
export async function get(path) {
  const response = await fetch(path, { headers: authorization() }).catch(() => null);
  return response?.ok ? response.json() : null;
}
