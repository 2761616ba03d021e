// A look at what a reference leads to (figure, table, formula, note, section) without leaving the
// sentence. It stays while pointer or focus is on the link or on it, and Escape closes it.
const DELAY = 200;
const box = Object.assign(document.createElement("div"), { id: "preview", className: "preview", popover: "manual" });
box.setAttribute("role", "tooltip");
document.body.append(box);
const pages = new Map();
let current, timer;

function documentAt(url) {
  if (url.pathname === location.pathname) return document;
  if (!pages.has(url.pathname)) {
    pages.set(url.pathname, fetch(url.pathname).then((answer) => answer.text()).then((text) => new DOMParser().parseFromString(text, "text/html")));
  }
  return pages.get(url.pathname);
}

/** A heading with the paragraph or two after it; anything else as it is. */
function piece(target) {
  if (!/^H[1-6]$/.test(target.tagName)) return [target];
  const found = [target];
  for (let next = target.nextElementSibling; next && found.length < 3 && !/^H[1-6]$/.test(next.tagName); next = next.nextElementSibling) {
    if (next.matches("p, ul, ol, .equation, figure")) found.push(next);
  }
  return found;
}

function clean(element) {
  const copy = document.importNode(element, true);
  for (const one of copy.querySelectorAll("[id]")) one.removeAttribute("id");
  copy.removeAttribute("id");
  for (const one of copy.querySelectorAll(".tools, .anchor, .back, script, noscript, .widget")) one.remove();
  for (const one of copy.querySelectorAll("[tabindex]")) one.removeAttribute("tabindex");
  for (const one of copy.querySelectorAll("img")) one.loading = "eager";
  return copy;
}

function place(link) {
  const { left, top, bottom } = link.getClientRects()[0] ?? link.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  box.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  box.style.top = `${bottom + height + 8 < innerHeight ? bottom + 6 : Math.max(8, top - height - 6)}px`;
}

async function open(link) {
  const url = new URL(link.href);
  const source = await documentAt(url);
  const target = source.getElementById(decodeURIComponent(url.hash.slice(1)));
  if (!target || current !== link) return;
  const math = source.querySelector('link[href*="/math-"]');
  if (math && !document.querySelector('link[href*="/math-"]')) document.head.append(document.importNode(math));
  box.replaceChildren(...piece(target).map(clean));
  box.showPopover();
  link.setAttribute("aria-describedby", box.id);
  place(link);
  for (const image of box.querySelectorAll("img")) image.addEventListener("load", () => place(link), { once: true });
}

function close() {
  clearTimeout(timer);
  current?.removeAttribute("aria-describedby");
  current = undefined;
  if (box.matches(":popover-open")) box.hidePopover();
}

const later = (act) => {
  clearTimeout(timer);
  timer = setTimeout(act, DELAY);
};

/** Show the preview of a link soon, unless the reader goes on. */
export function consider(link) {
  if (current === link) return void clearTimeout(timer);
  close();
  current = link;
  later(() => open(link));
  link.addEventListener("pointerleave", () => later(close), { once: true });
  link.addEventListener("blur", close, { once: true });
}

box.addEventListener("pointerenter", () => clearTimeout(timer));
box.addEventListener("pointerleave", () => later(close));
addEventListener("keydown", (event) => event.key === "Escape" && close());
addEventListener("scroll", close, { passive: true });
