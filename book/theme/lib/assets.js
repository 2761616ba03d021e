// Styles, fonts and scripts: bundled from node_modules, so that nothing comes from another host.
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { THEME } from "./site.js";

/** Bundle into `<directory>/assets`; returns {book.css: "book-HASH.css", …}. */
export async function buildAssets(directory) {
  const out = join(directory, "assets");
  const entries = ["styles/book.css", "styles/math.css", "styles/widgets.css"].concat(
    ["client/early.js", "client/book.js", "client/search.js", "client/widgets.js"],
  );
  const result = await build({
    absWorkingDir: THEME,
    entryPoints: entries,
    bundle: true,
    minify: true,
    format: "esm",
    metafile: true,
    outdir: out,
    entryNames: "[name]-[hash]",
    assetNames: "fonts/[name]-[hash]",
    // A browser takes the first format it knows, and every current one knows woff2.
    loader: { ".woff2": "file", ".woff": "empty", ".ttf": "empty" },
    target: ["chrome123", "firefox120", "safari17.5"],
    logLevel: "error",
  });
  const names = {};
  for (const [path, { entryPoint }] of Object.entries(result.metafile.outputs)) {
    if (entryPoint) names[entryPoint.split("/").pop()] = path.split("/").pop();
  }
  return names;
}

/** Copy ipywidgets' stand-alone player with its icon fonts; only books with widgets need it. */
export function copyWidgetPlayer(directory) {
  const from = join(THEME, "node_modules/@jupyter-widgets/html-manager/dist");
  const out = join(directory, "assets/widgets");
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name === "embed.js" || name.endsWith(".woff2")) copyFileSync(join(from, name), join(out, name));
  }
}
