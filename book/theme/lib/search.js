// The texts that the search page looks through: one document per section.
import { plainText } from "./nodes.js";
import { pageUrl } from "./site.js";

// What stands apart on the page, and so in what is found.
const APART = new Set(["paragraph", "listItem", "tableCell", "definitionTerm", "definitionDescription", "admonitionTitle", "math"]);

function textOf(node) {
  if (!node.children || node.type === "captionNumber") return plainText(node);
  const text = node.children.map(textOf).join("");
  return APART.has(node.type) ? ` ${text} ` : text;
}

function* sections(tree) {
  let current = { id: "", title: "", parts: [] };
  const leaves = (node) => (["block", "root"].includes(node.type) ? (node.children ?? []).flatMap(leaves) : [node]);
  for (const node of leaves(tree)) {
    if (node.type === "heading") {
      yield current;
      current = { id: node.html_id ?? node.identifier ?? "", title: plainText(node), parts: [] };
    } else if (!["outputs", "code"].includes(node.type)) {
      current.parts.push(textOf(node));
    }
  }
  yield current;
}

/** [{id, url, page, title, text}], in reading order. */
export function searchDocuments(site) {
  const documents = [];
  for (const { slug } of site.pages) {
    const { frontmatter, mdast } = site.contents.get(slug);
    for (const { id, title, parts } of sections(mdast)) {
      const text = parts.join(" ").replace(/\s+/g, " ").trim();
      if (!text && !title) continue;
      const url = pageUrl(site, slug) + (id ? `#${id}` : "");
      documents.push({ id: documents.length, url, page: frontmatter.title, title, text });
    }
  }
  return documents;
}
