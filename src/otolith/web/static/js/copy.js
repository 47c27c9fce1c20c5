// Copies what stands in a field, also over plain HTTP, where browsers have no clipboard for pages.
import { announce } from "./page.js";

async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const field = button && document.getElementById(button.dataset.copy);
  if (!field || !(await copied(field))) return;
  button.textContent = button.dataset.done;
  announce(button.dataset.done);
  button.focus();
});
