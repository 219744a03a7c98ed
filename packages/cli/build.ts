/** The bin as users get it: everything in it, so that it starts fast and needs nothing else. `node build.ts [folder]` */
import { build } from "esbuild"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
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
  alias: { debug: here("src/noDebug.ts") },
  inject: [here("src/lazySegmenter.ts")],
  define: { "Intl.Segmenter": "Segmenter" },
  plugins: [{
    name: "spawn",
    setup: ({ onResolve }) =>
      onResolve(
        { filter: /^node:child_process$/ },
        ({ importer }) => /NodeChildProcessSpawner/.test(importer) ? { path: here("src/Keeper.ts") } : undefined
      )
  }],
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
// Where a package has no text of its license, its name stands for that: Apache's is in another package.
const licenses = Array.from(bundled, (folder) => {
  const { license, name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as Record<
    string,
    string
  >
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file))
  return `${name} ${version}\n\n${file === undefined ? license : readFileSync(`${folder}/${file}`, "utf8")}`
})
writeFileSync(`${outdir}/LICENSES.txt`, licenses.toSorted().join("\n\n"))
