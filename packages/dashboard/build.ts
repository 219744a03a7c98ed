/**
 * Writes src/internal/assets.ts: the page's script and style sheet, which a service serves from memory.
 *
 * `node packages/dashboard/build.ts`
 */
import { dark, light, styleSheet, type Theme } from "@effect-wait/draw/ink"
import { build, transform } from "esbuild"
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const folder = import.meta.dirname
const target = ["chrome111", "firefox115", "safari16.4"]

const variables = ({ dim, grid, ground, ink, late, series }: Theme): string =>
  Object.entries({ dim, grid, ground, ink, late }).map(([name, color]) => `--${name}:${color};`).join("") +
  series.map((color, i) => `--c${i}:${color};`).join("")

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><g fill="${light.series[0]}">` +
  `<path d="M1 4h3v8H1zM6.5 4h3v8h-3zM12 4h3v8h-3z"/></g></svg>`

/** The content of src/internal/assets.ts. */
export const assets = async (): Promise<string> => {
  const { outputFiles: [bundle] } = await build({
    entryPoints: [join(folder, "page/main.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target,
    write: false,
    legalComments: "none"
  })
  const script = bundle!.text
  const { code: style } = await transform(
    `:root{color-scheme:light dark;${variables(light)}}` +
      `@media(prefers-color-scheme:dark){:root{${variables(dark)}}}` +
      styleSheet + readFileSync(join(folder, "page/style.css"), "utf8"),
    { loader: "css", minify: true, target }
  )
  const version = createHash("sha256").update(script).update(style).update(icon).digest("base64url").slice(0, 12)
  return [
    "/** Written by `node packages/dashboard/build.ts`, from packages/dashboard/page. */",
    ...Object.entries({ version, icon, style, script }).map(([name, text]) =>
      `export const ${name} =${text.length > 80 ? "\n  " : " "}${JSON.stringify(text)}`
    ),
    ""
  ].join("\n")
}

export const file = join(folder, "src/internal/assets.ts")

if (import.meta.main) writeFileSync(file, await assets())
