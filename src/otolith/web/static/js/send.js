// The one way to send a request that tells how far it is.
import { csrf } from "./page.js";

// Resolves with the finished request whatever its status; rejects when there was no answer or it was called off.
export function send(method, url, headers, body, { progress, signal } = {}) {
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
