// What mystmd leaves after a build: the configuration, the pages and the public files.
import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { localize, numberEquations } from "./localize.js";

export const THEME = dirname(dirname(fileURLToPath(import.meta.url)));

export const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/**
 * Read everything the renderer needs. `buildDirectory` is where the HTML goes (given by mystmd);
 * the environment names the file that book/site.py wrote. Without it: one language, no courses.
 */
export function readSite(buildDirectory, environment) {
  const siteDirectory = join(dirname(buildDirectory), "site");
  const project = readJson(join(siteDirectory, "config.json")).projects[0];
  const told = environment.MINGA_BOOK_SETTINGS ? readJson(environment.MINGA_BOOK_SETTINGS) : {};
  const language = told.language ?? "es";
  const base = (environment.BASE_URL || "").replace(/\/$/, "");
  const words = { ...readJson(join(THEME, "words.json")), ...told.words };
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
    source: told.source ?? language,
    languages: told.languages ?? [{ code: language, name: language }],
    base,
    // The folder that holds one folder a language, as a path and, where one is known, as an address.
    root: told.root ?? base,
    address: told.address ?? "",
    repository: told.repository ?? "",
    pdf: told.pdf ?? "",
    epub: told.epub ?? "",
    courses: told.courses ?? [],
    pageFacts: told.pages ?? {},
    folder: dirname(environment.MINGA_BOOK_SETTINGS ?? "."),
    // What a browser fetches before it runs the first cell of a page.
    hereMegabytes: told.megabytes,
    words,
    authors: project.authors ?? [],
    title: project.title,
    description: project.description || home.frontmatter.description || "",
    index: project.index,
    entries,
    pages: entries.filter((entry) => entry.slug),
    contents,
    // Files that the pages need and that are made with them: name → bytes.
    files: new Map(),
    publicDirectory,
    hasDates: told.courses?.some(({ dated }) => dated) ?? false,
    publicFiles: new Set(readdirSync(publicDirectory)),
  };
}

/** The path of a page in this language, or in the one that `language` names. */
export function pageUrl(site, slug, language = site.language) {
  const base = language === site.language ? site.base : `${site.root}/${language}`;
  return slug === site.index ? `${base}/` : `${base}/${slug}/`;
}

/** The same with scheme and host, where the public address is known. */
export function publicUrl(site, path) {
  return site.address && path.startsWith(site.root) ? site.address + path.slice(site.root.length) : path;
}

/** How much of a page is translated, from 0 to 1. */
export function translatedShare(site, slug) {
  return site.pageFacts[slug]?.translated ?? 1;
}

/** The address of a file that mystmd put among the public ones (`/name-hash.png`). */
export function assetUrl(site, url) {
  return url?.startsWith("/") && site.publicFiles.has(basename(url))
    ? `${site.base}/build/${basename(url)}`
    : url;
}
