// The service, as the page calls it.

export class Refused extends Error {
  constructor(status, message, wait) {
    super(message);
    this.status = status;
    this.wait = wait;
  }
}

let csrf = "";
let whenSignedOut = () => {};

export const setToken = (token) => { csrf = token; };
export const onSignedOut = (action) => { whenSignedOut = action; };

/** Sends and receives JSON. Throws `Refused`. */
export async function call(method, path, body) {
  const headers = { "X-CSRF-Token": csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch("/api/" + path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, "The service does not answer. Is it running?");
  }
  const text = response.status === 204 ? "" : await response.text();
  let value = null;
  try { value = text ? JSON.parse(text) : null; } catch { /* Not ours: the status says enough. */ }
  if (response.ok || (value && value.crowded)) return value;
  if (response.status === 401 && path !== "sign-in") whenSignedOut();
  throw new Refused(
    response.status, value?.error?.message ?? `The service answered ${response.status}.`,
    value?.error?.wait);
}

/**
 * Follows an answer from a place on (UTF-16 units). `onText(text, slice)` gets what is new, and
 * `onDone(slice)` the end. The browser comes back by itself when the connection breaks. Returns a
 * function that stops following, not writing.
 */
export function follow(id, from, onText, onDone) {
  let place = from;
  const events = new EventSource(`/api/streams/${encodeURIComponent(id)}?from=${from}`);
  const take = (event) => {
    const slice = JSON.parse(event.data);
    const fresh = slice.text.slice(Math.max(0, place - (slice.end - slice.text.length)));
    place = Math.max(place, slice.end);
    onText(fresh, slice);
    return slice;
  };
  events.addEventListener("text", take);
  events.addEventListener("done", (event) => {
    events.close();
    onDone(take(event));
  });
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) onDone({ state: "failed", tokens: 0, seconds: 0 });
  });
  return () => events.close();
}
