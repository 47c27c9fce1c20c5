// The player: one audio element that outlives the pages around it, and the list that it plays through.
import { csrf, isShortcut } from "./page.js";

const KEEP = "otolith.player";
const box = document.getElementById("player");
const find = (selector) => box.querySelector(selector);
const audio = box && find("audio");
let current = null;
// What plays one after another; the list that a recording was started from.
let queue = [];
// Where to ask for what comes after the list, where that is a radio.
let radio = "";
// How many seconds of the recording were heard, and where the last of them was; below zero once it was reported.
let heard = 0;
let last = 0;
// Where the stream begins in the recording: transcoded ones cannot be searched, so seeking starts them anew.
let offset = 0;
let converted = false;
let failed = false;

const now = () => offset + (audio.currentTime || 0);
const length = () => current?.length || offset + (Number.isFinite(audio.duration) ? audio.duration : 0);

export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function open(track, at = 0) {
  current = track;
  failed = false;
  goOn();
  heard = 0;
  last = at;
  box.hidden = false;
  document.documentElement.classList.add("playing");
  const link = find(".what a");
  link.textContent = track.title;
  link.href = `/tracks/${track.id}`;
  const artist = find(".artist");
  artist.textContent = track.artist;
  artist.classList.remove("complaint");
  load(track.src, at);
  if ("mediaSession" in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: track.title, artist: track.artist });
  }
  mark();
}

function load(source, at) {
  converted = source === current.fallback;
  offset = converted ? at : 0;
  audio.src = converted && at ? `${source}&start=${at.toFixed(2)}` : source;
  if (!converted && at) audio.currentTime = at;
}

function seek(at) {
  if (!current) return;
  const aim = Math.min(Math.max(0, at), Math.max(0, length() - 0.05));
  if (converted) {
    const playing = !audio.paused;
    load(current.fallback, aim);
    if (playing) start();
  } else {
    audio.currentTime = aim;
  }
  paint();
}

// A start that is overtaken by another source or refused by the browser leaves the button as it was.
const start = () => audio.play().catch(mark);
const toggle = () => (audio.paused ? start() : audio.pause());

const place = () => queue.findIndex((track) => track.id === current?.id);

function play(track) {
  open(track);
  start();
}

function step(by) {
  const next = queue[place() + by];
  if (by < 0 && now() > 3) seek(0);
  else if (next) play(next);
}

// As the end of a radio comes near, what comes after it is asked for, once; the page that shows the list does the same.
async function goOn() {
  if (!radio || queue.length - place() > 3) return;
  const [list, asked] = [queue, radio];
  radio = "";
  try {
    const { items, next } = await (await fetch(asked)).json();
    if (queue !== list) return;
    queue.push(...items.map((one) => heardOf(one.track)));
    // The place in the radio stands last in its address.
    radio = next && asked.replace(/[^=]*$/, encodeURIComponent(next));
    document.body.dispatchEvent(new Event("otolith:radio"));
    mark();
  } catch {
    if (queue === list) radio = asked;
  }
}

// A recording as the API tells it, for the queue.
function heardOf({ id, media_id, title, artist, duration }) {
  const src = `/api/media/${media_id}/stream`;
  return { id, title, artist, src, fallback: `${src}?format=mp3`, length: duration ?? 0 };
}

// One recording by itself, from a part of the page that has no buttons for it.
export function playTrack(track) {
  queue = [heardOf(track)];
  radio = "";
  play(queue[0]);
}

// The buttons of the list that `place` is or stands in.
const buttonsOf = (place) => [...place.querySelectorAll("[data-play]:not(:disabled)")];

function begin(button) {
  const list = button.closest("[data-list]");
  const track = trackOf(button);
  queue = list ? buttonsOf(list).map(trackOf) : [track];
  radio = list?.parentElement.querySelector("[data-radio]")?.dataset.radio ?? "";
  play(track);
}

function beginList(list) {
  const buttons = buttonsOf(list);
  if (buttons.some((button) => button.dataset.play === current?.id)) toggle();
  else if (buttons.length) begin(buttons[0]);
}

// Half of a recording or four minutes of it make a play, and skipping makes none.
function listen() {
  const gone = now() - last;
  last = now();
  if (heard < 0 || !current || gone <= 0 || gone > 2) return;
  heard += gone;
  if (heard < Math.min(240, length() / 2)) return;
  heard = -1;
  fetch(`/api/tracks/${current.id}/plays`, { method: "POST", headers: { "X-CSRF-Token": csrf() } }).catch(() => undefined);
}

function trackOf(button) {
  const { play: id, src, fallback, title, artist, length } = button.dataset;
  return { id, src, fallback, title, artist, length: Number(length) };
}

function mark() {
  const playing = current && !audio.paused;
  find(".play").setAttribute("aria-pressed", playing);
  for (const button of document.querySelectorAll("[data-play]")) {
    const mine = button.dataset.play === current?.id;
    button.setAttribute("aria-pressed", Boolean(mine && playing));
    button.closest("tr")?.classList.toggle("current", mine);
  }
  for (const button of document.querySelectorAll("[data-play-all]")) {
    const list = document.querySelector(button.dataset.playAll);
    button.setAttribute("aria-pressed", Boolean(playing && list?.querySelector(`[data-play="${current.id}"]`)));
  }
  find("[data-step='-1']").hidden = find("[data-step='1']").hidden = queue.length < 2;
  find("[data-step='1']").disabled = place() >= queue.length - 1;
  paint();
}

