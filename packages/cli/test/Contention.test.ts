import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { Backoff, Jitter, Period } from "effect-wait"
import { Herd } from "effect-wait/testing"
import { herd as command } from "../src/commands/herd.ts"
import { contend, five, toText } from "../src/Contention.ts"
import * as Policy from "../src/Policy.ts"
import { type Made, run } from "./inProcess.ts"

const text = (args: string, made?: Made) => Effect.map(run(command, args.split(" "), made), ({ text }) => text)

const files = {
  "p.yaml":
    "{ a: { interval: 1s, attempts: 2 }, long: { interval: 1s }, b: { duration: 1s, factor: 2, jitter: 0, steps: 10, cap: 3s } }"
}

describe("contend", () => {
  const exponential = Backoff.exponential({ base: "10 millis", cap: "2 seconds" })

  it.effect("has for its policies those of AWS, and means of the seeds from 0 on", () =>
    Effect.gen(function*() {
      const schedules = [
        Period.sliding(0),
        exponential,
        Jitter.equal(exponential),
        Jitter.full(exponential),
        Backoff.decorrelated({ base: "5 millis", cap: "2 seconds" })
      ]
      const expected = yield* Effect.forEach(schedules, (schedule) =>
        Effect.gen(function*() {
          const first = yield* Random.withSeed(Herd.contend(schedule, { clients: 8 }), 0)
          const second = yield* Random.withSeed(Herd.contend(schedule, { clients: 8 }), 1)
          return [(first.time + second.time) / 2, (first.calls + second.calls) / 2, 8]
        }))
      const found = yield* Effect.forEach(five, (named) => contend(named, { clients: 8, rounds: 2 }))
      assert.deepStrictEqual(found.map(({ calls, time, written }) => [time, calls, written]), expected)
      assert.deepStrictEqual(five.map(({ name }) => name), ["none", "exponential", "equal", "full", "decorrelated"])
    }))

  it.effect("ends where clients wait for ever: they have given up", () =>
    Effect.gen(function*() {
      const policy = Policy.fromSettings({ base: { kind: "exponential", base: 1, factor: 1e200, cap: Infinity } })
      const { calls, written } = yield* contend({ name: "", policy }, { clients: 10, rounds: 1 })
      assert.isBelow(written, 10)
      assert.isAtLeast(calls, 10)
    }))
})

describe("effect-wait herd", () => {
  it.effect("shows AWS' policies where none is asked for", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* text("--clients 10 --rounds 2", { width: 90 }),
        `10 clients write one row, overtaken clients try again; mean of 2 rounds

policy         time                   calls                   per client  written  gave up
none          411ms*  █▌                 55   ██████████████         5.5       10        0
exponential   3.94s   ██████████████   51.5   █████████████▏         5.2       10        0
equal         1.22s   ████▍            46.5   ███████████▉           4.7       10        0
full          562ms   ██                 40   ██████████▏              4       10        0
decorrelated  437ms   █▌               36.5*  █████████▎             3.6       10        0

* the least of the policies with the most writes`
      )
    }))

  it.effect("tells who gave up, and compares those that wrote most", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* text("--clients 5 --rounds 2 --policy p.yaml", { width: 60, files }),
        `5 clients write one row, overtaken clients try again; mean
of 2 rounds

b     Go gives up once the cap is passed: after 2 of 10
      runs, and a last wait that no run follows

policy   time   calls   per client  written  gave up
a       1.09s       9          1.8        2        3
long    3.69s*   14.5*         2.9        5        0
b       1.09s       9          1.8        2        3

* the least of the policies with the most writes`
      )
    }))

  it("marks nobody who wrote less", () => {
    const policy = Policy.fromSettings({ base: { kind: "sliding", period: 0 } })
    const same = { policy, time: 1000, calls: 12 }
    const results = [{ ...same, name: "quitter", written: 4 }, { ...same, name: "writer", written: 5 }]
    assert.deepStrictEqual(toText({ clients: 5, rounds: 1 }, results, 60).split("\n").slice(3, 6), [
      "policy   time   calls   per client  written  gave up",
      "quitter    1s      12          2.4        4        1",
      "writer     1s*     12*         2.4        5        0"
    ])
  })

  it("counts one round of one client", () => {
    const policy = Policy.fromSettings({ base: { kind: "sliding", period: 0 } })
    const [title] = toText({ clients: 1, rounds: 1 }, [{ name: "", policy, time: 1, calls: 1, written: 1 }], 100)
      .split("\n")
    assert.strictEqual(title, "1 client writes one row, overtaken clients try again; mean of 1 round")
  })

  it.effect("prints JSON in milliseconds", () =>
    Effect.gen(function*() {
      const json = JSON.parse(yield* text("--interval 1s --times 1 --clients 4 --rounds 2 --json"))
      const [{ time, ...policy }] = json.policies
      assert.deepStrictEqual({ ...json, policies: [policy] }, {
        clients: 4,
        rounds: 2,
        policies: [{
          name: "--interval 1s --attempts 1",
          code: "Period.sliding(\"1 second\").pipe(\n  Limit.attempts(1)\n)",
          notes: [],
          calls: 4,
          callsPerClient: 1,
          written: 1,
          gaveUp: 3
        }]
      })
      // Four messages of some 10 ms.
      assert.isAbove(time, 30)
      assert.isBelow(time, 60)
    }))

  it.effect("draws time and calls, the same twice", () =>
    Effect.gen(function*() {
      const draw = Effect.map(
        run(command, "--clients 6 --rounds 2 --svg out.svg".split(" ")),
        ({ written }) => written["out.svg"] ?? ""
      )
      const svg = yield* draw
      assert.strictEqual(svg, yield* draw)
      assert.deepStrictEqual(svg.match(/<title>.*?<\/title>/g), [
        "<title>Clients that write one row</title>"
      ])
      // From 1 to 6 clients.
      const lines = svg.match(/<polyline[^>]* points="[^"]*"/g)?.map((line) => line.split(",").length - 1)
      assert.deepStrictEqual(lines, Array.from({ length: 10 }, () => 6))
    }))

  it.effect("draws one client", () =>
    Effect.gen(function*() {
      const { written } = yield* run(command, "--clients 1 --rounds 1 --svg out.svg".split(" "))
      assert.notMatch(written["out.svg"] ?? "NaN", /NaN|Infinity/)
    }))

  it.effect.each<{ readonly args: string; readonly expected: string }>([
    { args: "--policy none.yaml", expected: "none.yaml: there is no such file" },
    {
      args: "--times 3",
      expected: "--attempts is allowed with --backoff, --interval, --period or --cron only"
    }
  ])("refuses $args", ({ args, expected }) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(run(command, args.split(" ")))).message, expected)
    }))
})
