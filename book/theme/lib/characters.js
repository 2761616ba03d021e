// Which characters the pages have: the fonts are cut to them.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const MATH = new Set(["math", "inlineMath"]);
const OUTPUT_LIMIT = 300_000; // longer texts are pictures

function collect(value, found, publicDirectory) {
  if (Array.isArray(value)) for (const one of value) collect(one, found, publicDirectory);
  else if (value && typeof value === "object") {
    if (MATH.has(value.type)) {
      for (const character of (value.html ?? value.value).replace(/<[^>]*>/g, "")) found.math.add(character);
      return;
    }
    for (const [key, one] of Object.entries(value)) {
      if (key === "path" && typeof one === "string" && /\.(txt|html)$/.test(one)) {
        const path = join(publicDirectory, one.split("/").pop());
        if (statSync(path, { throwIfNoEntry: false })?.size < OUTPUT_LIMIT) add(readFileSync(path, "utf8"), found.text);
      } else collect(one, found, publicDirectory);
    }
  } else if (typeof value === "string" && value.length < OUTPUT_LIMIT) add(value, found.text);
}

function add(text, set) {
  for (const character of text) if (character > "~") set.add(character);
}

/** {text, math}: the characters beyond ASCII of all pages, and all that their formulas show. */
export function charactersOf(site) {
  const found = { text: new Set(), math: new Set() };
  collect([site.words, site.courses, site.title, site.description], found, site.publicDirectory);
  for (const { mdast, frontmatter } of site.contents.values()) collect([mdast, frontmatter], found, site.publicDirectory);
  return found;
}
