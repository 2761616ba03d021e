// At the end of a page: how to cite it, change it, or say what is wrong with it.
import { h } from "./h.js";
import { icon } from "./icons.js";
import { codeBlock } from "./nodes.js";
import { pageUrl, publicUrl } from "./site.js";

const names = (authors) => authors.map(({ name }) => name).filter(Boolean);

/** How to cite a page, in words and as BibTeX, folded. */
export function citation(context, page) {
  const { site, slug } = context;
  const { words } = site;
  const { title } = page.frontmatter;
  const writers = names(page.frontmatter.authors ?? site.authors);
  const author = writers.length ? writers : [site.title];
  const day = site.pageFacts[slug]?.changed ?? "";
  const address = publicUrl(site, pageUrl(site, slug));
  const bibtex = [
    `@incollection{minga-${slug}-${site.language},`,
    `  title = {${title}},`,
    `  author = {${writers.length ? writers.join(" and ") : `{${site.title}}`}},`,
    `  booktitle = {${site.title}},`,
    day && `  year = {${day.slice(0, 4)}},`,
    `  url = {${address}},`,
    `  note = {CC BY 4.0}`,
    `}`,
  ].filter(Boolean).join("\n");
  return h("details", { className: "cite" }, [
    h("summary", [icon("quote"), words.cite]),
    h("p", [
      `${author.join(", ")} (${day ? day.slice(0, 4) : words.no_date}). `, h("em", title), `. ${site.title}. `,
      // Where no public address is known, the script puts the one that the reader used.
      h("span", { dataOwnAddress: site.address ? undefined : address }, address), ". CC BY 4.0.",
    ]),
    h("div", { dataOwnAddress: site.address ? undefined : address }, codeBlock(context, bibtex, "bibtex")),
  ]);
}

/** Links to change a page or to report an error in it; nothing while no repository is public. */
export function contribute(context, page) {
  const { site, slug } = context;
  const { edit, changed } = site.pageFacts[slug] ?? {};
  const title = new URLSearchParams({ title: `${page.frontmatter.title}: ` });
  const link = (href, name, text) => h("a", { className: "quiet", rel: "external", href }, [icon(name), text]);
  return [
    site.repository && edit && link(`${site.repository}/edit/main/${edit}`, "pencil", site.words.edit),
    site.repository && link(`${site.repository}/issues/new?${title}`, "speech", site.words.suggest),
    changed && h("span", { className: "changed" }, [`${site.words.changed} `, h("time", { dateTime: changed }, dateIn(site.language, changed))]),
  ];
}

/** A day in words, as the language writes it. */
export function dateIn(language, day) {
  return new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" }).format(new Date(`${day}T00:00Z`));
}
