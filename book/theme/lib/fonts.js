// The book's letters, cut to the characters that the book has: a fifth of the bytes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import subsetFont from "subset-font";
import { THEME } from "./site.js";

const FAMILIES = ["literata/wght.css", "literata/wght-italic.css", "source-sans-3/wght.css", "source-code-pro/wght.css"];
// What each family is used for needs no more: italics and code have one weight.
const AXES = {
  "literata/wght.css": { wght: { min: 400, max: 650 } },
  "literata/wght-italic.css": { wght: 400 },
  "source-sans-3/wght.css": { wght: { min: 400, max: 650 } },
  "source-code-pro/wght.css": { wght: 450 },
};
const CACHE = join(THEME, "node_modules/.cache/fonts");
// Always there, so that a new sentence seldom makes a new font.
const ALWAYS = [...Array(95).keys()].map((at) => String.fromCharCode(32 + at)).join("")
  + "áéíóúüñÁÉÍÓÚÜÑàèìòùâêîôûäëïöçãõ¿¡«»“”‘’–—…·•×÷±°²³½¼ªº§©€\u00a0\u00ad\u2009\u202f−";

const inRanges = (ranges) => {
  const list = ranges.split(",").map((range) => {
    const [from, to = from] = range.trim().replace(/^U\+/i, "").split("-");
    return [parseInt(from, 16), parseInt(to, 16)];
  });
  return (character) => list.some(([from, to]) => character.codePointAt(0) >= from && character.codePointAt(0) <= to);
};

/** A font with these characters only, from the cache where it was made before. */
async function cut(path, text, options) {
  const bytes = readFileSync(path);
  const key = createHash("sha256").update(bytes).update(JSON.stringify([text, options])).digest("hex").slice(0, 32);
  const kept = join(CACHE, `${key}.woff2`);
  if (existsSync(kept)) return readFileSync(kept);
  const made = await subsetFont(bytes, text, { targetFormat: "woff2", ...options });
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(kept, made);
  return made;
}

function* faces(css) {
  for (const [block] of css.matchAll(/@font-face\s*\{[^}]*\}/g)) {
    const file = /url\(["']?(\.?[^)"']*\.woff2)["']?\)/.exec(block)?.[1];
    if (file) yield { block, file, ranges: /unicode-range:\s*([^;}]*)/.exec(block)?.[1] };
  }
}

/** The style sheet of the text's fonts, with their files beside it in `directory`. */
export async function writeTextFonts(directory, characters) {
  const wanted = [...new Set([...ALWAYS, ...characters])].sort();
  const rules = [];
  for (const family of FAMILIES) {
    const sheet = join(THEME, "node_modules/@fontsource-variable", family);
    for (const { block, file, ranges } of faces(readFileSync(sheet, "utf8"))) {
      const text = wanted.filter(inRanges(ranges)).join("");
      // Letters that only other scripts' files have: fetched by a browser where they occur.
      if (!text) continue;
      const bytes = await cut(join(dirname(sheet), file), text, { variationAxes: AXES[family] });
      rules.push(replaceFile(block, file, write(directory, bytes)));
    }
  }
  return rules.join("\n");
}

/** KaTeX's style sheet with its fonts cut to the formulas' characters. */
export async function writeMathStyles(directory, characters) {
  const sheet = join(THEME, "node_modules/katex/dist/katex.css");
  let css = readFileSync(sheet, "utf8");
  const text = [...new Set([..."0123456789+-=()[]{}.,√ ", ...characters])].sort().join("");
  for (const { block, file } of faces(css)) {
    const bytes = await cut(join(dirname(sheet), file), text, {});
    css = css.replace(block, replaceFile(block, file, write(directory, bytes)));
  }
  return css;
}

const replaceFile = (block, file, url) => block.replace(/src:[^;}]*/, `src: url("${url}") format("woff2")`);

function write(directory, bytes) {
  const name = `${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.woff2`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), bytes);
  return join(directory, name);
}
