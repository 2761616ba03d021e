// What the code cells produced: text, pictures, tables, widgets.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { h } from "./h.js";
import { codeBlock, render, scrollBox } from "./nodes.js";
import { assetUrl } from "./site.js";

const VIEW = "application/vnd.jupyter.widget-view+json";
const IMAGES = ["image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp"];
const COLOURS = /\u001b\[[0-9;]*m/g;

/** JSON that is safe inside a <script> element. */
export const scriptJson = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

function content(entry, context) {
  if (entry.content !== undefined) return entry.content;
  return readFileSync(join(context.site.publicDirectory, basename(entry.path)), "utf8");
}

function text(value, className, label) {
  return h("pre", { className: ["output-text", className], tabIndex: 0, ariaLabel: label, role: "group" }, value.replace(COLOURS, "").trimEnd());
}

function picture(entry, metadata, context) {
  const { width, height } = metadata ?? {};
  const alt = context.alt ?? context.caption ?? context.site.words.plot;
  return h("img", { className: "plot", src: assetUrl(context.site, entry.path), alt, width, height, loading: context.whole ? undefined : "lazy", decoding: "async" });
}

/** The first picture that a widget shows, for readers without script and for paper. */
function stillPicture(id, models) {
  const model = models[id];
  if (!model) return undefined;
  if (model.model_name === "ImageModel") return model;
  const { children = [], selected_index: selected } = model.state;
  const shown = model.model_name === "StackModel" ? children.slice(selected, selected + 1) : children;
  for (const child of shown) {
    const found = stillPicture(child.replace(/^IPY_MODEL_/, ""), models);
    if (found) return found;
  }
  return undefined;
}

function still(view, context) {
  const models = context.widgetState?.state ?? {};
  const model = stillPicture(view.model_id, models);
  const buffer = model?.buffers?.find(({ path }) => path[0] === "value");
  if (!buffer || !/^\w+$/.test(model.state.format ?? "")) return undefined;
  const bytes = Buffer.from(buffer.data, buffer.encoding);
  const name = `widget-${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.${model.state.format}`;
  context.site.files.set(name, bytes);
  const alt = model.state.tooltip || context.site.words.plot;
  return h("img", { className: "plot", src: `${context.site.base}/build/${name}`, alt });
}

function widget(entry, context) {
  const view = JSON.parse(content(entry, context));
  if (context.whole) return still(view, context);
  context.uses.widgets = true;
  // The picture stands there until the player (a megabyte) is needed; without script it stays.
  const picture = still(view, context);
  if (picture) Object.assign(picture.properties, { loading: "lazy" });
  return h("div", { className: "widget", dataPicture: context.site.words.plot }, [
    h("script", { type: VIEW }, { type: "raw", value: scriptJson(view) }),
    h("noscript", h("p", { className: "widget-note" }, context.site.words.widget_no_script)),
    picture && h("div", { className: "still" }, picture),
  ]);
}

function bundle(data, metadata, context) {
  if (data[VIEW]) return widget(data[VIEW], context);
  const image = IMAGES.find((type) => data[type]?.path);
  if (image) return picture(data[image], metadata?.[image], context);
  if (data["text/html"]) {
    return scrollBox("output-html", context.site.words.table, [{ type: "raw", value: content(data["text/html"], context) }]);
  }
  if (data["text/latex"]) return text(content(data["text/latex"], context), "latex");
  if (data["text/plain"]) return text(content(data["text/plain"], context), "result");
  return undefined;
}

function output(data, context) {
  if (data.output_type === "stream") {
    return text(content({ content: data.text, path: data.path }, context), data.name, data.name === "stderr" ? context.site.words.stderr : undefined);
  }
  if (data.output_type === "error") return text(data.traceback ?? `${data.ename}: ${data.evalue}`, "stderr");
  return bundle(data.data ?? {}, data.metadata, context);
}

/** All outputs of one cell; nothing when the cell made none. */
export function renderOutputs(node, context) {
  if (node.visibility === "remove") return undefined;
  const parts = (node.children ?? []).map((child) => child.jupyter_data ? output(child.jupyter_data, context) : render(child, context)).filter(Boolean);
  return parts.length ? h("div", { className: "outputs", id: node.html_id ?? node.identifier }, parts) : undefined;
}

function folded(summary, visibility, element, whole) {
  if (visibility !== "hide" || !element) return element;
  if (whole) return undefined; // nothing unfolds on paper
  return h("details", { className: "folded" }, [h("summary", summary), element]);
}

/** A code cell: its source and what it produced, each shown, folded or left out by its tags. */
export function renderNotebookCell(node, context) {
  const { words } = context.site;
  const inner = { ...context, alt: node.data?.alt };
  const parts = (node.children ?? []).map((child) => {
    if (child.visibility === "remove") return undefined;
    if (child.type === "outputs" && context.inFigures.has(child.id)) return undefined;
    if (child.type === "code") return folded(words.show_code, child.visibility, codeBlock(inner, child.value, child.lang), context.whole);
    return folded(words.show_output, child.visibility, render(child, inner), context.whole);
  });
  const cell = h("div", { className: "cell", id: node.html_id ?? node.identifier, dataKernel: context.kernel }, parts);
  return folded(words.show_cell, node.visibility, cell, context.whole);
}
