// What runs on every page; each part stands alone, and none needs htmx.
import "./player.js";
import "./page.js";
import "./live.js";

// What only some pages have a place for is loaded where the place is: by the page itself, or when htmx brings it.
function furnish() {
  if (document.getElementById("drop")) import("./upload.js");
  if (document.querySelector("[data-map]")) import("./map.js");
  if (document.querySelector("[data-copy]")) import("./copy.js");
}

document.addEventListener("htmx:after:swap", furnish);
furnish();
