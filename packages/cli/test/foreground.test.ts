import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { bin, hasTerminal, onTerminal } from "./terminal.ts"

/** Counts the SIGINTs that it gets, and ends when no more come. */
const counting = `
  let count = 0
  let last
  process.on("SIGINT", () => {
    console.log("got " + ++count + ".")
    clearTimeout(last)
    last = setTimeout(() => process.exit(count), 700)
  })
  setTimeout(() => process.exit(99), 30_000)
  console.log("ready")`

const poll = () => bin("poll --file . --quiet", process.execPath, "-e", counting)

const presses = 8

const counted = ["ready", ...Array.from({ length: presses }, (_, i) => `got ${i + 1}.`), ""].join("\r\n")

describe.runIf(hasTerminal).concurrent("on a terminal, the command after a poll", () => {
  // Of two signals at once a process may see one only: so many of them show it.
  it.live.each([
    ["", "as it is"],
    ["</dev/null", "without stdin"],
    ["</dev/null 2>/dev/null", "without stdin and stderr"]
  ])("gets each Ctrl-C once: %s %s", ([redirect]) =>
    Effect.gen(function*() {
      const { ended, shows, type } = yield* onTerminal(`exec ${poll()} ${redirect}`)
      yield* shows("ready")
      for (let press = 1; press <= presses; press++) {
        yield* type("\x03")
        yield* shows(`got ${press}.`)
        yield* Effect.sleep("50 millis")
      }
      assert.deepStrictEqual(yield* ended, { code: presses, output: counted })
    }))

  it.live("gets each SIGINT that is sent to effect-wait in the background, once", () =>
    Effect.gen(function*() {
      const { ended, shows, type } = yield* onTerminal(
        `set -m; ${poll()} & for i in 1 2 3 4 5 6 7 8; do read line; kill -INT $!; done; wait $!`
      )
      yield* shows("ready")
      for (let press = 1; press <= presses; press++) {
        yield* type("\n")
        yield* shows(`got ${press}.`)
        yield* Effect.sleep("50 millis")
      }
      assert.deepStrictEqual(yield* ended, { code: presses, output: counted })
    }))
})
