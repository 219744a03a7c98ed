/** The bin on a terminal. */
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { inject } from "vitest"
import { until } from "./run.ts"

// That of util-linux gives a command a terminal. What is drawn there is tested without one in Report.test.ts.
export const hasTerminal = /util-linux/.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? "")

const quoted = (words: ReadonlyArray<string>) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")

/** The bin with these options and this command, as a shell reads it. */
export const bin = (options: string, ...command: ReadonlyArray<string>) =>
  quoted([process.execPath, inject("bin"), ...options.split(" "), "--", ...command])

/** Runs a shell script on a terminal of 60 columns, where `type` is typed. */
export const onTerminal = Effect.fnUntraced(function*(script: string) {
  let output = ""
  let code: number | null | undefined
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn("script", ["-qec", `stty cols 60 -echo; ${script}`, "/dev/null"], {
        env: { ...process.env, SHELL: "/bin/sh" }
      })
    ),
    (child) => Effect.sync(() => child.kill()) // closes the terminal: all of it gets a SIGHUP
  )
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk
  })
  child.on("close", (exit) => {
    code = exit
  })
  return {
    type: (text: string) => Effect.sync(() => child.stdin.write(text)),
    shows: (text: string) => until(`it shows ${text}`, () => output.includes(text)),
    ended: Effect.map(until("it ends", () => code !== undefined), () => ({ code, output }))
  }
})
