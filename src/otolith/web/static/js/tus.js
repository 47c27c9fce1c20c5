// Sending a file so that a broken connection costs one piece of it (tus 1.0); loaded once somebody sends a large one.
import { send } from "./send.js";

const PIECE = 16 * 1024 * 1024;
const PAUSES = [500, 1000, 2000, 4000, 8000, 15000];
const KEEP = "otolith.tus.";
const VERSION = { "Tus-Resumable": "1.0.0" };

const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
const good = (request) => request.status >= 200 && request.status < 300;
// What the server answered for good; everything else may be different in a moment.
const final = (status) => status >= 400 && status < 500 && ![408, 409, 423, 425, 429].includes(status);

async function begin(url, file, options) {
  const metadata = `filename ${encode(file.name)},filetype ${encode(file.type || "application/octet-stream")}`;
  const headers = { ...VERSION, "Upload-Length": String(file.size), "Upload-Metadata": metadata };
  const answer = await send("POST", url, headers, null, options);
  if (!good(answer)) throw answer;
  return new URL(answer.getResponseHeader("Location"), new URL(url, location.href)).href;
}

async function offsetOf(place, options) {
  const answer = await send("HEAD", place, VERSION, null, options);
  if (!good(answer)) throw answer;
  return Number(answer.getResponseHeader("Upload-Offset"));
}

// Sends `file` piece by piece; `broken` is called before each new try. Resolves with the last answer.
export async function sendInPieces(url, file, { progress, broken, signal }) {
  const name = `${KEEP}${file.name}.${file.size}.${file.lastModified}`;
  let place = localStorage.getItem(name);
  let answer = null;
  let at = 0;
  let asked = !place;
  for (let tries = 0; ; ) {
    try {
      if (!place) {
        place = await begin(url, file, { signal });
        localStorage.setItem(name, place);
      } else if (!asked) {
        at = await offsetOf(place, { signal });
      }
      asked = true;
      while (at < file.size) {
        const piece = file.slice(at, at + PIECE);
        const headers = { ...VERSION, "Upload-Offset": String(at), "Content-Type": "application/offset+octet-stream" };
        const from = at;
        answer = await send("PATCH", place, headers, piece, { signal, progress: (sent) => progress(from + sent) });
        if (!good(answer)) throw answer;
        at = Number(answer.getResponseHeader("Upload-Offset"));
        tries = 0;
      }
      localStorage.removeItem(name);
      return answer;
    } catch (error) {
      if (error?.name === "AbortError") {
        if (place) send("DELETE", place, VERSION, null).catch(() => undefined);
        localStorage.removeItem(name);
        throw error;
      }
      const gone = [404, 410].includes(error?.status);
      if (gone || final(error?.status)) localStorage.removeItem(name);
      if ((!gone && final(error?.status)) || tries >= PAUSES.length) throw error;
      if (gone) place = null;
      asked = false;
      at = 0;
      broken();
      await pause(PAUSES[tries++]);
    }
  }
}
