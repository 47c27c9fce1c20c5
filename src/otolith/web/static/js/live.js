// The live feed: events only say that something happened, and the parts of a page that care ask for themselves anew.
let source = null;

function tell() {
  document.body.dispatchEvent(new CustomEvent("otolith:jobs"));
}

function tune() {
  const url = document.querySelector("[data-follow]")?.dataset.follow;
  // A hidden page holds no connection, since browsers allow only six to one server; it catches up when it is shown.
  const wanted = url && window.htmx && !document.hidden;
  if (source?.readyState === EventSource.CLOSED) source = null;
  if (!wanted) {
    source?.close();
    source = null;
  } else if (!source) {
    source = new EventSource(url);
    source.onopen = () => document.documentElement.classList.add("live");
    source.onerror = () => document.documentElement.classList.remove("live");
    source.onmessage = tell;
    // The server kept too little to say what was missed.
    source.addEventListener("reset", tell);
  }
}

document.addEventListener("visibilitychange", () => {
  tune();
  if (source) tell();
});
document.addEventListener("htmx:after:swap", tune);
tune();
