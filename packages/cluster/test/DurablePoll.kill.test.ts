/** A durable poll whose process dies at every operation of its store, before and after it, and at random ones again and again. */
import { DurablePoll, PollStore } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Record, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Batch from "../src/internal/batch.ts"
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
  const runner = Effect.fnUntraced(function*(death?: Death) {
    const life = makeLife()
    let looks = 0
    return yield* runners.start(
      rollout.toLayer((_, { attempt }) =>
        Effect.gen(function*() {
          if (life.dead) return yield* Effect.never
          attempts.push(attempt)
          yield* Effect.sleep(300)
          return attempt === held ? Option.some(attempt) : Option.none()
        })
      ),
      // There are many looks, and all are alike: it dies in one of the first two, if in any.
      { life, death, counts: (name) => name === "due" ? looks++ < 2 : name !== "count" }
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
    yield* process.kill
  }
  const last = yield* runner()
  yield* TestClock.adjust("1 minute")
  const again = yield* last.ask(rollout.await("api"))
  const status = yield* last.ask(rollout.status("api"))
  return { attempts, deathbeds, result: result.pollUnsafe(), again, status, rows: yield* runners.rows() }
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

/** What a process asks of the store, up to the end of the poll. */
const operations = ["due", "due", "plan", "plan", "plan", "end"] as const

describe("a process that dies", () => {
  it.effect("never does neither", () => Effect.map(run([]), (outcome) => check(outcome, "alive")))

  it.effect.each(operations.map((name, at) => ({ name, at })))(
    "in $name, its operation $at, repeats one attempt at most, and skips none",
    ({ at, name }) =>
      Effect.gen(function*() {
        for (const moment of ["before", "after"] as const) {
          const outcome = yield* run([{ at, moment }])
          check(outcome, moment)
          assert.deepStrictEqual(outcome.deathbeds, [name])
          // With the next one planned, an attempt is over, whether its process heard of it or not.
          const repeats = moment === "before" && (name === "plan" || name === "end")
          assert.strictEqual(outcome.attempts.length, held + (repeats ? 1 : 0), moment)
        }
      })
  )

  it.effect.each(Array.from({ length: 20 }, (_, seed) => seed))(
    "again and again (seed %i)",
    (seed) =>
      Effect.gen(function*() {
        let state = seed + 1
        const draw = (n: number) => (state = (state * 48_271) % 2_147_483_647) % n
        const deaths = Array.from(
          { length: 12 },
          (): Death => ({ at: draw(operations.length), moment: draw(2) ? "before" : "after" })
        )
        check(yield* run(deaths), JSON.stringify(deaths))
      }),
    120_000
  )
})

/** What is stored: each key with its run, its state and its attempt. */
const stored = (polls: ReadonlyArray<DurablePoll.Listed>) =>
  polls.map(({ attempt, key, run, state }) => `${key} ${run} ${state} ${attempt}`)

describe("a process that dies in a statement for many polls", () => {
  const keys = ["a", "b", "c", "d", "e"]

  it.effect.each(Array.from({ length: keys.length * (held - 1) }, (_, at) => at))(
    "with the item %i of all, repeats what was not stored, and skips nothing",
    (at) =>
      Effect.gen(function*() {
        for (const moment of ["before", "after"] as const) {
          const runners = yield* makeRunners
          const attempts: Array<readonly [key: string, attempt: number]> = []
          const sizes: Array<number> = []
          const start = Effect.fnUntraced(function*(death?: Death) {
            const life = makeLife()
            return yield* runners.start(
              rollout.toLayer(({ deployment }, { attempt }) =>
                Effect.suspend(() => {
                  if (life.dead) return Effect.never
                  attempts.push([deployment, attempt])
                  return Effect.succeed(attempt === held ? Option.some(attempt) : Option.none())
                })
              ),
              {
                life,
                death,
                counts: (name) => name === "plan",
                through: (store) => {
                  const plan = Batch.make((items: ReadonlyArray<Parameters<typeof store.plan>>) => {
                    sizes.push(items.length)
                    return Effect.andThen(Effect.sleep(1), Effect.forEach(items, (args) => store.plan(...args)))
                  })
                  return { ...store, plan: (...args) => plan(args) }
                }
              }
            )
          })
          const client = yield* runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
          yield* Effect.forEach(keys, (deployment) => client.ask(rollout.start({ deployment })))
          const first = yield* start({ at, moment })
          while (!first.life.dead) yield* TestClock.adjust("1 second")
          yield* first.kill
          const polls = yield* client.ask(rollout.list())
          // Made, and not stored.
          const unstored = polls.flatMap(({ attempt, key }) =>
            attempts.filter((made) => made[0] === key && made[1] === attempt)
          )
          yield* start()
          yield* TestClock.adjust("1 minute")
          const expected = keys.map((key) => {
            const again = unstored.flatMap(([unstoredKey, attempt]) => unstoredKey === key ? [attempt] : [])
            return [key, [1, 2, 3, 4, ...again].toSorted()]
          })
          assert.deepStrictEqual(
            keys.map((key) => [key, attempts.flatMap((made) => made[0] === key ? [made[1]] : [])]),
            expected,
            moment
          )
          assert.strictEqual(sizes[0], keys.length)
          assert.deepStrictEqual(
            stored(yield* client.ask(rollout.list())),
            keys.map((key) => `${key} 1 held 4`)
          )
        }
      })
  )
})

/** What a client does with the poll, each an operation of the store or two. */
const actions = {
  start: { act: rollout.start({ deployment: "web" }), operations: ["start"] },
  again: { act: rollout.start({ deployment: "done" }, { again: true }), operations: ["start"] },
  cancel: { act: rollout.cancel("api"), operations: ["newest", "stop"] },
  forget: { act: rollout.forget("done"), operations: ["forget"] },
  purge: { act: PollStore.purge({ olderThan: 0 }), operations: ["purge"] },
  status: { act: rollout.status("api"), operations: ["newest"] },
  list: { act: rollout.list(), operations: ["list"] },
  await: { act: rollout.await("done"), operations: ["newest"] }
}

describe("a client that dies", () => {
  /** A poll "done" that has held, a poll "api" that waits, and one action; the client that dies first is asked again. */
  const act = Effect.fnUntraced(function*(action: keyof typeof actions, death?: Death) {
    const runners = yield* makeRunners
    const attempts: Array<string> = []
    const server = yield* runners.start(
      rollout.toLayer(({ deployment }, { attempt }) => {
        attempts.push(`${deployment} ${attempt}`)
        return Effect.succeed(deployment === "done" || attempt === held ? Option.some(attempt) : Option.none())
      })
    )
    yield* server.ask(rollout.start({ deployment: "done" }))
    yield* server.ask(rollout.start({ deployment: "api" }))
    yield* TestClock.adjust("1500 millis")
    const client = { config: { runnerAddress: Option.none() } }
    const mortal = yield* runners.start(Layer.empty, { ...client, death })
    const first = yield* Effect.forkChild(
      mortal.ask(Effect.exit<unknown, unknown, PollStore.PollStore>(actions[action].act))
    )
    yield* TestClock.adjust(1)
    assert.strictEqual(first.pollUnsafe() === undefined, mortal.life.dead)
    assert.deepStrictEqual(mortal.life.operations, actions[action].operations.slice(0, (death?.at ?? 9) + 1))
    if (mortal.life.dead) {
      const second = yield* runners.start(Layer.empty, client)
      yield* second.ask(Effect.exit<unknown, unknown, PollStore.PollStore>(actions[action].act))
    }
    yield* TestClock.adjust("1 minute")
    return { attempts: attempts.toSorted(), polls: stored(yield* server.ask(rollout.list())) }
  })

  it.effect.each(
    Record.keys(actions).flatMap((action) =>
      actions[action].operations.map((operation, at) => ({ action, operation, at }))
    )
  )("in $operation of $action has done it or not, and may be asked again", ({ action, at }) =>
    Effect.gen(function*() {
      const alive = yield* act(action)
      for (const moment of ["before", "after"] as const) {
        assert.deepStrictEqual(yield* act(action, { at, moment }), alive, moment)
      }
    }))

  it.effect("never leaves this", () =>
    Effect.gen(function*() {
      const results = yield* Effect.forEach(
        Record.keys(actions),
        (action) => Effect.map(act(action), ({ polls }) => [action, polls] as const)
      )
      assert.deepStrictEqual(Object.fromEntries(results), {
        start: ["api 1 held 4", "done 1 held 1", "web 1 held 4"],
        again: ["api 1 held 4", "done 2 held 1"],
        cancel: ["api 1 stopped 2", "done 1 held 1"],
        forget: ["api 1 held 4"],
        purge: ["api 1 held 4"],
        status: ["api 1 held 4", "done 1 held 1"],
        list: ["api 1 held 4", "done 1 held 1"],
        await: ["api 1 held 4", "done 1 held 1"]
      })
    }))
})
