// Small comforts; every page can be read without them.

// The hub's pages read the same cookie, so a choice made here holds there too.
for (const link of document.querySelectorAll("a[data-language]")) {
  link.addEventListener("click", () => {
    document.cookie = `minga_language=${link.dataset.language}; Path=/; Max-Age=31536000; SameSite=Lax`;
    if (location.hash || location.search) link.href += location.search + location.hash;
  });
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
  block.append(copy);
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
