/** The end of a real process, by SIGTERM. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"

const program = join(import.meta.dirname, "fixtures/graceful.ts")

/** Starts the program, and kills it 500 ms after all loops have started, again and again where `again` says so. */
const terminate = (grace: number, { again, loops = 1 }: { readonly loops?: number; readonly again?: number } = {}) =>
  Effect.promise(async () => {
    const child = spawn(process.execPath, [program, String(grace), String(loops)], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let said = ""
    child.stdout.on("data", (data) => said += String(data))
    await new Promise<void>((resolve) =>
      child.stdout.on("data", () => {
        if (said.split("started").length > loops) setTimeout(resolve, 500)
      })
    )
    const killed = performance.now()
    child.kill("SIGTERM")
    if (again !== undefined) setTimeout(() => child.kill("SIGTERM"), again)
    const [code] = await once(child, "exit")
    return { code, took: performance.now() - killed, lines: said.trim().split("\n").slice(loops) }
  })

describe.concurrent("SIGTERM during a run of 3 s", () => {
  it.live("with a grace of 10 seconds lets it finish", () =>
    Effect.gen(function*() {
      const { code, lines, took } = yield* terminate(10_000)
      assert.deepStrictEqual([code, lines], [130, ["finished"]])
      assert.isTrue(took > 2000 && took < 4000, `${took}`)
    }), 20_000)

  it.live("with a grace of 1 second interrupts it at 1 s", () =>
    Effect.gen(function*() {
      const { code, lines, took } = yield* terminate(1000)
      assert.deepStrictEqual([code, lines], [130, ["cut"]])
      assert.isTrue(took > 900 && took < 2000, `${took}`)
    }), 20_000)

  it.live("with a second SIGTERM does not hang", () =>
    Effect.gen(function*() {
      const { code, lines, took } = yield* terminate(10_000, { again: 500 })
      assert.deepStrictEqual([code, lines], [130, ["finished"]])
      assert.isTrue(took < 4000, `${took}`)
    }), 20_000)

  it.live("ends ten loops side by side", () =>
    Effect.gen(function*() {
      const { code, lines, took } = yield* terminate(10_000, { loops: 10 })
      assert.deepStrictEqual([code, lines], [130, Array.from({ length: 10 }, () => "finished")])
      assert.isTrue(took < 4500, `${took}`)
    }), 20_000)
})
