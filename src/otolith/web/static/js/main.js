// What runs on every page; each part stands alone, and none needs htmx.
import "./player.js";
import "./page.js";
import "./live.js";
import "./upload.js";
