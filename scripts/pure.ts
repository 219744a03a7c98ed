/**
 * What a bundler keeps of a built package although nothing uses it. A bundler keeps or leaves out each statement of a chunk on its own,
 * so a statement with a side effect is in the bundle of everyone who uses anything of the chunk.
 */
import { build } from "esbuild"
import { globSync } from "node:fs"
import { join } from "node:path"
import { rollup } from "rollup"

const byEsbuild = async (file: string): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents: `import ${JSON.stringify(file)}` },
    bundle: true,
    format: "esm",
    legalComments: "none",
    logLevel: "error",
    plugins: [{
      name: "chunk alone",
      setup({ onResolve }) {
        onResolve(
          { filter: /./ },
          ({ path }) => path === file ? { path, sideEffects: true } : { path, external: true, sideEffects: false }
        )
      }
    }],
    write: false
  })
  return outputFiles[0]!.text.replace(/^\/\/ .*\n/gm, "")
}

const byRollup = async (file: string): Promise<string> => {
  const bundle = await rollup({
    input: "used by nobody",
    external: (id) => id !== file && id !== "used by nobody",
    logLevel: "silent",
    plugins: [{
      name: "chunk alone",
      resolveId: (id) => ["used by nobody", file].includes(id) ? id : null,
      load: (id) => id === "used by nobody" ? `import ${JSON.stringify(file)}` : null
    }],
    treeshake: { moduleSideEffects: (id) => id === file || id === "used by nobody" }
  })
  const { output } = await bundle.generate({ format: "esm" })
  return output[0].code
}

/** The statements that stay, by file and bundler. */
export const impure = async (dist: string): Promise<ReadonlyArray<string>> => {
  const found = []
  for (const file of globSync("**/*.js", { cwd: dist })) {
    for (const [bundler, left] of Object.entries({ esbuild: byEsbuild, Rollup: byRollup })) {
      // Imports have no side effect: Effect and the library say so in their package.json.
      const code = (await left(join(dist, file))).replace(/^import .*\n/gm, "").trim()
      if (code !== "") found.push(`${file}, ${bundler}:\n${code}`)
    }
  }
  return found
}
