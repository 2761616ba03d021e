// Small comforts; every page can be read without them.

// The hub's pages read the same cookie, so a choice made here holds there too.
for (const link of document.querySelectorAll("a[data-language]")) {
  link.addEventListener("click", () => {
    document.cookie = `minga_language=${link.dataset.language}; Path=/; Max-Age=31536000; SameSite=Lax`;
    link.href = link.href.split(/[?#]/)[0] + location.search + placeOnPage();
  });
}

/** Where the reader is: the address's own place while it is in view, else the section read now. */
function placeOnPage() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const box = named?.getBoundingClientRect();
  if (box && box.bottom > 80 && box.top < innerHeight) return location.hash;
  if (scrollY < 80) return "";
  const line = parseFloat(getComputedStyle(root).scrollPaddingTop) + 30; // where links put a heading
  const above = [...document.querySelectorAll("article :is(h2, h3, h4, figure, .equation, .cell)[id]")]
    .filter((one) => one.getBoundingClientRect().top < line);
  return above.length ? `#${above.at(-1).id}` : "";
}

const root = document.documentElement;
const button = document.querySelector("button.theme");
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
const label = () => button.setAttribute("aria-label", isDark() ? button.dataset.light : button.dataset.dark);
button.hidden = false;
label();
system.addEventListener("change", label);
button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem("minga_theme", root.dataset.theme);
  label();
});

// Contents: open beside the text, closed above it.
matchMedia("(max-width: 62rem)").addEventListener("change", (event) => {
  document.querySelector("[data-contents]").open = !event.matches;
});

const words = document.querySelector("meta[name=minga-copy]")?.content.split("|");
for (const block of words ? document.querySelectorAll(".code") : []) {
  const copy = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: words[0] });
  copy.setAttribute("aria-label", words[2]);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    copy.textContent = words[1];
    setTimeout(() => (copy.textContent = words[0]), 1500);
  });
  block.querySelector(".tools").append(copy);
}

// Citations name the address that the reader used where the site does not know its own.
for (const one of document.querySelectorAll("[data-own-address]")) {
  const path = one.dataset.ownAddress;
  const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replace(path, location.origin + path);
}

// References show what they lead to, where there is a pointer that can hover or a keyboard.
const references = "a.xref, a.footnote";
for (const kind of ["pointerover", "focusin"]) {
  document.addEventListener(kind, async (event) => {
    const link = event.target.closest?.(references);
    if (!link || (kind === "pointerover" && event.pointerType === "touch")) return;
    (await import("./previews.js")).consider(link);
  });
}

// Mark the section being read in the page's own contents.
const links = new Map([...document.querySelectorAll(".outline a")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
if (links.size) {
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      for (const a of links.values()) a.removeAttribute("aria-current");
      links.get(target.id).setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -75% 0px" });
  for (const id of links.keys()) seen.observe(document.getElementById(id));
}
