/** The bin as users get it: everything in it, so that it starts fast and needs nothing else. `node build.ts [folder]` */
import { build } from "esbuild"
import { rmSync } from "node:fs"
import { fileURLToPath } from "node:url"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const outdir = process.argv[2] ?? here("dist")

rmSync(outdir, { recursive: true, force: true })
await build({
  entryPoints: [{ in: here("src/bin.ts"), out: "effect-wait" }],
  outdir,
  bundle: true,
  // What only some commands need is loaded by those.
  splitting: true,
  chunkNames: "[name]-[hash]",
  minify: true,
  platform: "node",
  target: "node20",
  format: "esm"
})
