// What runs on every page; each part stands alone, and none needs htmx.
import "./player.js";
import "./page.js";
import "./live.js";

const load = () => document.getElementById("drop") && import("./upload.js");
load();
document.addEventListener("htmx:after:swap", load);
