// ipywidgets draws slider handles and pictures without a name; readers who cannot see them need one.
function name(box) {
  for (const handle of box.querySelectorAll(".noUi-handle:not([aria-label])")) {
    const label = handle.closest(".jupyter-widgets")?.querySelector(".widget-label");
    if (label?.textContent) handle.setAttribute("aria-label", label.textContent);
  }
  for (const picture of box.querySelectorAll("img:not([alt])")) {
    picture.alt = picture.title || box.dataset.picture;
  }
}
for (const box of document.querySelectorAll(".widget")) {
  new MutationObserver(() => name(box)).observe(box, { childList: true, subtree: true });
  name(box);
}
