// MyST's syntax tree → HTML's (hast). One small function per kind of node.
import { h } from "./h.js";
import { common, createLowlight } from "lowlight";
import { numbered } from "./localize.js";
import { courseCards } from "./landing.js";
import { assetUrl, pageUrl } from "./site.js";
import { renderNotebookCell, renderOutputs } from "./outputs.js";

const lowlight = createLowlight(common);
// book/sources.py writes DOI links so, since mystmd would ask doi.org about each.
const HIDDEN_DOI = /^https:\/\/doi-org\.invalid\//;
const raw = (value) => ({ type: "raw", value });

/** The text of a node without its markup. */
export function plainText(node) {
  if (node.type === "captionNumber") return "";
  if (node.value !== undefined && node.type !== "comment") return node.value;
  return (node.children ?? []).map(plainText).join("");
}

/** A box that scrolls sideways on its own, by touch or keyboard, and never moves the page. */
export function scrollBox(className, label, children) {
  return h("div", { className: ["scroll", className], tabIndex: 0, role: "group", ariaLabel: label }, children);
}

/** A fenced block of code, highlighted at build. */
export function codeBlock(context, value, lang) {
  context.uses.code = true;
  const language = lang === "ipython3" ? "python" : lang;
  const tree = language && lowlight.registered(language) ? lowlight.highlight(language, value).children : [value];
  return h("div", { className: "code" }, [
    h("pre", { tabIndex: 0 }, h("code", { className: language && `language-${language}` }, tree)),
    // Scripts put their buttons here: copy (client/book.js) and what else a cell can do.
    !context.whole && h("div", { className: "tools" }),
  ]);
}

const wrap = (tag, properties) => (node, context) => h(tag, properties, renderAll(node, context));
const attributes = (node, extra = {}) => ({ id: node.html_id ?? node.identifier, ...extra });

function heading(node, context) {
  const level = Math.min(6, Math.max(2, node.depth + context.headingShift));
  const id = node.html_id ?? node.identifier;
  if (id && level <= 3) context.headings.push({ id, level, text: plainText(node) });
  return h(`h${level}`, { id }, [
    ...renderAll(node, context),
    id && h("a", { className: "anchor", href: `#${id}`, ariaLabel: context.site.words.link_to_section }, "#"),
  ]);
}

/** Where a page is: at its own address or, when all are on one page, further up or down. */
export function pageHref(context, slug, fragment = "") {
  if (!context.whole) return pageUrl(context.site, slug) + fragment;
  return fragment || `#chapter-${slug}`;
}

