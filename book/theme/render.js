// mystmd calls this after it has parsed the book: one static HTML page per chapter.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildAssets, copyWidgetPlayer } from "./lib/assets.js";
import { charactersOf } from "./lib/characters.js";
import { renderMissingPage, renderPage, renderSearchPage, renderWholeBook } from "./lib/pages.js";
import { searchDocuments } from "./lib/search.js";
import { readSite } from "./lib/site.js";

const out = process.env.BUILD_DIRECTORY;
if (!out) {
  console.error("render.js is called by `jupyter book build --html`, which sets BUILD_DIRECTORY.");
  process.exit(2);
}

function write(path, text) {
  mkdirSync(join(out, path, ".."), { recursive: true });
  writeFileSync(join(out, path), text);
}

const site = readSite(out, process.env);
site.assets = await buildAssets(out, charactersOf(site));
// Pictures and data, not the pages' sources.
const isSource = (path) => /\.(md|ipynb)$/.test(path);
cpSync(site.publicDirectory, join(out, "build"), { recursive: true, filter: (path) => !isSource(path) });

let widgets = false;
for (const { slug } of site.pages) {
  const page = renderPage(site, slug);
  widgets ||= page.uses.widgets;
  write(slug === site.index ? "index.html" : `${slug}/index.html`, page.html);
}
if (site.pdf || site.epub) write("all/index.html", renderWholeBook(site));
for (const [name, bytes] of site.files) write(`build/${name}`, bytes);
if (widgets) copyWidgetPlayer(out);
write("buscar/index.html", renderSearchPage(site));
write("404.html", renderMissingPage(site));
write("search.json", JSON.stringify(searchDocuments(site)));
console.log(`${site.pages.length} pages in ${site.language}`);
