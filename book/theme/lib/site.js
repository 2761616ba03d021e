// What mystmd leaves after a build: the configuration, the pages and the public files.
import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { localize, numberEquations } from "./localize.js";

export const THEME = dirname(dirname(fileURLToPath(import.meta.url)));
const OTHER = { es: "en", en: "es" };
const NAMES = { es: "Español", en: "English" };

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/**
 * Read everything the renderer needs. `buildDirectory` is where the HTML goes (given by mystmd);
 * the environment may say the language and name a file with the interface's words in it.
 */
export function readSite(buildDirectory, environment) {
  const siteDirectory = join(dirname(buildDirectory), "site");
  const project = readJson(join(siteDirectory, "config.json")).projects[0];
  const language = environment.MINGA_BOOK_LANGUAGE || "es";
  const base = (environment.BASE_URL || "").replace(/\/$/, "");
  const words = {
    ...readJson(join(THEME, "words.json")),
    ...(environment.MINGA_BOOK_WORDS ? readJson(environment.MINGA_BOOK_WORDS) : {}),
  };
  const contents = new Map();
  for (const slug of [project.index, ...project.pages.map((page) => page.slug)]) {
    if (!slug) continue;
    const page = readJson(join(siteDirectory, "content", `${slug}.json`));
    localize(page.mdast, words);
    contents.set(slug, page);
  }
  numberEquations([...contents.values()].map((page) => page.mdast));
  const home = contents.get(project.index);
  const entries = [
    { slug: project.index, title: home.frontmatter.short_title || home.frontmatter.title, level: 1 },
    ...project.pages.map((page) => ({ ...page, title: page.short_title || page.title })),
  ];
  const publicDirectory = join(siteDirectory, "public");
  return {
    language,
    languageName: NAMES[language],
    other: OTHER[language],
    otherName: NAMES[OTHER[language]],
    base,
    words,
    title: project.title,
    description: project.description || home.frontmatter.description || "",
    index: project.index,
    entries,
    pages: entries.filter((entry) => entry.slug),
    contents,
    // How much of each page is translated, from 0 to 1.
    translated: JSON.parse(environment.MINGA_BOOK_TRANSLATED || "{}"),
    // Files that the pages need and that are made with them: name → bytes.
    files: new Map(),
    publicDirectory,
    publicFiles: new Set(readdirSync(publicDirectory)),
  };
}

/** The address of a page in this language, or in the other when `language` says so. */
export function pageUrl(site, slug, language = site.language) {
  const base = site.base.replace(new RegExp(`/${site.language}$`), `/${language}`);
  return slug === site.index ? `${base}/` : `${base}/${slug}/`;
}

/** The address of a file that mystmd put among the public ones (`/name-hash.png`). */
export function assetUrl(site, url) {
  return url?.startsWith("/") && site.publicFiles.has(basename(url))
    ? `${site.base}/build/${basename(url)}`
    : url;
}
