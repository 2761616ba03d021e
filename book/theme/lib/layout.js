// The page around the text: header, contents, language switch, previous and next, footer.
import { h } from "./h.js";
import { toHtml } from "hast-util-to-html";
import { outputsInFigures, plainText, render, renderAll } from "./nodes.js";
import { scriptJson } from "./outputs.js";
import { pageUrl } from "./site.js";

const raw = (value) => ({ type: "raw", value });
const icon = (name) => raw(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`);
const ICONS = {
  mark: '<path d="M2 19 9 6l4 7"/><path d="m9.5 19 5.5-9 7 9"/>',
  menu: '<path d="M4 7h16M4 12h16M4 17h16"/>',
  search: '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
  theme: '<circle cx="12" cy="12" r="8"/><path class="filled" d="M12 4a8 8 0 0 1 0 16z"/>',
  down: '<path d="M12 4v11m-5-4 5 5 5-5M5 20h14"/>',
};

function head(site, { title, description, path, uses, extra = [] }) {
  const asset = (name) => `${site.base}/assets/${site.assets[name]}`;
  const style = (name) => h("link", { rel: "stylesheet", href: asset(name) });
  return h("head", [
    h("meta", { charSet: "utf-8" }),
    h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    h("title", title === site.title ? title : `${title} · ${site.title}`),
    description && h("meta", { name: "description", content: description }),
    h("meta", { name: "color-scheme", content: "light dark" }),
    // Found by the browser without asking the host for /favicon.ico.
    h("link", { rel: "icon", type: "image/svg+xml", href: FAVICON }),
    ...["es", "en"].map((language) => h("link", { rel: "alternate", hrefLang: language, href: path(language) })),
    h("script", { src: asset("early.js") }),
    style("book.css"),
    uses.math && style("math.css"),
    uses.widgets && style("widgets.css"),
    h("script", { type: "module", src: asset("book.js") }),
    ...extra,
  ]);
}

const FAVICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#15756a" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round">' + ICONS.mark + "</svg>",
)}`;

function languageSwitch(site, path) {
  const one = (language, name) => language === site.language
    ? h("span", { className: "here", lang: language, ariaCurrent: "true" }, name)
    : h("a", { href: path(language), lang: language, hrefLang: language, dataLanguage: language }, name);
  return h("p", { className: "languages" }, [one("es", "Español"), one("en", "English")]);
}

function header(site, path) {
  const { words } = site;
  return h("header", { className: "top" }, [
    h("a", { className: "brand", href: pageUrl(site, site.index) }, [icon("mark"), h("span", site.title)]),
    h("form", { className: "find", role: "search", action: `${site.base}/buscar/`, method: "get" }, [
      h("label", { htmlFor: "find", className: "unseen" }, words.search),
      icon("search"),
      h("input", { id: "find", type: "search", name: "q", placeholder: words.search_placeholder, autoComplete: "off" }),
    ]),
    languageSwitch(site, path),
    h("button", {
      className: "theme", type: "button", hidden: true,
      dataDark: words.theme_dark, dataLight: words.theme_light, ariaLabel: words.theme_dark,
    }, icon("theme")),
  ]);
}

function contents(site, slug) {
  const groups = [];
  for (const entry of site.entries) {
    if (!entry.slug) groups.push({ title: entry.title, entries: [] });
    else {
      if (!groups.length) groups.push({ entries: [] });
      groups.at(-1).entries.push(entry);
    }
  }
  const item = (entry) => h("li", h("a", { href: pageUrl(site, entry.slug), ariaCurrent: entry.slug === slug ? "page" : undefined }, entry.title));
  return groups.map(({ title, entries }) => [title && h("p", { className: "group" }, title), h("ul", entries.map(item))]).flat();
}

function sidebar(site, slug) {
  const { words } = site;
  // Open by default for readers without script on a wide screen; the style sheet hides the
  // summary there, and early.js closes it on a narrow one before anything is painted.
  return h("nav", { className: "contents", ariaLabel: words.contents }, [
    h("details", { open: true, dataContents: true }, [
      h("summary", [icon("menu"), words.contents]),
      h("div", { className: "contents-body" }, contents(site, slug)),
    ]),
    h("script", raw("minga.closeContentsOnPhone()")),
  ]);
}

function onThisPage(site, headings) {
  if (headings.length < 2) return h("div", { className: "outline" });
  return h("nav", { className: "outline", ariaLabelledBy: "outline-title" }, [
    h("p", { id: "outline-title" }, site.words.on_this_page),
    h("ul", headings.map(({ id, level, text }) => h("li", { className: `level-${level}` }, h("a", { href: `#${id}` }, text)))),
  ]);
}

/** The hub's start page for this course and assignment; undefined when the page names none. */
function hubUrl(frontmatter) {
  const { course, assignment } = frontmatter.site ?? {};
  if (!course) return undefined;
  return `/hub/spawn?${new URLSearchParams({ course, ...(assignment ? { assignment } : {}) })}`;
}

function actions(site, page) {
  const hub = hubUrl(page.frontmatter);
  const { notebook } = page.frontmatter.site ?? {};
  if (!hub && !notebook) return undefined;
  return h("p", { className: "actions" }, [
    hub && h("a", { className: "button", href: hub }, site.words.open_in_hub),
    notebook && h("a", { className: "quiet", href: `${site.base}/notebooks/${notebook}`, download: notebook }, [icon("down"), site.words.download_notebook]),
  ]);
}

function yourTurn(site, page) {
  const hub = page.frontmatter.site?.assignment && hubUrl(page.frontmatter);
  if (!hub) return undefined;
  return h("aside", { className: "your-turn" }, [
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

function footnotes(site, context) {
  if (!context.notes.length) return undefined;
  const item = (note) => h("li", { id: `fn-${note.identifier}`, value: note.enumerator }, [
    ...renderAll(note, context),
    h("a", { className: "back", href: `#fnref-${note.identifier}`, ariaLabel: site.words.back_to_text }, "↩"),
  ]);
  return h("section", { className: "footnotes", role: "doc-endnotes" }, [h("h2", site.words.footnotes), h("ol", context.notes.map(item))]);
}

function pageFooter(site) {
  return h("footer", { className: "bottom" }, [
    h("p", [h("a", { rel: "license", href: `https://creativecommons.org/licenses/by/4.0/deed.${site.language}` }, site.words.license)]),
  ]);
}

function documentHtml(site, headElement, slug, path, main, outline) {
  return toHtml([
    { type: "doctype" },
    h("html", { lang: site.language }, [
      headElement,
      h("body", [
        h("a", { className: "skip", href: "#text" }, site.words.skip),
        header(site, path),
        h("div", { className: "frame" }, [sidebar(site, slug), main, outline]),
      ]),
    ]),
  ], { allowDangerousHtml: true });
}

/** The texts of a page's head: its title, and the tree without the heading that repeats it. */
function titleOf(page) {
  const title = page.frontmatter.title ?? page.slug;
  const first = (node) => (node.children ?? []).reduce((found, child) => found ?? (child.type === "heading" ? [node, child] : first(child)), undefined);
  const [parent, heading] = first(page.mdast) ?? [];
  if (!heading || plainText(heading) !== title) return { title };
  parent.children = parent.children.filter((child) => child !== heading);
  return { title, heading };
}

const widgetStateOf = (page) => page.widgets?.["application/vnd.jupyter.widget-state+json"];

function shallowest(node) {
  if (node.type === "heading") return node.depth;
  return Math.min(7, ...(node.children ?? []).map(shallowest));
}

/** One page: {html, uses: {math, widgets, code}}. */
export function renderPage(site, slug) {
  const page = site.contents.get(slug);
  const { frontmatter } = page;
  const { title, heading } = titleOf(page);
  const context = {
    site, slug, location: page.location, widgetState: widgetStateOf(page), uses: {}, headings: [], notes: [], footnotes: new Set(),
    inFigures: new Set(outputsInFigures(page.mdast)), headingShift: 2 - shallowest(page.mdast),
  };
  const body = render(page.mdast, context);
  const notes = footnotes(site, context);
  const path = (language) => pageUrl(site, slug, language);
  const share = site.translated[slug] ?? 1;
  const behind = share < 0.1 ? site.words.untranslated : site.words.partly_untranslated;
  const main = h("main", { id: "text", tabIndex: -1 }, [
    h("article", { lang: share < 0.1 ? "es" : undefined }, [
      share < 1 && h("p", { className: "untranslated", lang: site.language }, behind),
      h("h1", { id: heading?.html_id ?? heading?.identifier }, heading ? renderAll(heading, context) : title),
      frontmatter.subtitle && h("p", { className: "subtitle" }, frontmatter.subtitle),
      actions(site, page),
      body,
      notes,
    ]),
    yourTurn(site, page),
    neighbours(site, slug),
    pageFooter(site),
  ]);
  const extra = [];
  if (context.uses.widgets) {
    const state = context.widgetState;
    if (!state) throw new Error(`${page.location}: a widget was shown, but its state was not saved; run the book with "python -m book.build"`);
    extra.push(h("script", { type: "application/vnd.jupyter.widget-state+json" }, raw(scriptJson(state))));
    extra.push(h("script", { defer: true, src: `${site.base}/assets/widgets/embed.js` }));
    extra.push(h("script", { type: "module", src: `${site.base}/assets/${site.assets["widgets.js"]}` }));
  }
  if (context.uses.code) extra.push(raw(`<meta name="minga-copy" content="${site.words.copy}|${site.words.copied}|${site.words.copy_code}">`));
  const description = frontmatter.description ?? site.description;
  const headElement = head(site, { title, description, path, uses: context.uses, extra });
  return { html: documentHtml(site, headElement, slug, path, main, onThisPage(site, context.headings)), uses: context.uses };
}

/** The search page; without script it lists all pages. */
export function renderSearchPage(site) {
  const { words } = site;
  const path = (language) => `${pageUrl(site, site.index, language)}buscar/`;
  const texts = { search_prompt: words.search_prompt, search_none: words.search_none, search_one: words.search_one, search_many: words.search_many };
  const main = h("main", { id: "text", tabIndex: -1 }, [
    h("article", [
      h("h1", words.search),
      h("div", { className: "results", dataSearch: `${site.base}/search.json`, dataWords: JSON.stringify(texts) }),
      h("noscript", [h("p", words.search_no_script), h("div", contents(site))]),
    ]),
    pageFooter(site),
  ]);
  const script = h("script", { type: "module", src: `${site.base}/assets/${site.assets["search.js"]}` });
  const headElement = head(site, { title: words.search, path, uses: {}, extra: [script] });
  return documentHtml(site, headElement, undefined, path, main, h("div", { className: "outline" }));
}

/** What a reader sees where there is no page. */
export function renderMissingPage(site) {
  const { words } = site;
  const path = (language) => pageUrl(site, site.index, language);
  const main = h("main", { id: "text", tabIndex: -1 }, [
    h("article", [h("h1", words.missing), h("p", words.missing_text), h("div", contents(site))]),
    pageFooter(site),
  ]);
  const headElement = head(site, { title: words.missing, path, uses: {} });
  return documentHtml(site, headElement, undefined, path, main, h("div", { className: "outline" }));
}
