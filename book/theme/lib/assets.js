// Styles, fonts and scripts: bundled from node_modules, so that nothing comes from another host.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { writeMathStyles, writeTextFonts } from "./fonts.js";
import { THEME } from "./site.js";

/**
 * Bundle into `<directory>/assets`; returns {book.css: "book-HASH.css", …}. `characters` has the
 * characters of the pages' `text` and of their `math`: the fonts hold these and no others.
 */
export async function buildAssets(directory, characters) {
  const out = join(directory, "assets");
  const scratch = mkdtempSync(join(tmpdir(), "minga-theme-"));
  try {
    const fonts = await writeTextFonts(join(scratch, "fonts"), characters.text);
    const math = await writeMathStyles(join(scratch, "fonts"), characters.math);
    writeFileSync(join(scratch, "book.css"), `@import "${join(THEME, "styles/book.css")}";\n${fonts}`);
    writeFileSync(join(scratch, "math.css"), math);
    return await bundle(out, [join(scratch, "book.css"), join(scratch, "math.css")]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function bundle(out, styles) {
  const result = await build({
    absWorkingDir: THEME,
    entryPoints: [...styles, "styles/widgets.css", "client/early.js", "client/book.js", "client/search.js", "client/widgets.js"],
    bundle: true,
    minify: true,
    format: "esm",
    splitting: true,
    metafile: true,
    outdir: out,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
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
