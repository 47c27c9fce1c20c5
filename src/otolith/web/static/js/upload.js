// Uploads by drop or choice: each file has a row with its progress and, if it comes to that, the reason of its refusal.
import { announce } from "./page.js";
import { send, sendInPieces } from "./tus.js";

const LARGE = 64 * 1024 * 1024;
const AT_ONCE = 2;
const queue = [];
let sending = 0;

const form = () => document.getElementById("drop");
const words = () => document.getElementById("upload-row").dataset;

function addRow(file) {
  const row = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
  row.querySelector(".name").textContent = file.name;
  row.querySelector("progress").setAttribute("aria-label", file.name);
  row.querySelector(".said").textContent = words().waiting;
  document.getElementById("uploads").append(row);
  return row;
}

function say(item, text) {
  item.row.querySelector(".said").textContent = text;
}

function end(item, text, bad) {
  say(item, text);
  item.row.classList.toggle("bad", bad);
  item.row.querySelector("progress").remove();
  const button = item.row.querySelector("[data-dismiss]");
  button.textContent = button.dataset.close;
  item.done = true;
  announce(`${item.file.name}: ${text}`);
  if (!bad) setTimeout(() => item.row.remove(), 6000);
}

function add(files) {
  for (const file of files) {
    const item = { file, row: addRow(file), control: new AbortController(), done: false };
    item.row.querySelector("[data-dismiss]").addEventListener("click", () => dismiss(item));
    const limit = Number(form().dataset.limit);
    if (file.size === 0) end(item, words().empty, true);
    else if (file.size > limit) end(item, words().large, true);
    else queue.push(item);
  }
  next();
}

function dismiss(item) {
  item.control.abort();
  const waiting = queue.indexOf(item);
  if (waiting >= 0) queue.splice(waiting, 1);
  item.row.remove();
}

function next() {
  while (sending < AT_ONCE && queue.length) {
    sending += 1;
    run(queue.shift()).finally(() => {
      sending -= 1;
      next();
    });
  }
}

function progressOf(item) {
  const bar = item.row.querySelector("progress");
  const begun = performance.now();
  let first = null;
  return (sent) => {
    first ??= sent;
    const share = sent / item.file.size;
    bar.value = share;
    const seconds = (performance.now() - begun) / 1000;
    const left = sent > first ? ((item.file.size - sent) / (sent - first)) * seconds : 0;
    const percent = Math.min(1, share).toLocaleString(document.documentElement.lang, { style: "percent" });
    if (share >= 1) say(item, words().checking);
    else if (seconds < 2 || left < 2) say(item, `${words().sending} · ${percent}`);
    else say(item, `${words().sending} · ${percent} · ${words().left.replace("{time}", span(left))}`);
  };
}

function span(seconds) {
  const minutes = seconds >= 90;
  const value = Math.max(1, Math.round(minutes ? seconds / 60 : seconds));
  const unit = minutes ? "minute" : "second";
  return value.toLocaleString(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" });
}

async function run(item) {
  const { media, tus } = form().dataset;
  const options = {
    signal: item.control.signal,
    progress: progressOf(item),
    broken: () => say(item, words().again),
  };
  say(item, words().sending);
  try {
    const answer = item.file.size > LARGE ? await sendInPieces(tus, item.file, options) : await whole(media, item, options);
    if (answer.status >= 300) throw answer;
    end(item, words().stored, false);
    document.body.dispatchEvent(new CustomEvent("otolith:uploaded"));
  } catch (error) {
    if (error?.name !== "AbortError") end(item, reason(error), true);
  }
}

function whole(url, item, options) {
  const body = new FormData();
  body.append("file", item.file, item.file.name);
  return send("POST", url, {}, body, options);
}

function reason(answer) {
  const said = words();
  if (!(answer instanceof XMLHttpRequest)) return said.broken;
  if (answer.status === 413) return said.large;
  if (answer.status === 401) return said.signedOut;
  try {
    return JSON.parse(answer.responseText).detail || said.refused;
  } catch {
    return said.refused;
  }
}

function choose() {
  const input = document.getElementById("files");
  input.onchange = () => {
    add([...input.files]);
    input.value = "";
  };
  input.click();
}

const carries = (event) => form() && [...(event.dataTransfer?.types ?? [])].includes("Files");
const drag = (on) => document.documentElement.classList.toggle("dragging", on);

document.addEventListener("click", (event) => event.target.closest("[data-choose]") && choose());
document.addEventListener("dragover", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  drag(true);
});
document.addEventListener("dragleave", (event) => event.relatedTarget || drag(false));
document.addEventListener("drop", (event) => {
  drag(false);
  if (!carries(event)) return;
  event.preventDefault();
  add([...event.dataTransfer.files]);
});
window.addEventListener("beforeunload", (event) => (sending || queue.length) && event.preventDefault());
