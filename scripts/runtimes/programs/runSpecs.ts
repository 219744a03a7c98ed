/** Vitest's runner alone, for runtimes where Vitest does not start: without its processes, its files and its server. */
import type { RunnerTask, SerializedConfig, VitestTestRunner } from "vitest"
import { setupCommonEnv, startTests } from "vitest/internal/browser"

export interface Specs {
  readonly passed: number
  /** The names of those that say themselves that they cannot run here. */
  readonly skipped: ReadonlyArray<string>
  readonly failed: ReadonlyArray<readonly [name: string, message: string]>
}

// What the runner reads of Vitest's configuration.
const config = {
  root: "/",
  setupFiles: [],
  tags: [],
  sequence: { concurrent: false, hooks: "stack", setupFiles: "parallel", shuffle: false },
  maxConcurrency: 1,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  retry: 0,
  passWithNoTests: true,
  fakeTimers: {
    loopLimit: 10_000,
    shouldClearNativeTimers: true,
    toFake: [
      "setTimeout",
      "clearTimeout",
      "setInterval",
      "clearInterval",
      "setImmediate",
      "clearImmediate",
      "Date",
      "performance"
    ]
  },
  experimental: {},
  expect: {},
  snapshotOptions: {}
} as unknown as SerializedConfig

// Vitest finds it by this name.
Object.defineProperty(globalThis, "__vitest_worker__", {
  configurable: true,
  value: { config, ctx: { pool: "browser" }, environment: { name: "browser" }, providedContext: {}, durations: {} }
})

// Effect yields by it, and by a timer where there is none: 4 ms in a browser, and some specs yield 10,000 times. The scenario does
// without it.
if (!("setImmediate" in globalThis)) {
  const waiting = new Map<number, () => void>()
  const { port1, port2 } = new MessageChannel()
  let last = 0
  port1.addEventListener("message", ({ data }) => {
    const f = waiting.get(data)
    waiting.delete(data)
    f?.()
  })
  port1.start()
  Object.assign(globalThis, {
    setImmediate: (f: () => void) => {
      waiting.set(++last, f)
      port2.postMessage(last)
      return last
    },
    clearImmediate: (id: number) => void waiting.delete(id)
  })
}

const flatten = (tasks: ReadonlyArray<RunnerTask>, above: string): ReadonlyArray<readonly [string, RunnerTask]> =>
  tasks.flatMap((task) => {
    const name = `${above} > ${task.name}`
    return task.type === "suite" ? flatten(task.tasks, name) : [[name, task] as const]
  })

/** Runs the files one after the other; all in the one world that they have here. */
export const runSpecs = async (files: Readonly<Record<string, () => Promise<unknown>>>): Promise<Specs> => {
  await setupCommonEnv(config)
  let passed = 0
  const skipped: Array<string> = []
  const failed: Array<readonly [string, string]> = []
  for (const [path, load] of Object.entries(files)) {
    const runner: VitestTestRunner = { config, importFile: load, injectValue: () => undefined }
    for (const file of await startTests([path], runner)) {
      for (const error of file.result?.errors ?? []) failed.push([path, error.message])
      for (const [name, { mode, result }] of flatten(file.tasks, path)) {
        if (mode === "skip" || result?.state === "skip") skipped.push(name)
        else if (result?.state === "pass") passed++
        else failed.push([name, result?.errors?.[0]?.message ?? "did not run"])
      }
    }
  }
  return { passed, skipped, failed }
}