/** The page that a link inside the book means (`chapter.md#part`, `/chapter`), or undefined. */
function linkedPage(url, context) {
  const { site, location } = context;
  const [, path, fragment = ""] = /^([^#:]*)(#.*)?$/.exec(url) ?? [];
  if (!path || /^\/[/]/.test(url)) return undefined;
  const slug = path.replace(/\.(md|ipynb)$/, "").replace(/\/$/, "").split("/").pop() || site.index;
  if (site.contents.has(slug)) return { slug, href: pageHref(context, slug, fragment) };
  if (/\.(md|ipynb)$/.test(path)) throw new Error(`${location}: the link to ${url} leads to no page of the book`);
  return undefined;
}

function link(node, context) {
  const { site } = context;
  if (node.static) return h("a", { href: assetUrl(site, node.url), download: true }, renderAll(node, context));
  const page = linkedPage(node.url, context);
  if (page) {
    const title = site.contents.get(page.slug).frontmatter.title;
    return h("a", { href: page.href }, node.children?.length ? renderAll(node, context) : title);
  }
  const url = node.url.replace(HIDDEN_DOI, "https://doi.org/");
  return h("a", { href: url, rel: /^https?:/.test(url) ? "external" : undefined }, renderAll(node, context));
}

function crossReference(node, context) {
  const id = node.html_id ?? node.identifier;
  const fragment = id ? `#${id}` : "";
  const slug = node.remote && node.url ? node.url.replace(/^\//, "") || context.site.index : undefined;
  return h("a", { className: "xref", href: slug ? pageHref(context, slug, fragment) : fragment }, renderAll(node, context));
}

function admonition(node, context) {
  const own = node.children?.[0]?.type === "admonitionTitle" ? node.children[0] : undefined;
  const title = own ? renderAll(own, context) : context.site.words[node.kind ?? "note"] ?? "";
  const body = h("div", { className: "admonition-body" }, (node.children ?? []).slice(own ? 1 : 0).map((child) => render(child, context)));
  const classes = ["admonition", node.kind ?? "note", ...(node.class?.split(/\s+/) ?? [])];
  if (classes.includes("dropdown")) {
    return h("details", attributes(node, { className: classes, open: context.whole }), [h("summary", { className: "admonition-title" }, title), body]);
  }
  return h("aside", attributes(node, { className: classes }), [h("p", { className: "admonition-title" }, title), body]);
}

/** Exercises, proofs and their family: "Exercise 1 (a title)". */
function statement(kind) {
  return (node, context) => {
    const name = node.kind ?? kind;
    const own = node.children?.[0]?.type === "admonitionTitle" ? node.children[0] : undefined;
    const label = numbered(name, node.enumerator, context.site.words) ?? context.site.words[name] ?? name;
    const title = h("p", { className: "admonition-title" }, [label, ...(own ? [": ", ...renderAll(own, context)] : [])]);
    const rest = (node.children ?? []).slice(own ? 1 : 0).map((child) => render(child, context));
    return h("section", attributes(node, { className: ["admonition", "statement", name] }), [title, h("div", { className: "admonition-body" }, rest)]);
  };
}

/** Outputs that a figure shows are not shown a second time under their cell. */
export function outputsInFigures(node, inside = false) {
  const here = inside && node.type === "outputs" ? [node.id] : [];
  return [...here, ...(node.children ?? []).flatMap((child) => outputsInFigures(child, inside || node.type === "container"))];
}

function container(node, context) {
  const caption = node.children?.find((child) => child.type === "caption");
  const inner = { ...context, caption: caption && plainText(caption).trim() };
  const children = node.children?.filter((child) => child !== caption) ?? [];
  const body = children.map((child) => render(child, inner));
  const text = caption && h("figcaption", renderAll(caption, context));
  // A table's caption is read before it, a figure's after it.
  return h("figure", attributes(node, { className: node.kind }), node.kind === "table" ? [text, body] : [body, text]);
}

function table(node, context) {
  const rows = node.children ?? [];
  const isHead = (row) => row.children?.length && row.children.every((cell) => cell.header);
  const row = (node) => h("tr", (node.children ?? []).map((cell) => {
    const style = cell.align ? `text-align: ${cell.align}` : undefined;
    const scope = cell.header ? (isHead(node) ? "col" : "row") : undefined;
    return h(cell.header ? "th" : "td", { style, scope, colSpan: cell.colspan, rowSpan: cell.rowspan }, renderAll(cell, context));
  }));
  const head = rows.filter(isHead);
  const body = rows.filter((node) => !isHead(node));
  return scrollBox("table-box", context.caption ?? context.site.words.table, [
    h("table", [head.length ? h("thead", head.map(row)) : undefined, h("tbody", body.map(row))]),
  ]);
}

function image(node, context) {
  const alt = node.alt ?? context.caption ?? "";
  const width = node.width && `width: ${/^\d+$/.test(node.width) ? `${node.width}px` : node.width}`;
  return h("img", { src: assetUrl(context.site, node.url), alt, style: width, loading: context.whole ? undefined : "lazy", decoding: "async" });
}

function listItem(node, context) {
  if (typeof node.checked !== "boolean") return h("li", renderAll(node, context));
  return h("li", { className: "task" }, [h("span", { ariaHidden: "true" }, node.checked ? "☑" : "☐"), h("div", renderAll(node, context))]);
}

function tabSet(node, context) {
  // Without script all tabs are read one after the other; that is also how they print.
  return h("div", { className: "tabs" }, (node.children ?? []).map((tab) =>
    h("section", { className: "tab" }, [h("p", { className: "tab-title" }, tab.title), ...renderAll(tab, context)])));
}

/** A footnote's id; with all chapters on one page two may have the same name. */
export const noteId = (context, node) => (context.whole ? `${context.slug}-` : "") + node.identifier;

const handlers = {
  root: (node, context) => renderAll(node, context),
  block(node, context) {
    if (node.visibility === "remove") return undefined;
    if (node.kind === "notebook-code") return renderNotebookCell(node, context);
    return renderAll(node, context);
  },
  heading,
  paragraph: wrap("p"),
  text: (node) => ({ type: "text", value: node.value }),
  emphasis: wrap("em"),
  strong: wrap("strong"),
  delete: wrap("del"),
  underline: wrap("u"),
  smallcaps: wrap("span", { className: "smallcaps" }),
  subscript: wrap("sub"),
  superscript: wrap("sup"),
  keyboard: wrap("kbd"),
  abbreviation: (node, context) => h("abbr", { title: node.title }, renderAll(node, context)),
  inlineCode: (node) => h("code", node.value),
  code: (node, context) => codeBlock(context, node.value, node.lang),
  break: () => h("br"),
  thematicBreak: () => h("hr"),
  blockquote: wrap("blockquote"),
  list: (node, context) => h(node.ordered ? "ol" : "ul", { start: node.ordered && node.start > 1 ? node.start : undefined }, renderAll(node, context)),
  listItem,
  definitionList: wrap("dl"),
  definitionTerm: (node, context) => h("dt", attributes(node), renderAll(node, context)),
  definitionDescription: wrap("dd"),
  link,
  crossReference,
  image,
  container,
  table,
  caption: (node, context) => renderAll(node, context),
  legend: wrap("div", { className: "legend" }),
  captionNumber: (node, context) => h("span", { className: "caption-number" }, renderAll(node, context)),
  admonition,
  exercise: statement("exercise"),
  solution: statement("solution"),
  proof: statement("proof"),
  details: (node, context) => h("details", attributes(node, { className: "dropdown", open: context.whole }), renderAll(node, context)),
  summary: wrap("summary"),
  tabSet,
  grid: wrap("div", { className: "grid" }),
  card: wrap("div", { className: "card" }),
  cardTitle: wrap("p", { className: "card-title" }),
  header: wrap("div", { className: "card-header" }),
  footer: wrap("div", { className: "card-footer" }),
  div: (node, context) => node.class === "minga-courses" ? courseCards(context) : h("div", { className: node.class }, renderAll(node, context)),
  span: (node, context) => h("span", { className: node.class }, renderAll(node, context)),
  inlineMath(node, context) {
    context.uses.math = true;
    return raw(node.html ?? node.value);
  },
  math(node, context) {
    context.uses.math = true;
    const number = node.enumerator && h("a", { className: "equation-number", href: `#${node.html_id}` }, `(${node.enumerator})`);
    const label = `${context.site.words.equation} ${node.enumerator ?? ""}`.trim();
    return h("div", attributes(node, { className: "equation" }), [scrollBox("equation-body", label, [raw(node.html ?? node.value)]), number]);
  },
  footnoteReference(node, context) {
    const first = !context.footnotes.has(node.identifier);
    context.footnotes.add(node.identifier);
    const note = noteId(context, node);
    return h("sup", h("a", { className: "footnote", id: first ? `fnref-${note}` : undefined, href: `#fn-${note}`, role: "doc-noteref" }, node.enumerator));
  },
  footnoteDefinition(node, context) {
    context.notes.push(node);
    return undefined;
  },
  outputs: (node, context) => renderOutputs(node, context),
  html: (node) => raw(node.value),
  comment: () => undefined,
  mystTarget: () => undefined,
  mystComment: () => undefined,
};

/** One node; a kind of node that the theme does not know fails the build instead of vanishing. */
export function render(node, context) {
  const handler = handlers[node.type];
  if (handler) return handler(node, context);
  // Directives and roles stay in the tree around what they became.
  if (["mystDirective", "mystRole", "cite", "citeGroup", "include", "embed"].includes(node.type)) {
    return renderAll(node, context);
  }
  throw new Error(`${context.location}: the theme cannot show "${node.type}"; add it to book/theme/lib/nodes.js`);
}

/** A node's children. */
export function renderAll(node, context) {
  return (node.children ?? []).map((child) => render(child, context));
}
