/**
 * The library's own specs: by Vitest where it starts, and elsewhere as one program. What they read of the test folder is in that
 * program; what else is Node's is missing.
 */
import { build, type Plugin } from "esbuild"
import { execFile } from "node:child_process"
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { promisify } from "node:util"
import type { Specs } from "./programs/runSpecs.ts"

const tests = "packages/wait/test"

/** The specs that need Node, and what of it: they fail in that program. */
export const needNode = [
  ["a server of node:http", "HttpRetry.test.ts > HttpRetry with a real server > "],
  ["files and processes", "LoopStore.file.test.ts > files > "],
  ["the file of a spec in a stack", "errors.test.ts > the stack > has the spans of Effect.fn around it"],
  ["the file of a spec in a stack", "errors.test.ts > the stack > is that of the caller who makes one"]
] as const
/** The specs of types run the compiler. */
const ofTypes = new Set(["agents.test.ts", "mistakes.test.ts"])

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
export const bundleSpecs = async (outfile: string): Promise<void> => {
  const files = globSync("*.test.ts", { cwd: tests }).filter((file) => !ofTypes.has(file)).toSorted()
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

/** A spec that starts processes with options of Node's command line. */
const nodesOptions = "test/postgres.test.ts"

interface Assertion {
  readonly fullName: string
  readonly status: string
  readonly failureMessages: ReadonlyArray<string>
}

/** Runs the specs of a package by Vitest, which this command starts. */
export const vitestBy = async (
  cwd: string,
  program: string,
  before: ReadonlyArray<string>,
  after: ReadonlyArray<string>
): Promise<Specs> => {
  const report = join(mkdtempSync(join(tmpdir(), "effect-wait-specs-")), "specs.json")
  const args = [
    "run",
    "--reporter=json",
    `--outputFile=${report}`,
    "--maxWorkers=2",
    `--exclude=${nodesOptions}`,
    ...after
  ]
  // It fails if a spec does, and the report says which.
  await promisify(execFile)(program, [...before, resolve("node_modules/vitest/vitest.mjs"), ...args], {
    cwd,
    maxBuffer: 1e9
  }).catch((error: unknown) => {
    if (!existsSync(report)) throw error
  })
  const { testResults } = JSON.parse(readFileSync(report, "utf8")) as {
    readonly testResults: ReadonlyArray<{ readonly assertionResults: ReadonlyArray<Assertion> }>
  }
  rmSync(dirname(report), { recursive: true })
  const specs = testResults.flatMap(({ assertionResults }) => assertionResults)
  const names = (wanted: string) => specs.filter(({ status }) => status === wanted)
  return {
    passed: names("passed").length,
    skipped: names("skipped").map(({ fullName }) => fullName),
    failed: names("failed").map(({ failureMessages, fullName }) => [fullName, failureMessages[0] ?? ""])
  }
}
