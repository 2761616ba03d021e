// ipywidgets draws slider handles without a name; readers who cannot see them need one.
function nameHandles() {
  for (const handle of document.querySelectorAll(".widget .noUi-handle:not([aria-label])")) {
    const label = handle.closest(".widget-slider, .jupyter-widgets")?.querySelector(".widget-label");
    if (label?.textContent) handle.setAttribute("aria-label", label.textContent);
  }
}
for (const box of document.querySelectorAll(".widget")) {
  new MutationObserver(nameHandles).observe(box, { childList: true, subtree: true });
}
nameHandles();
