/** The runtimes, and how each of them runs a program: a module whose default export is a function that gives JSON. */
import { executable, launch, missing } from "@effect-wait/browser"
import { build } from "esbuild"
import { execFile, execFileSync, spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { basename, dirname } from "node:path"
import { createInterface } from "node:readline"
import { text } from "node:stream/consumers"
import { promisify } from "node:util"
import { programOf, versions } from "./installed.ts"
import type { Specs } from "./programs/runSpecs.ts"
import { vitestBy } from "./specs.ts"

export interface Host {
  readonly name: string
  readonly version: string
  /** Runs a program in a file of JavaScript, and tells what it gave. */
  readonly run: (file: string) => Promise<unknown>
  /** Runs the specs of a package by Vitest, where that starts. */
  readonly specs?: (cwd: string) => Promise<Specs>
}

/** Writes a file beside the program that imports it as `run`. */
const beside = (file: string, suffix: string, content: string): string => {
  const path = `${file.replace(/\.js$/, "")}.${suffix}.js`
  writeFileSync(path, `import run from "./${basename(file)}"\n${content}\n`)
  return path
}

/** One file with all that it imports, apart from what is Node's. */
const bundle = async (file: string): Promise<string> => {
  const outfile = file.replace(/\.js$/, ".bundled.js")
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    format: "esm",
    platform: "browser",
    conditions: ["worker", "browser"],
    external: ["node:*"],
    logLevel: "error"
  })
  return outfile
}

/** A command, and what comes before a file and after Vitest's `run`. */
interface Command {
  readonly name: string
  readonly version: string
  readonly program: () => string
  readonly before?: ReadonlyArray<string>
  /** Without it Vitest does not start. */
  readonly vitest?: ReadonlyArray<string>
}

const command = ({ before = [], name, program, version, vitest }: Command): Host => {
  const run = async (file: string): Promise<unknown> => {
    const main = beside(file, "main", "console.log(JSON.stringify(await run()))\nprocess.exit(0)")
    const { stdout } = await promisify(execFile)(program(), [...before, main], { cwd: dirname(file), maxBuffer: 1e8 })
    return JSON.parse(stdout.trim().split("\n").at(-1)!)
  }
  return { name, version, run, ...vitest && { specs: (cwd) => vitestBy(cwd, program(), before, vitest) } }
}

/** A worker that runs the program at a request. */
const worker = (name: string, ...flags: ReadonlyArray<string>): Host => ({
  name,
  version: versions.workerd,
  run: async (file) => {
    const main = beside(file, "worker", "export default { fetch: async () => Response.json(await run()) }")
    const config = `${main}.capnp`
    writeFileSync(
      config,
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (
  modules = [(name = "main", esModule = embed "${basename(await bundle(main))}")],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ${JSON.stringify(flags)}
);
`
    )
    const child = spawn(programOf("workerd"), ["serve", "--control-fd=3", config], {
      stdio: ["ignore", "inherit", "inherit", "pipe"]
    })
    try {
      const port = await new Promise<number>((resolve, reject) => {
        child.on("exit", (code) => reject(new Error(`workerd ended with ${code}`)))
        createInterface(child.stdio[3] as NodeJS.ReadableStream).on("line", (line) => {
          const said = JSON.parse(line) as { readonly event: string; readonly port: number }
          if (said.event === "listen") resolve(said.port)
        })
      })
      const answer = await new Promise<string>((resolve, reject) => {
        child.on("exit", (code) => reject(new Error(`workerd ended with ${code}`)))
        get({ port, host: "127.0.0.1", agent: false }, (response) => text(response).then(resolve, reject)).on(
          "error",
          reject
        )
      })
      return JSON.parse(answer)
    } finally {
      child.kill("SIGKILL")
    }
  }
})

const browser = (path: string): Host => ({
  name: "Chromium",
  version: execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).replace(
    /^\D*/,
    ""
  ).split(" ")[0]!,
  run: async (file) => {
    const bundled = readFileSync(await bundle(file), "utf8")
    // A machine under load may be too slow to start it in time.
    const browser = await launch(path).catch(() => launch(path))
    try {
      const page = await browser.newPage()
      await page.route("**/*", (route) =>
        route.fulfill(
          route.request().url().endsWith(".js")
            ? { contentType: "text/javascript", body: bundled }
            : { contentType: "text/html", body: "<!doctype html><title>.</title>" }
        ))
      await page.goto("http://localhost/")
      return await page.evaluate(`import("/program.js").then((program) => program.default())`)
    } finally {
      await browser.close()
    }
  }
})

const chromium = executable()
if (chromium === undefined) console.log(missing)

/** Node's version 24 is the one that runs this script: the lock file pins it. */
export const node: Host = command({
  name: "Node",
  version: process.versions.node,
  program: () => process.execPath,
  vitest: []
})

export const hosts: ReadonlyArray<Host> = [
  // Vitest needs Node 22.
  command({ name: "Node", version: versions.node20, program: () => programOf("node20") }),
  command({ name: "Node", version: versions.node22, program: () => programOf("node22"), vitest: [] }),
  node,
  // Bun's child processes lack what Vitest uses of them.
  command({
    name: "Bun",
    version: versions.bun,
    program: () => programOf("bun"),
    before: ["--bun"],
    vitest: ["--pool=threads"]
  }),
  command({
    name: "Deno",
    version: versions.deno,
    program: () => programOf("deno"),
    before: ["run", "--allow-all", "--quiet"],
    vitest: []
  }),
  ...chromium === undefined ? [] : [browser(chromium)],
  // It is the default since 4 August 2026.
  worker("workerd with nodejs_compat"),
  worker("workerd without nodejs_compat", "no_nodejs_compat")
]
