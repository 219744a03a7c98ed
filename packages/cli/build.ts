/** The bin as users get it: everything in it, so that it starts fast and needs nothing else. `node build.ts [folder]` */
import { build } from "esbuild"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const outdir = process.argv[2] ?? here("dist")

rmSync(outdir, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: [{ in: here("src/bin.ts"), out: "effect-wait" }],
  outdir,
  bundle: true,
  // What only some commands need is loaded by those.
  splitting: true,
  chunkNames: "[name]-[hash]",
  minify: true,
  platform: "node",
  target: "node20",
  format: "esm",
  metafile: true
})

// What is bundled is the work of others, who want to be named.
const bundled = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
)
const licenses = Array.from(bundled, (folder) => {
  const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as Record<string, string>
  return `${name} ${version}\n\n${readFileSync(`${folder}/LICENSE`, "utf8")}`
})
writeFileSync(`${outdir}/LICENSES.txt`, licenses.toSorted().join("\n\n"))
