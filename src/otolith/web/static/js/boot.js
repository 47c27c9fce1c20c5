// Runs before the first paint: what needs JavaScript may show, what stands in for it steps back.
document.documentElement.classList.add("js");
