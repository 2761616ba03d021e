// The kinds of pages: a chapter, the landing page, search, the missing page, all chapters in one.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { h } from "./h.js";
import { toHtml } from "hast-util-to-html";
import { citation, contribute } from "./cite.js";
import { contents, documentHtml, HARDLY, head, pageFooter } from "./frame.js";
import { hubUrl } from "./hub.js";
import { icon, raw } from "./icons.js";
import { hero } from "./landing.js";
import { noteId, outputsInFigures, plainText, render, renderAll } from "./nodes.js";
import { pageUrl, readJson, translatedShare } from "./site.js";

/** What a reader can do with a page: run it in the browser where that is possible, in the hub, elsewhere. */
function actions(site, page, slug) {
  const { words } = site;
  const hub = hubUrl(site, page.frontmatter);
  const here = site.pageFacts[slug]?.here;
  const { notebook } = page.frontmatter.site ?? {};
  if (!hub && !notebook) return undefined;
  return [
    h("p", { className: "actions" }, [
      here && h("a", { className: "button", href: here, target: "_blank", rel: "noopener", ariaDescribedBy: "try-here" }, words.try_here),
      hub && h("a", { className: ["button", here && "second"], href: hub }, words.open_in_hub),
      notebook && h("a", { className: "quiet", href: `${site.base}/notebooks/${notebook}`, download: notebook }, [icon("down"), words.download_notebook]),
    ]),
    here && h("p", { className: "actions-note", id: "try-here" }, words.try_here_note.replace("{n}", site.hereMegabytes)),
  ];
}

function yourTurn(site, page) {
  const hub = page.frontmatter.site?.assignment && hubUrl(site, page.frontmatter);
  if (!hub) return undefined;
  return h("aside", { className: "your-turn", ariaLabel: site.words.your_turn }, [
    h("p", { className: "your-turn-title" }, site.words.your_turn),
    h("p", site.words.your_turn_text),
    h("p", h("a", { className: "button", href: hub }, site.words.open_in_hub)),
  ]);
}

function neighbours(site, slug) {
  const at = site.pages.findIndex((page) => page.slug === slug);
  const card = (page, rel, word) => page
    ? h("a", { className: rel, rel, href: pageUrl(site, page.slug) }, [h("span", word), h("strong", page.title)])
    : h("span");
  return h("nav", { className: "neighbours", ariaLabel: `${site.words.previous}, ${site.words.next}` }, [
    card(site.pages[at - 1], "prev", site.words.previous),
    card(site.pages[at + 1], "next", site.words.next),
  ]);
}

function footnotes(context) {
  if (!context.notes.length) return undefined;
  const { words } = context.site;
  const item = (note) => h("li", { id: `fn-${noteId(context, note)}`, value: note.enumerator }, [
    ...renderAll(note, context),
    h("a", { className: "back", href: `#fnref-${noteId(context, note)}`, ariaLabel: words.back_to_text }, "↩"),
  ]);
  return h("section", { className: "footnotes", role: "doc-endnotes" }, [h("h2", words.footnotes), h("ol", context.notes.map(item))]);
}

/** The texts of a page's head: its title, and the tree without the heading that repeats it. */
function titleOf(page) {
  const heading = page.mdast.children?.[0]?.children?.find((node) => node.type === "heading");
  const { title } = page.frontmatter;
  if (heading?.depth !== 1 || plainText(heading).trim() !== title) return { title };
  page.mdast.children[0].children = page.mdast.children[0].children.filter((node) => node !== heading);
  return { title, heading };
}

function widgetStateOf(site, slug) {
  const file = site.pageFacts[slug]?.widgets;
  return file && readJson(join(site.folder, file))["application/vnd.jupyter.widget-state+json"];
}

function shallowest(node) {
  if (node.type === "heading") return node.depth;
  return Math.min(7, ...(node.children ?? []).map(shallowest));
}

function newContext(site, slug, more = {}) {
  const page = site.contents.get(slug);
  return {
    site, slug, location: page.location, widgetState: widgetStateOf(site, slug), uses: {}, headings: [], notes: [], footnotes: new Set(),
    kernel: page.kernelspec?.name ?? page.frontmatter.kernelspec?.name ?? "python3",
    inFigures: new Set(outputsInFigures(page.mdast)), headingShift: 2 - shallowest(page.mdast), ...more,
  };
}

/** What only pages with widgets load: a small script that fetches state and player in time. */
function widgetElements(site, context, page) {
  if (!context.uses.widgets) return [];
  if (!context.widgetState) throw new Error(`${page.location}: a widget was shown, but its state was not saved; run the book with "python -m book.build"`);
  const state = Buffer.from(JSON.stringify(context.widgetState));
  const name = `widgets-${context.slug}-${createHash("sha256").update(state).digest("hex").slice(0, 16)}.json`;
  site.files.set(name, state);
  const files = { dataState: `${site.base}/build/${name}`, dataPlayer: `${site.base}/assets/widgets/embed.js` };
  return [h("script", { type: "module", id: "widgets", src: `${site.base}/assets/${site.assets["widgets.js"]}`, ...files })];
}

