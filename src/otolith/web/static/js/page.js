// Manners of the page: where the focus goes after a part was exchanged, menus, and colours without a reload.
const root = document.documentElement;
let job = null;
// The search is on its way, because somebody asked for it on a page without one.
let seeking = false;

export function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = text;
}

export function csrf() {
  const found = /(?:^|; )otolith_csrf=([^;]*)/.exec(document.cookie);
  return found ? decodeURIComponent(found[1]) : "";
}

const isTyping = (element) => element.closest("input:not([type=range], [type=checkbox], [type=radio]), textarea, select");

// Whether this key press is one of the page's shortcuts: not with a modifier, not in a field, not where they are off.
export function isShortcut(event) {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
  return plain && root.dataset.shortcuts !== "off";
}

const search = () => document.querySelector("input[type=search]");

function onSlash(event) {
  if (event.key !== "/" || !isShortcut(event)) return;
  const field = search();
  const link = document.querySelector('.nav a[href="/library"]');
  if (!field && !link) return;
  event.preventDefault();
  seeking = !field;
  if (!field) return link.click();
  field.focus();
  field.select();
}

function settle(event) {
  const target = event.detail?.ctx?.target;
  if (target?.id === "page") {
    const aim = (seeking && search()) || document.querySelector("#page h1");
    seeking = false;
    aim?.focus({ preventScroll: true });
    announce(document.title);
  } else if (job && document.activeElement === document.body) {
    // The button that was pressed may be gone with the state that it belonged to.
    document.querySelector(`#${job} button`)?.focus({ preventScroll: true });
  }
}

// What came back is no page of ours (a proxy's error, or the form to sign in): let the browser show it whole.
function check(event) {
  const { ctx, tasks } = event.detail;
  const main = tasks.find((task) => task.type === "main");
  if (!ctx.select || !main || main.fragment.childElementCount) return;
  event.preventDefault();
  // What came by itself into a page that is whole without it may stay away: its place holds a link to it.
  if (!ctx.sourceElement.matches("[data-extra]")) leave(ctx);
}

function leave({ request, target }) {
  if (request.method !== "GET") return location.reload();
  location.assign(target?.id === "page" ? request.action : location.href);
}

function choose(event) {
  const { name, value } = event.submitter ?? {};
  if (name !== "theme" && name !== "shortcuts") return;
  event.preventDefault();
  document.cookie = `otolith_${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  if (value === "auto" || value === "on") delete root.dataset[name];
  else root.dataset[name] = value;
  for (const button of document.querySelectorAll(`.preferences [name="${name}"]`)) {
    button.setAttribute("aria-pressed", button.value === value);
  }
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}

// What was left empty in the form of a search has no place in its address.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.method !== "get") return;
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
});
document.addEventListener("htmx:after:swap", settle);
document.addEventListener("htmx:before:swap", check);
document.addEventListener("htmx:error", ({ detail: { ctx } }) => ctx?.target?.id === "page" && leave(ctx));
document.addEventListener("focusin", (event) => (job = event.target.closest(".jobs li")?.id ?? null));
document.addEventListener("submit", (event) => event.target.matches(".preferences") && choose(event));
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", onSlash);
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
