// mystmd writes "Figure 1", "Note" and their like in English whatever the page's language;
// this puts the page's own words there, before anything reads the tree.

const NBSP = "\u00a0";
const NUMBERED = /^(Figure|Table|Section|Program|Equation|Exercise|Solution|Theorem|Definition|Example|Proof)[\s\u00a0]%s:?$/;
const STOCK_TITLES = { seealso: "See Also" };

const textOf = (node) => node.value ?? (node.children ?? []).map(textOf).join("");
const text = (value) => ({ type: "text", value });

/** "Figura 1" for a kind and a number, or undefined where there is no such word or number. */
export function numbered(kind, enumerator, words) {
  const word = words[kind === "code" ? "program" : kind];
  return word && enumerator ? `${word}${NBSP}${enumerator}` : undefined;
}

/** The title that mystmd gives an admonition whose author gave none. */
export function stockTitle(kind = "note") {
  return STOCK_TITLES[kind] ?? kind[0].toUpperCase() + kind.slice(1);
}

/** Change a tree's fixed English words into those of `words`, in place. */
export function localize(node, words) {
  if (node.type === "crossReference" || node.type === "captionNumber") {
    const kind = NUMBERED.exec(node.template ?? "")?.[1].toLowerCase();
    const label = kind && numbered(kind, node.enumerator, words);
    if (label) node.children = [text(label)];
  }
  if (node.type === "admonition") {
    const title = node.children?.[0]?.type === "admonitionTitle" ? node.children[0] : undefined;
    if (title && words[node.kind] && textOf(title) === stockTitle(node.kind)) {
      title.children = [text(words[node.kind])];
    }
  }
  for (const child of node.children ?? []) localize(child, words);
}

/**
 * Number only the equations that have a label, in order, page by page, and what refers to them.
 * (mystmd numbers every displayed formula.) `trees` are all pages' trees; labels are unique.
 */
export function numberEquations(trees) {
  const numbers = new Map();
  const each = (node, act) => {
    act(node);
    for (const child of node.children ?? []) each(child, act);
  };
  for (const tree of trees) {
    let last = 0;
    each(tree, (node) => {
      if (node.type !== "math") return;
      node.enumerator = node.label ? String(++last) : undefined;
      if (node.label) numbers.set(node.identifier, node.enumerator);
    });
  }
  for (const tree of trees) {
    each(tree, (node) => {
      if (node.type !== "crossReference" || node.template !== "(%s)") return;
      const number = numbers.get(node.identifier);
      if (number) Object.assign(node, { enumerator: number, children: [text(`(${number})`)] });
    });
  }
}
