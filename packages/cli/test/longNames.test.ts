import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { folder } from "./run.ts"

// As in gRPC's service configs, whose names are lists of methods.
const long = Array.from({ length: 10 }, (_, i) => `google.pubsub.v1.Publisher/Method${i}`).join(", ")

describe.concurrent("a picture to -", () => {
  it.live.each(["preview --backoff 1s..2s", "herd --clients 3 --rounds 1"])(
    "is printed in place of the text: %s",
    (options) =>
      Effect.gen(function*() {
        const { at, path, run } = yield* folder
        const { code, stdout } = yield* run(`${options} --svg -`)
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(readdirSync(path), [])
        yield* run(`${options} --svg picture.svg`)
        assert.strictEqual(stdout.trimEnd(), readFileSync(at("picture.svg"), "utf8").trimEnd())
      })
  )
})

describe.concurrent("names of any length", () => {
  it.live.each(["preview", "herd --clients 3 --rounds 1"])(
    "leave room for the picture: %s",
    (command) =>
      Effect.gen(function*() {
        const { at, run } = yield* folder
        const policy = { steps: 4, duration: "10ms", factor: 2 }
        writeFileSync(at("long.json"), JSON.stringify({ [long]: policy, [`${long}.`]: policy }))
        const { code, stderr, stdout } = yield* run(`${command} --policy long.json --svg long.svg`)
        assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
        assert.isAbove(stdout.length, 500)
        const picture = readFileSync(at("long.svg"), "utf8")
        const width = Number(/viewBox="0 0 (\d+) /.exec(picture)?.[1])
        // The lines from left to right: axes and grids.
        const lines = Array.from(
          picture.matchAll(/M(-?[\d.]+) (-?[\d.]+)H(-?[\d.]+)/g),
          ([, ...ends]) => ends.map(Number)
        )
        assert.isAtLeast(lines.length, 4)
        lines.forEach(([from = NaN, y = NaN, to = NaN]) => {
          assert.isTrue(from >= 0 && y >= 0 && to > from && to <= width, `${from} ${y} ${to}`)
        })
        assert.isAtLeast(Math.max(...lines.map(([from = 0, , to = 0]) => to - from)), width / 2)
        // Names are cut: a letter is 5 pixels wide, or more.
        const texts = Array.from(picture.matchAll(/<text [^>]*>([^<]*)/g))
        assert.isAtLeast(texts.length, 10)
        texts.forEach(([text, content = ""]) => assert.isAtMost(content.length * 5, width, text))
      })
  )
})
