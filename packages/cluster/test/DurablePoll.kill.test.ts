/** A durable poll whose process dies at every operation of its store, before and after it, and at random ones again and again. */
import { DurablePoll } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type Death, makeLife, makeRunners } from "./durable.ts"

const held = 4

const rollout = DurablePoll.make({
  name: "rollout",
  payload: { deployment: Schema.String },
  key: (payload) => payload.deployment,
  success: Schema.Int,
  policy: { duration: "1 second", factor: 2, jitter: 0, steps: 6, cap: "4 seconds" }
})

/** Runs the poll to its end with processes that die one after another; the last one lives. */
const run = Effect.fnUntraced(function*(deaths: ReadonlyArray<Death>) {
  const runners = yield* makeRunners
  const attempts: Array<number> = []
  const deathbeds: Array<string> = []
  let attemptsAtDeath = 0
  const runner = Effect.fnUntraced(function*(death?: Death) {
    const life = makeLife()
    return yield* runners.start(
      rollout.toLayer((_, { attempt }) =>
        Effect.gen(function*() {
          if (life.dead) return yield* Effect.never
          attempts.push(attempt)
          yield* Effect.sleep(300)
          return attempt === held ? Option.some(attempt) : Option.none()
        })
      ),
      // The looks are many: one that dies in them dies in one of the first.
      { life, death }
    )
  })
  // Asked of a process that lives: a start whose caller dies is to be asked again.
  const client = yield* runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
  yield* client.ask(rollout.start({ deployment: "api" }))
  const result = yield* Effect.forkChild(client.ask(rollout.await("api")))
  for (const death of deaths) {
    const process = yield* runner(death)
    // It may outlive the poll.
    while (!process.life.dead && result.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
    if (process.life.dead) deathbeds.push(process.life.operations.at(-1) ?? "")
    attemptsAtDeath = attempts.length
    yield* process.kill
  }
  const last = yield* runner()
  yield* TestClock.adjust("1 minute")
  const again = yield* last.ask(rollout.await("api"))
  const status = yield* last.ask(rollout.status("api"))
  return { attempts, attemptsAtDeath, deathbeds, result: result.pollUnsafe(), again, status, rows: yield* runners.rows() }
})

const check = (
  { again, attempts, deathbeds, result, rows, status }: Effect.Success<ReturnType<typeof run>>,
  message: string
) => {
  const repeated = attempts.filter((attempt, i) => attempt === attempts[i - 1]).length
  assert.deepStrictEqual(Array.from(new Set(attempts)), [1, 2, 3, 4], message)
  assert.deepStrictEqual(attempts, attempts.toSorted((a, b) => a - b), message)
  assert.isAtMost(repeated, deathbeds.length, message)
  assert.deepStrictEqual(result, Exit.succeed(held), message)
  assert.strictEqual(again, held, message)
  assert.deepInclude(status, { state: "held", attempt: held }, message)
  assert.strictEqual(rows, 1, message)
}

describe("a process that dies", () => {
  it.effect("never does neither", () => Effect.map(run([]), (outcome) => check(outcome, "alive")))

  // The last ones come when the poll is over.
  it.effect.each(Array.from({ length: 32 }, (_, at) => at))(
    "at operation %i repeats one attempt at most, and skips none",
    (at) =>
      Effect.gen(function*() {
        for (const moment of ["before", "after"] as const) {
          const outcome = yield* run([{ at, moment }])
          check(outcome, moment)
          // With the next one planned, an attempt is over, whether its process heard of it or not.
          const [deathbed] = outcome.deathbeds
          const repeats = moment === "before" && (deathbed === "plan" || deathbed === "end")
          assert.strictEqual(outcome.attempts.length, held + (repeats ? 1 : 0), `${moment} ${deathbed}`)
        }
      })
  )

  it.effect.each(Array.from({ length: 20 }, (_, seed) => seed))(
    "again and again (seed %i)",
    (seed) =>
      Effect.gen(function*() {
        let state = seed + 1
        const draw = (n: number) => (state = (state * 48_271) % 2_147_483_647) % n
        const deaths = Array.from({ length: 12 }, (): Death => ({ at: draw(14), moment: draw(2) ? "before" : "after" }))
        check(yield* run(deaths), JSON.stringify(deaths))
      }),
    120_000
  )
})
