// The one way to send a request that tells how far it is.
import { csrf } from "./page.js";

const LONGEST = 120;

function once(method, url, headers, body, { progress, signal } = {}) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    request.open(method, url);
    const all = { Accept: "application/json", "X-CSRF-Token": csrf(), ...headers };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    if (progress) request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new TypeError("network"));
    request.onabort = () => reject(signal?.reason ?? new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

// The seconds after which a request is let through that was one too many; what else is refused is refused.
function delay(request) {
  const spent = request.status === 429 && request.getResponseHeader("RateLimit-Remaining") === "0";
  const wait = spent ? Number(request.getResponseHeader("Retry-After")) : 0;
  return wait <= LONGEST ? wait : 0;
}

export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

// Resolves with the finished request whatever its status; rejects when there was no answer or it was called off.
export async function send(method, url, headers, body, options = {}) {
  for (;;) {
    const request = await once(method, url, headers, body, options);
    const wait = delay(request);
    if (!wait) return request;
    await pause(wait, options.signal);
  }
}
