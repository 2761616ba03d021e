// ipywidgets' player and the saved state come when a reader comes near a widget, not before.
const { state, player } = document.querySelector("#widgets").dataset;
const boxes = document.querySelectorAll(".widget");

// The player draws slider handles and pictures without a name; who cannot see them needs one.
function name(box) {
  for (const handle of box.querySelectorAll(".noUi-handle:not([aria-label])")) {
    const label = handle.closest(".jupyter-widgets")?.querySelector(".widget-label");
    if (label?.textContent) handle.setAttribute("aria-label", label.textContent);
  }
  for (const picture of box.querySelectorAll("img:not([alt])")) {
    picture.alt = picture.title || box.dataset.picture;
  }
  if (box.querySelector(".jupyter-widgets")) box.querySelector(".still")?.remove();
}

async function play() {
  const answer = await fetch(state);
  const saved = Object.assign(document.createElement("script"), { type: "application/vnd.jupyter.widget-state+json" });
  saved.textContent = await answer.text();
  const script = Object.assign(document.createElement("script"), { src: player });
  // It draws on the window's load event, which has been: tell it alone once more.
  const listen = window.addEventListener;
  window.addEventListener = (kind, act, ...rest) => (kind === "load" ? queueMicrotask(act) : listen.call(window, kind, act, ...rest));
  script.addEventListener("load", () => (window.addEventListener = listen));
  document.head.append(saved, script);
}

const near = new IntersectionObserver((entries) => {
  if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
  near.disconnect();
  play();
}, { rootMargin: "400px" });
for (const box of boxes) {
  new MutationObserver(() => name(box)).observe(box, { childList: true, subtree: true });
  near.observe(box);
}
