// Full-text search in the browser; accents and capitals make no difference.
import MiniSearch from "minisearch";

const fold = (word) => word.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();
const box = document.querySelector("[data-search]");
const words = JSON.parse(box.dataset.words);
const input = document.querySelector("#find");
const status = Object.assign(document.createElement("p"), { className: "status" });
status.setAttribute("role", "status");
const list = document.createElement("ol");
box.append(status, list);

const documents = await (await fetch(box.dataset.search)).json();
const index = new MiniSearch({
  fields: ["title", "page", "text"],
  processTerm: fold,
  searchOptions: { boost: { page: 3, title: 2 }, prefix: true, fuzzy: 0.15, combineWith: "AND" },
});
index.addAll(documents);

/** The piece of the text around the first match, with the matches marked. */
function excerpt(text, terms) {
  const folded = [...text].map((c) => fold(c)[0] ?? c).join("");
  const at = Math.max(0, Math.min(...terms.map((term) => folded.indexOf(term)).filter((i) => i >= 0)) || 0);
  const start = at > 70 ? text.lastIndexOf(" ", at - 50) + 1 : 0;
  const p = document.createElement("p");
  p.append(start ? "… " : "");
  for (const piece of text.slice(start, start + 220).split(/(\p{L}+)/u)) {
    if (terms.includes(fold(piece))) p.append(Object.assign(document.createElement("mark"), { textContent: piece }));
    else p.append(piece);
  }
  p.append(start + 220 < text.length ? " …" : "");
  return p;
}

function show() {
  const query = input.value.trim();
  list.replaceChildren();
  if (!query) return void (status.textContent = words.search_prompt);
  const found = index.search(query).slice(0, 30);
  status.textContent = found.length === 0 ? words.search_none
    : found.length === 1 ? words.search_one
    : words.search_many.replace("{n}", found.length);
  for (const { id, terms } of found) {
    const { url, page, title, text } = documents[id];
    const link = Object.assign(document.createElement("a"), { href: url, textContent: title || page });
    const item = document.createElement("li");
    item.append(link);
    if (title && title !== page) item.append(Object.assign(document.createElement("span"), { className: "page", textContent: page }));
    item.append(excerpt(text, terms));
    list.append(item);
  }
}

input.value = new URLSearchParams(location.search).get("q") ?? "";
input.addEventListener("input", () => {
  history.replaceState(null, "", input.value ? `?q=${encodeURIComponent(input.value)}` : location.pathname);
  show();
});
input.form.addEventListener("submit", (event) => event.preventDefault());
show();
