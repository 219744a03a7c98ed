/** The library's own specs as one program. What they read of the test folder is in it; what else is Node's is missing. */
import { build, type Plugin } from "esbuild"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

const tests = "packages/wait/test"
const missing = [/^node:/, /^@effect\/platform-node$/]

/** `join`, and `readFileSync` and `readdirSync` of the fixtures. Nothing else of Node is there. */
const withoutNode: Plugin = {
  name: "without Node",
  setup(build) {
    for (const filter of missing) {
      build.onResolve({ filter }, ({ path }) => ({ path, namespace: "missing" }))
    }
    build.onLoad({ filter: /.*/, namespace: "missing" }, ({ path }) => ({
      contents: path === "node:fs"
        ? `
          const files = ${
          JSON.stringify(Object.fromEntries(
            globSync(["fixtures/*", "*.json", "*.md"], { cwd: tests })
              .map((file) => [file, readFileSync(join(tests, file), "utf8")])
          ))
        }
          const nameOf = (path) => String(path).replace(/^(file:\\/\\/)?\\/test\\//, "")
          exports.readFileSync = (path) => files[nameOf(path)]
          exports.readdirSync = (path) =>
            Object.keys(files).filter((file) => file.startsWith(nameOf(path))).map((file) => file.slice(nameOf(path).length))
`
        : path === "node:path"
        ? `exports.join = (...parts) => parts.join("/")`
        : "",
      loader: "js"
    }))
  }
}

/** Writes the specs to a file, as a program. */
export const bundleSpecs = async (outfile: string, only = ""): Promise<void> => {
  const files = globSync(`*${only}*.test.ts`, { cwd: tests }).sort()
  await build({
    stdin: {
      contents: `
        import { runSpecs } from "./runSpecs.ts"
        export default () => runSpecs({
          ${files.map((file) => `${JSON.stringify(file)}: () => import("../../../${tests}/${file}")`).join(",\n")}
        })`,
      resolveDir: "scripts/runtimes/programs"
    },
    outfile,
    bundle: true,
    format: "esm",
    platform: "browser",
    conditions: ["browser"],
    define: { "import.meta.url": `"file:///test/x.ts"`, "import.meta.dirname": `"/test"`, "import.meta.env": "{}" },
    plugins: [withoutNode],
    logLevel: "error"
  })
}
