// Uploads by drop or choice: each file has a row with its progress and, if it comes to that, the reason of its refusal.
import { announce } from "./page.js";
import { pause, send } from "./send.js";

const LARGE = 64 * 1024 * 1024;
const AT_ONCE = 2;
const LISTED = 200;
const FEW = 5;
const BETWEEN = 1;
const queue = [];
const items = new Set();
let sending = 0;
let following = false;
let again = false;

// Sending goes on while somebody looks at other pages, so what the page of the form said is kept.
let template = null;
let said = {};
let place = {};

function form() {
  const found = document.getElementById("drop");
  if (found) {
    template = document.getElementById("upload-row");
    said = template.dataset;
    place = found.dataset;
  }
  return found;
}

function addRow(file) {
  const row = template.content.firstElementChild.cloneNode(true);
  row.querySelector(".name").textContent = file.name;
  row.querySelector("progress").setAttribute("aria-label", file.name);
  row.querySelector(".said").textContent = said.waiting;
  return row;
}

function say(item, text) {
  item.row.querySelector(".said").textContent = text;
}

function end(item, text, bad) {
  say(item, text);
  item.row.classList.toggle("bad", bad);
  item.row.querySelector("progress").remove();
  close(item);
  item.job = null;
  announce(`${item.file.name}: ${text}`);
  if (!bad) setTimeout(() => forget(item), 8000);
}

// There is nothing left to cancel; the button only takes the row away.
function close(item) {
  const button = item.row.querySelector("[data-dismiss]");
  button.textContent = button.dataset.close;
}

function forget(item) {
  items.delete(item);
  item.row.remove();
}

function show() {
  document.getElementById("uploads")?.append(...[...items].map((item) => item.row));
}

function add(files) {
  if (!form()) return;
  for (const file of files) {
    const item = { file, row: addRow(file), control: new AbortController(), job: null };
    items.add(item);
    item.row.querySelector("[data-dismiss]").addEventListener("click", () => dismiss(item));
    if (file.size === 0) end(item, said.empty, true);
    else if (file.size > Number(place.limit)) end(item, said.large, true);
    else queue.push(item);
  }
  show();
  next();
}

function dismiss(item) {
  item.control.abort();
  const waiting = queue.indexOf(item);
  if (waiting >= 0) queue.splice(waiting, 1);
  forget(item);
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
    if (share >= 1) say(item, said.checking);
    else if (seconds < 2 || left < 2) say(item, `${said.sending} · ${percent}`);
    else say(item, `${said.sending} · ${percent} · ${said.left.replace("{time}", span(left))}`);
  };
}

function span(seconds) {
  const minutes = seconds >= 90;
  const value = Math.max(1, Math.round(minutes ? seconds / 60 : seconds));
  const unit = minutes ? "minute" : "second";
  return value.toLocaleString(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" });
}

async function run(item) {
  const options = {
    signal: item.control.signal,
    progress: progressOf(item),
    broken: () => say(item, said.again),
  };
  say(item, said.sending);
  try {
    const answer = await (item.file.size > LARGE ? inPieces(item, options) : whole(place.media, item, options));
    if (answer.status >= 300) throw answer;
    stored(item, answer);
    document.body.dispatchEvent(new CustomEvent("otolith:uploaded"));
  } catch (error) {
    if (error?.name !== "AbortError") end(item, reason(error), true);
  }
}

// From here on the row follows the job that listens to the file.
function stored(item, answer) {
  const body = answer.responseText ? JSON.parse(answer.responseText) : {};
  const told = body.items?.[0] ?? body;
  if (told.outcome === "known" && !told.job_id) return end(item, said.known, false);
  if (!told.job_id || !document.documentElement.classList.contains("live")) return end(item, said.stored, false);
  item.job = told.job_id;
  item.row.querySelector("progress").removeAttribute("value");
  close(item);
  say(item, said.stored);
  follow();
}

function tell(item, job) {
  if (job.state === "succeeded") end(item, said.heard, false);
  else if (job.state === "dead") end(item, `${said.failed} ${job.error?.detail ?? ""}`, true);
  else if (job.state === "cancelled") end(item, said.cancelled, true);
  else if (job.state === "running") say(item, said.listening);
}

async function ask(path) {
  const answer = await send("GET", `${place.jobs}${path}`, {}, null);
  return answer.status === 200 ? JSON.parse(answer.responseText) : null;
}

// One request for all rows; those whose jobs are further back than the list goes are asked about a few at a time.
async function look() {
  const open = [...items].filter((item) => item.job);
  if (!open.length) return;
  const page = open.length > 1 ? await ask(`?roots=true&limit=${LISTED}`) : null;
  const known = new Map(page?.items.map((job) => [job.id, job]));
  const rest = open.filter((item) => !known.has(item.job)).slice(0, FEW);
  for (const item of rest) known.set(item.job, await ask(`/${item.job}`));
  for (const item of open) if (item.job && known.get(item.job)) tell(item, known.get(item.job));
}

// Each job says many times that something happened to it, and there may be hundreds of rows.
async function follow() {
  again = true;
  if (following) return;
  following = true;
  while (again) {
    again = false;
    await look().catch(() => undefined);
    await pause(BETWEEN);
  }
  following = false;
}

async function inPieces(item, options) {
  const { sendInPieces } = await import("./tus.js");
  return sendInPieces(place.tus, item.file, options);
}

function whole(url, item, options) {
  const body = new FormData();
  body.append("file", item.file, item.file.name);
  return send("POST", url, {}, body, options);
}

function reason(answer) {
  if (!(answer instanceof XMLHttpRequest)) return said.broken;
  if (answer.status === 413) return said.large;
  if (answer.status === 401) return said.signedOut;
  try {
    const { detail } = JSON.parse(answer.responseText);
    return JSON.parse(said.reasons)[detail] ?? detail ?? said.refused;
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
document.body.addEventListener("otolith:jobs", follow);
document.addEventListener("htmx:after:swap", show);
window.addEventListener("beforeunload", (event) => (sending || queue.length) && event.preventDefault());
