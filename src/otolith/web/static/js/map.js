// The map of the library: a canvas to move over and zoom into by pointer, touch or keys; a click plays what lies there.
import { announce } from "./page.js";
import { playTrack } from "./player.js";

const NEAR = 18;
const STEP = 60;
const CLOSEST = 400;
// Places on the Camelot wheel get neighbouring hues, so that keys that mix look alike.
const hue = (camelot) => (camelot ? `oklch(0.66 0.13 ${Number.parseInt(camelot, 10) * 30})` : null);

function open(box) {
  const canvas = box.querySelector("canvas");
  const pen = canvas.getContext("2d");
  const tip = box.querySelector(".tip");
  const fit = () => Math.min(canvas.clientWidth, canvas.clientHeight) / 2.15;
  const view = { x: 0, y: 0, zoom: 1 };
  const pointers = new Map();
  let points = [];
  let chosen = null;
  let asked = null;
  let waiting = 0;
  let moved = 0;
  let spread = 0;

  const scale = () => fit() * view.zoom;
  const toScreen = ({ x, y }) => [
    canvas.clientWidth / 2 + (x - view.x) * scale(),
    canvas.clientHeight / 2 + (y - view.y) * scale(),
  ];

  function draw() {
    const ratio = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    pen.scale(ratio, ratio);
    const { color, borderColor } = getComputedStyle(canvas);
    const size = Math.min(7, 2.2 + Math.log2(1 + view.zoom) + 40 / Math.sqrt(points.length + 60));
    for (const point of points) {
      const [x, y] = toScreen(point);
      pen.fillStyle = hue(point.camelot) ?? color;
      pen.beginPath();
      // One that stands for others around it is larger, and comes apart as one comes nearer.
      pen.arc(x, y, size + Math.min(6, Math.log2(point.stands_for)), 0, 7);
      pen.fill();
    }
    tip.hidden = !chosen;
    if (!chosen) return;
    const [x, y] = toScreen(chosen);
    pen.strokeStyle = borderColor;
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.arc(x, y, size + 4, 0, 7);
    pen.stroke();
    tip.querySelector("b").textContent = chosen.title;
    tip.querySelector("span").textContent = [chosen.artist, chosen.tempo && `${Math.round(chosen.tempo)} BPM`, chosen.camelot]
      .filter(Boolean)
      .join(" · ");
    const left = Math.min(Math.max(8, x + 14), Math.max(8, canvas.clientWidth - tip.offsetWidth - 8));
    tip.style.left = `${left}px`;
    tip.style.top = `${y + 16 + tip.offsetHeight > canvas.clientHeight ? y - 16 - tip.offsetHeight : y + 16}px`;
  }

  async function load() {
    const [wide, high] = [canvas.clientWidth / 2 / scale(), canvas.clientHeight / 2 / scale()];
    const within = (value) => Math.min(2, Math.max(-2, value));
    const query = new URLSearchParams({
      left: within(view.x - wide),
      right: within(view.x + wide),
      top: within(view.y - high),
      bottom: within(view.y + high),
      limit: box.dataset.limit,
    });
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(`${box.dataset.map}?${query}`, { signal: asked.signal });
      if (!answer.ok) throw new Error(answer.statusText);
      points = (await answer.json()).items.map(({ track, ...place }) => ({ ...track, ...place }));
      if (chosen) chosen = points.find((point) => point.id === chosen.id) ?? chosen;
      draw();
    } catch (error) {
      if (error.name !== "AbortError") announce(box.dataset.broken);
    }
  }

  function look() {
    view.x = Math.min(1, Math.max(-1, view.x));
    view.y = Math.min(1, Math.max(-1, view.y));
    draw();
    clearTimeout(waiting);
    waiting = setTimeout(load, 160);
  }

  function zoom(by, [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2]) {
    const next = Math.min(CLOSEST, Math.max(1, view.zoom * by));
    const [dx, dy] = [x - canvas.clientWidth / 2, y - canvas.clientHeight / 2];
    const gain = 1 / scale() - 1 / (fit() * next);
    view.x += dx * gain;
    view.y += dy * gain;
    view.zoom = next;
    look();
  }

  function move(dx, dy) {
    view.x -= dx / scale();
    view.y -= dy / scale();
    look();
  }

  function nearest([x, y], within) {
    let best = null;
    let least = within ** 2;
    for (const point of points) {
      const [px, py] = toScreen(point);
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (far < least) [best, least] = [point, far];
    }
    return best;
  }

  function choose(point) {
    if (point === chosen) return;
    chosen = point;
    canvas.classList.toggle("over", Boolean(point));
    draw();
  }

  // The next one in a direction, so that arrows lead from track to track.
  function walk(right, down) {
    if (!chosen) return nearest([canvas.clientWidth / 2, canvas.clientHeight / 2], 1e5);
    let best = null;
    let least = Infinity;
    for (const point of points) {
      const along = (point.x - chosen.x) * right + (point.y - chosen.y) * down;
      const aside = Math.abs((point.x - chosen.x) * down) + Math.abs((point.y - chosen.y) * right);
      if (point !== chosen && along > 0 && along + 2 * aside < least) [best, least] = [point, along + 2 * aside];
    }
    return best;
  }

  function goTo(point) {
    if (!point) return;
    choose(point);
    const [x, y] = toScreen(point);
    const margin = STEP;
    const out = x < margin || y < margin || x > canvas.clientWidth - margin || y > canvas.clientHeight - margin;
    if (out) [view.x, view.y] = [point.x, point.y];
    look();
    announce(tip.textContent.trim());
  }

  const KEYS = {
    ArrowLeft: () => goTo(walk(-1, 0)),
    ArrowRight: () => goTo(walk(1, 0)),
    ArrowUp: () => goTo(walk(0, -1)),
    ArrowDown: () => goTo(walk(0, 1)),
    "+": () => zoom(1.5),
    "-": () => zoom(1 / 1.5),
    0: () => zoom(1e-9),
    Enter: () => chosen && playTrack(chosen),
  };
  const spot = (event) => [event.offsetX, event.offsetY];
  const distance = () => {
    const [a, b] = [...pointers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  };

  canvas.addEventListener("keydown", (event) => {
    const act = !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key === "=" ? "+" : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), spot(event));
  });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, spot(event));
    moved = 0;
    if (pointers.size === 2) spread = distance();
  });
  canvas.addEventListener("pointermove", (event) => {
    const from = pointers.get(event.pointerId);
    if (!from) return choose(nearest(spot(event), NEAR));
    const [x, y] = spot(event);
    pointers.set(event.pointerId, [x, y]);
    moved += Math.abs(x - from[0]) + Math.abs(y - from[1]);
    if (pointers.size === 2) {
      const now = distance();
      zoom(now / spread, [(x + from[0]) / 2, (y + from[1]) / 2]);
      spread = now;
    } else if (moved > 4) {
      move(x - from[0], y - from[1]);
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    pointers.delete(event.pointerId);
    const point = moved <= 4 && nearest(spot(event), NEAR);
    if (!point) return;
    choose(point);
    playTrack(point);
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  for (const button of box.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  }
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  load();
}

// A page that comes back from the history is drawn anew; one that is there already is left alone.
function furnish() {
  for (const box of document.querySelectorAll("[data-map]:not([data-open])")) {
    box.dataset.open = "";
    open(box);
  }
}

document.addEventListener("htmx:after:swap", furnish);
furnish();