function paint() {
  if (!current) return;
  const [at, whole] = [now(), length()];
  const share = whole ? Math.min(1, at / whole) : 0;
  const said = `${clock(at)} / ${clock(whole)}`;
  const bar = find(".seek");
  find(".now").textContent = clock(at);
  find(".length").textContent = clock(whole);
  bar.max = whole || 1;
  bar.value = at;
  bar.style.setProperty("--at", `${share * 100}%`);
  bar.setAttribute("aria-valuetext", said);
  for (const input of document.querySelectorAll("[data-seek]")) {
    const mine = input.dataset.seek === current.id;
    const scope = input.closest(".stage");
    const wave = scope.querySelector(".wave");
    input.value = mine ? at : 0;
    input.setAttribute("aria-valuetext", mine ? said : clock(0));
    scope.querySelector("[data-now]").textContent = clock(mine ? at : 0);
    if (!wave) continue;
    const x = mine ? share * wave.viewBox.baseVal.width : 0;
    wave.querySelector("[data-heard]").setAttribute("width", x);
    wave.querySelector("[data-needle]").setAttribute("transform", `translate(${x} 0)`);
  }
}

function follow() {
  paint();
  if (!audio.paused) requestAnimationFrame(follow);
}

function complain() {
  // One other form of the same recording is tried before giving up: not every browser plays every format.
  if (!current || !audio.getAttribute("src")) return;
  if (!converted && current.fallback && !failed) {
    failed = true;
    load(current.fallback, audio.currentTime || 0);
    start();
    return;
  }
  const artist = find(".artist");
  artist.textContent = box.dataset.broken;
  artist.classList.add("complaint");
  mark();
}

function close() {
  audio.pause();
  audio.removeAttribute("src");
  current = null;
  queue = [];
  radio = "";
  box.hidden = true;
  document.documentElement.classList.remove("playing");
  sessionStorage.removeItem(KEEP);
  mark();
  document.getElementById("main")?.focus({ preventScroll: true });
}

const acting = (element) => element.closest("button, a, summary, input");
const ACTS = {
  k: toggle,
  j: () => seek(now() - 10),
  l: () => seek(now() + 10),
  arrowleft: () => seek(now() - 5),
  arrowright: () => seek(now() + 5),
  n: () => step(1),
  p: () => step(-1),
  m: () => (audio.muted = !audio.muted),
};

// Up and down lead through a list, from a button or link to the same one of the next row.
function walk(event) {
  const { key, target } = event;
  const kind = target.closest("button") ? "button" : "a";
  const rows = [...(target.closest("[data-list]")?.querySelectorAll(`:is(tr, li):has(${kind})`) ?? [])];
  const next = rows[rows.indexOf(target.closest("tr, li")) + (key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.querySelector(kind).focus();
}

function onKey(event) {
  if (!isShortcut(event)) return;
  const key = event.key.toLowerCase();
  if (key === "arrowup" || key === "arrowdown") return walk(event);
  // Sliders, the map and open menus have their own use for the arrows.
  if (key.startsWith("arrow") && event.target.closest("input, canvas, [role=application]")) return;
  const act = key === " " && !acting(event.target) ? toggle : ACTS[key];
  if (!act) return;
  if (current) {
    event.preventDefault();
    act();
  } else if (act === toggle) {
    const button = document.querySelector("[data-play]:not(:disabled)");
    if (!button) return;
    event.preventDefault();
    button.click();
  }
}

function remember() {
  if (current) sessionStorage.setItem(KEEP, JSON.stringify({ ...current, at: now(), queue, radio }));
}

function resume() {
  const kept = JSON.parse(sessionStorage.getItem(KEEP) || "null");
  if (!kept) return;
  const { at, queue: list = [], radio: on = "", ...track } = kept;
  [queue, radio] = [list, on];
  open(track, at);
}

if (audio) {
  document.addEventListener("click", (event) => {
    const all = event.target.closest("[data-play-all]");
    const list = all && document.querySelector(all.dataset.playAll);
    if (list) return beginList(list);
    const button = event.target.closest("[data-play]");
    if (!button) return;
    if (button.dataset.play === current?.id) toggle();
    else begin(button);
  });
  document.addEventListener("input", (event) => {
    const input = event.target.closest("[data-seek]");
    if (!input) return;
    const at = Number(input.value);
    if (input.dataset.seek === current?.id) {
      seek(at);
    } else {
      queue = [trackOf(input.closest(".stage").querySelector("[data-play]"))];
      radio = "";
      open(queue[0], at);
      start();
    }
  });
  find(".play").addEventListener("click", toggle);
  find(".seek").addEventListener("input", (event) => seek(Number(event.target.value)));
  find(".level").addEventListener("input", (event) => (audio.volume = event.target.value));
  find("[data-close]").addEventListener("click", close);
  for (const button of box.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  }
  for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, mark);
  for (const name of ["timeupdate", "loadedmetadata"]) audio.addEventListener(name, paint);
  audio.addEventListener("play", follow);
  audio.addEventListener("timeupdate", listen);
  audio.addEventListener("ended", () => step(1));
  audio.addEventListener("error", complain);
  document.addEventListener("keydown", onKey);
  document.addEventListener("htmx:after:swap", mark);
  window.addEventListener("pagehide", remember);
  if ("mediaSession" in navigator) {
    navigator.mediaSession.setActionHandler("play", start);
    navigator.mediaSession.setActionHandler("pause", () => audio.pause());
    navigator.mediaSession.setActionHandler("previoustrack", () => step(-1));
    navigator.mediaSession.setActionHandler("nexttrack", () => step(1));
    navigator.mediaSession.setActionHandler("seekto", (details) => seek(details.seekTime));
  }
  resume();
} else {
  // Nobody is signed in, so nothing of the last person's listening stays.
  sessionStorage.removeItem(KEEP);
}
