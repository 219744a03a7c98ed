/** The page as one folder for any static host: `node build.ts [folder]` */
import { dark, light, styleSheet, type Theme } from "@effect-wait/draw"
import { build as bundle } from "esbuild"
import { copyFileSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const variables = ({ dim, grid, ground, ink, late, series }: Theme): string =>
  `:root{--ground:${ground};--ink:${ink};--dim:${dim};--line:${grid};--late:${late};--accent:${series[0]}}`

const colors = `${variables(light)}@media(prefers-color-scheme:dark){${variables(dark)}}`

/** Writes the folder, which is emptied before. */
export const build = async (folder: string): Promise<void> => {
  rmSync(folder, { recursive: true, force: true })
  await bundle({
    entryPoints: [{ in: here("src/page.ts"), out: "playground" }],
    outdir: folder,
    bundle: true,
    minify: true,
    platform: "browser",
    target: "es2023",
    // Not a module: a browser loads none from a file.
    format: "iife"
  })
  // The pictures have the colours of the page, and no style of their own.
  await bundle({
    stdin: { contents: colors + styleSheet + readFileSync(here("src/page.css"), "utf8"), loader: "css" },
    outfile: join(folder, "playground.css"),
    minify: true
  })
  copyFileSync(here("src/index.html"), join(folder, "index.html"))
}

if (import.meta.main) await build(process.argv[2] ?? here("dist"))
