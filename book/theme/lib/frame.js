// What is around every page's text: head, header with the language switch, contents, footer.
import { h } from "./h.js";
import { toHtml } from "hast-util-to-html";
import { FAVICON, icon, raw } from "./icons.js";
import { pageUrl, publicUrl, translatedShare } from "./site.js";

/** Below this share a page counts as untranslated: it is shown, and named, in its source language. */
export const HARDLY = 0.1;

/** The <head>. `path(language)` is the page's path in a language. */
export function head(site, { title, description, path, slug, uses, extra = [] }) {
  const asset = (name) => `${site.base}/assets/${site.assets[name]}`;
  const style = (name) => h("link", { rel: "stylesheet", href: asset(name) });
  const address = (language) => publicUrl(site, path(language));
  const original = translatedShare(site, slug) < HARDLY ? site.source : site.language;
  return h("head", [
    h("meta", { charSet: "utf-8" }),
    h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    h("title", title === site.title ? title : `${title} · ${site.title}`),
    description && h("meta", { name: "description", content: description }),
    h("meta", { name: "color-scheme", content: "light dark" }),
    // Found by the browser without asking the host for /favicon.ico.
    h("link", { rel: "icon", type: "image/svg+xml", href: FAVICON }),
    h("link", { rel: "canonical", href: address(original) }),
    ...site.languages.map(({ code }) => h("link", { rel: "alternate", hrefLang: code, href: address(code) })),
    site.courses.length && h("link", { rel: "alternate", type: "application/atom+xml", title: site.words.feed_title, href: `${site.base}/courses.atom` }),
    h("script", { src: asset("early.js") }),
    style("book.css"),
    uses.math && style("math.css"),
    uses.widgets && style("widgets.css"),
    h("script", { type: "module", src: asset("book.js") }),
    ...extra,
  ]);
}

function languageSwitch(site, path) {
  const one = ({ code, name }) => code === site.language
    ? h("span", { className: "here", lang: code, ariaCurrent: "true" }, name)
    : h("a", { href: path(code), lang: code, hrefLang: code, dataLanguage: code }, name);
  return h("p", { className: "languages" }, site.languages.map(one));
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

/** The table of contents: [{title, entries}], pages under the heading of their part. */
export function parts(site) {
  const groups = [];
  for (const entry of site.entries) {
    if (!entry.slug) groups.push({ title: entry.title, entries: [] });
    else {
      if (!groups.length) groups.push({ entries: [] });
      groups.at(-1).entries.push(entry);
    }
  }
  return groups;
}

/** The table of contents as lists of links. */
export function contents(site, slug, href = (entry) => pageUrl(site, entry.slug)) {
  const item = (entry) => h("li", h("a", { href: href(entry), ariaCurrent: entry.slug === slug ? "page" : undefined }, entry.title));
  return parts(site).map(({ title, entries }) => [title && h("p", { className: "group" }, title), h("ul", entries.map(item))]).flat();
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

/** The page's own contents; an empty place of the same width where there is nothing to list. */
export function onThisPage(site, headings) {
  if (headings.length < 2) return h("div", { className: "outline" });
  return h("nav", { className: "outline", ariaLabelledBy: "outline-title" }, [
    h("p", { id: "outline-title" }, site.words.on_this_page),
    h("ul", headings.map(({ id, level, text }) => h("li", { className: `level-${level}` }, h("a", { href: `#${id}` }, text)))),
  ]);
}

/** The foot of every page: licence, the whole book as a PDF and an EPUB, feed and calendar. */
export function pageFooter(site) {
  const { words } = site;
  const link = (href, name, text, more = {}) => h("a", { href, ...more }, [icon(name), text]);
  return h("footer", { className: "bottom" }, [
    h("p", { className: "files" }, [
      site.pdf && link(`${site.base}/${site.pdf}`, "down", words.pdf),
      site.epub && link(`${site.base}/${site.epub}`, "down", words.epub),
      site.courses.length && link(`${site.base}/courses.atom`, "feed", words.feed),
      site.hasDates && link(`${site.base}/courses.ics`, "calendar", words.calendar),
    ]),
    h("p", [h("a", { rel: "license", href: `https://creativecommons.org/licenses/by/4.0/deed.${site.language}` }, words.license)]),
  ]);
}

/** A whole document, as text. */
export function documentHtml(site, headElement, { slug, path, main, outline = [], className }) {
  return toHtml([
    { type: "doctype" },
    h("html", { lang: site.language }, [
      headElement,
      h("body", { className }, [
        h("a", { className: "skip", href: "#text" }, site.words.skip),
        header(site, path),
        h("div", { className: "frame" }, [sidebar(site, slug), main, onThisPage(site, outline)]),
      ]),
    ]),
  ], { allowDangerousHtml: true });
}