/** One page: {html, uses: {math, widgets, code}}. */
export function renderPage(site, slug) {
  const page = site.contents.get(slug);
  const { words } = site;
  const { frontmatter } = page;
  const { title, heading } = titleOf(page);
  const context = newContext(site, slug);
  const body = render(page.mdast, context);
  const notes = footnotes(context);
  const share = translatedShare(site, slug);
  const landing = slug === site.index;
  const main = h("main", { id: "text", tabIndex: -1 }, [
    h("article", { lang: share < HARDLY ? site.source : undefined }, [
      share < 1 && h("p", { className: "untranslated", lang: site.language }, share < HARDLY ? words.untranslated : words.partly_untranslated),
      landing ? hero(site, frontmatter) : [
        h("h1", { id: heading?.html_id ?? heading?.identifier }, heading ? renderAll(heading, context) : title),
        frontmatter.subtitle && h("p", { className: "subtitle" }, frontmatter.subtitle),
      ],
      actions(site, page, slug),
      body,
      notes,
    ]),
    yourTurn(site, page),
    !landing && citation(context, page),
    h("p", { className: "contribute" }, contribute(context, page)),
    neighbours(site, slug),
    pageFooter(site),
  ]);
  const extra = widgetElements(site, context, page);
  if (context.uses.code) extra.push(raw(`<meta name="minga-copy" content="${words.copy}|${words.copied}|${words.copy_code}">`));
  const path = (language) => pageUrl(site, slug, language);
  const description = frontmatter.description ?? site.description;
  const headElement = head(site, { title, description, path, slug, uses: context.uses, extra });
  const html = documentHtml(site, headElement, {
    slug, path, main, outline: landing ? [] : context.headings, className: landing && "landing",
  });
  return { html, uses: context.uses };
}

function plainPage(site, title, body, path, extra) {
  const main = h("main", { id: "text", tabIndex: -1 }, [h("article", [h("h1", title), ...body]), pageFooter(site)]);
  return documentHtml(site, head(site, { title, path, uses: {}, extra }), { path, main });
}

/** The search page; without script it lists all pages. */
export function renderSearchPage(site) {
  const { words } = site;
  const texts = { search_prompt: words.search_prompt, search_none: words.search_none, search_one: words.search_one, search_many: words.search_many };
  const body = [
    h("div", { className: "results", dataSearch: `${site.base}/search.json`, dataWords: JSON.stringify(texts) }),
    h("noscript", [h("p", words.search_no_script), h("div", contents(site))]),
  ];
  const script = h("script", { type: "module", src: `${site.base}/assets/${site.assets["search.js"]}` });
  return plainPage(site, words.search, body, (language) => `${pageUrl(site, site.index, language)}buscar/`, [script]);
}

/** What a reader sees where there is no page. */
export function renderMissingPage(site) {
  const { words } = site;
  const body = [h("p", words.missing_text), h("div", contents(site))];
  return plainPage(site, words.missing, body, (language) => pageUrl(site, site.index, language));
}

/** All chapters on one page, with no script, from which the book's PDF and EPUB are made (book/pdf.py, book/epub). */
export function renderWholeBook(site) {
  const { words } = site;
  const uses = {};
  const chapter = ({ slug }) => {
    const page = site.contents.get(slug);
    const { title } = titleOf(page);
    const context = newContext(site, slug, { whole: true });
    const body = render(page.mdast, context);
    const notes = footnotes(context);
    Object.assign(uses, context.uses);
    return h("article", { className: "chapter", id: `chapter-${slug}`, lang: translatedShare(site, slug) < HARDLY ? site.source : undefined }, [
      h("h1", title),
      page.frontmatter.subtitle && h("p", { className: "subtitle" }, page.frontmatter.subtitle),
      body,
      notes,
    ]);
  };
  const chapters = site.pages.filter(({ slug }) => slug !== site.index).map(chapter);
  const style = (name) => h("link", { rel: "stylesheet", href: `${site.base}/assets/${site.assets[name]}` });
  const inside = (entry) => (entry.slug === site.index ? `${site.address || "."}` : `#chapter-${entry.slug}`);
  const entries = { ...site, entries: site.entries.filter(({ slug }) => slug !== site.index) };
  return toHtml([
    { type: "doctype" },
    h("html", { lang: site.language, dataTheme: "light" }, [
      h("head", [
        h("meta", { charSet: "utf-8" }),
        h("meta", { name: "robots", content: "noindex" }),
        h("title", site.title),
        style("book.css"),
        uses.math && style("math.css"),
      ]),
      h("body", { className: "whole" }, h("main", [
        h("header", { className: "title-page" }, [
          icon("mark"), h("p", { className: "book-title" }, site.title), h("p", site.description),
          h("p", words.license), site.address && h("p", h("a", { href: pageUrl(site, site.index) }, site.address)),
        ]),
        h("nav", { className: "whole-contents", ariaLabel: words.contents }, [h("h2", words.contents), contents(entries, undefined, inside)]),
        chapters,
      ])),
    ]),
  ], { allowDangerousHtml: true });
}
