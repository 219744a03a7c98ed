import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Context,
  Data,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Logger,
  Metric,
  Option,
  References,
  Schedule,
  Scope,
  Tracer
} from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Retry, RetryBudget } from "effect-wait"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import { leftBehind, observe, withDraws } from "./support.ts"

class Busy extends Data.TaggedError("Busy")<{ readonly after?: Duration.Input }> {}
class Broken extends Data.TaggedError("Broken") {}

const busy = new Busy({})
const broken = new Broken()

/** How an attempt goes: it takes so long, and then fails with this, or answers with its number. */
type Plan = readonly [takes: Duration.Input, error?: Busy | Broken | "defect" | "interrupts itself"]

/** A call whose attempts go like this, the last one over and over. It notes when they start, and when they were cut. */
const makeCall = (...plans: ReadonlyArray<Plan>) => {
  const starts: Array<number> = []
  const cuts: Array<readonly [attempt: number, at: number]> = []
  const run = Effect.gen(function*() {
    const n = starts.push(yield* Clock.currentTimeMillis)
    const [takes, error] = plans[Math.min(n, plans.length) - 1]!
    yield* Effect.onInterrupt(
      takes === 0 ? Effect.void : Effect.sleep(takes),
      () => Effect.map(Clock.currentTimeMillis, (now) => void cuts.push([n, now]))
    )
    if (error === undefined) return n
    return yield* error === "defect"
      ? Effect.die("bug")
      : error === "interrupts itself"
      ? Effect.interrupt
      : Effect.fail(error)
  })
  return { run, starts, cuts }
}

/** What an exit says, in short. */
const told = (exit: Exit.Exit<unknown, unknown> | undefined) => {
  if (exit === undefined) return "running"
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) return "interrupted"
  const error = Cause.squash(exit.cause)
  if (!(error instanceof Retry.RetryExhausted)) return error
  const { attempts, elapsed, reason } = error
  return { error: error.error, attempts, elapsed: Duration.toMillis(elapsed), reason: reason._tag }
}

const after = (delay: Duration.Input, attempts = 3) => Period.sliding(delay).pipe(Limit.attempts(attempts))

/** One row: the attempts of a call, hedged; when they start, which are cut when, and what comes of it when. */
interface Row {
  readonly when: string
  readonly plans: ReadonlyArray<Plan>
  readonly schedule?: Schedule.Schedule<unknown, Busy | Broken | Retry.Unanswered>
  readonly while?: ReadonlyArray<"Busy" | "Broken">
  readonly starts: ReadonlyArray<number>
  readonly cuts?: ReadonlyArray<readonly [attempt: number, at: number]>
  readonly endedAt: number | undefined
  readonly result: unknown
}

const rows: ReadonlyArray<Row> = [
  // gRPC A6, hedgingPolicy
  {
    when: "starts no second attempt when the first answers in time",
    plans: [[99]],
    starts: [0],
    endedAt: 99,
    result: 1
  },
  {
    when: "starts the next attempt after each delay, and takes the first answer",
    plans: [["1 hour"], [150], ["1 hour"]],
    starts: [0, 100, 200],
    cuts: [[1, 250], [3, 250]],
    endedAt: 250,
    result: 2
  },
  {
    when: "starts no more attempts than the schedule has, and waits for those that it has",
    plans: [["1 hour"], ["1 hour"], [1000]],
    starts: [0, 100, 200],
    cuts: [[1, 1200], [2, 1200]],
    endedAt: 1200,
    result: 3
  },
  {
    when: "with a delay of 0, starts all at once",
    plans: [[300], [200], [400]],
    schedule: after(0),
    starts: [0, 0, 0],
    cuts: [[1, 200], [3, 200]],
    endedAt: 200,
    result: 2
  },
  {
    when: "starts the next attempt at once after a failure, and the one after that a delay later",
    plans: [[30, busy], ["1 hour"], [50]],
    starts: [0, 30, 130],
    cuts: [[2, 180]],
    endedAt: 180,
    result: 3
  },
  {
    when: "lets the others go on when one fails",
    plans: [[150, busy], [120], ["1 hour"]],
    starts: [0, 100, 150],
    cuts: [[3, 220]],
    endedAt: 220,
    result: 2
  },
  {
    when: "fails at once with an error that while refuses, and ends the others",
    plans: [["1 hour"], [50, broken]],
    while: ["Busy"],
    starts: [0, 100],
    cuts: [[1, 150]],
    endedAt: 150,
    result: broken
  },
  {
    when: "fails when all attempts have failed, with the error that came last",
    plans: [[500, broken], [10, busy], [20, busy]],
    starts: [0, 100, 110],
    endedAt: 500,
    result: { error: broken, attempts: 3, elapsed: 500, reason: "Schedule" }
  },
  {
    when: "fails at once when all attempts fail at once",
    plans: [[0, busy]],
    starts: [0, 0, 0],
    endedAt: 0,
    result: { error: busy, attempts: 3, elapsed: 0, reason: "Schedule" }
  },
  {
    when: "with a schedule of one attempt, makes one",
    plans: [[500, busy]],
    schedule: after(100, 1),
    starts: [0],
    endedAt: 500,
    result: { error: busy, attempts: 1, elapsed: 500, reason: "Schedule" }
  },
  {
    when: "follows delays that grow",
    plans: [["1 hour"]],
    schedule: Backoff.exponential({ base: 100, cap: "1 minute" }).pipe(Limit.attempts(4)),
    starts: [0, 100, 300, 700],
    endedAt: undefined,
    result: "running"
  },
  {
    when: "follows a schedule of Effect's own",
    plans: [["1 hour"]],
    schedule: Schedule.max([Schedule.spaced(100), Schedule.recurs(2)]),
    starts: [0, 100, 200],
    endedAt: undefined,
    result: "running"
  },
  {
    when: "starts no attempt past a limit in time, which counts from the first",
    plans: [["1 hour"], [20, busy], ["1 hour"]],
    schedule: Period.sliding(100).pipe(Limit.within(250)),
    starts: [0, 100, 120, 220],
    endedAt: undefined,
    result: "running"
  },
  // Pushback
  {
    when: "after a hint, starts the next attempt when the error asks for it, and the one after that a delay later",
    plans: [[30, new Busy({ after: 500 })], ["1 hour"], [10]],
    schedule: hinted(after(100), "1 second"),
    starts: [0, 530, 630],
    cuts: [[2, 640]],
    endedAt: 640,
    result: 3
  },
  {
    when: "lets a hint shorten the delay as well",
    plans: [[30, new Busy({ after: 20 })], [10]],
    schedule: hinted(after(100), "1 second"),
    starts: [0, 50],
    endedAt: 60,
    result: 2
  },
  {
    when: "after a hint that is too long, starts no further attempt, and lets the others go on",
    plans: [["1 second"], [30, new Busy({ after: "1 hour" })]],
    schedule: hinted(after(100), "1 second"),
    starts: [0, 100],
    endedAt: 1000,
    result: 1
  },
  {
    when: "after a hint that is too long, fails where there is no other",
    plans: [[30, new Busy({ after: "1 hour" })]],
    schedule: hinted(after(100), "1 second"),
    starts: [0],
    endedAt: 30,
    result: { error: new Busy({ after: "1 hour" }), attempts: 1, elapsed: 30, reason: "Schedule" }
  },
  {
    when: "after a hint that ends past a limit in time, starts no further attempt",
    plans: [["1 second"], [30, new Busy({ after: 500 })]],
    schedule: hinted(after(100), "1 second").pipe(Limit.within(600)),
    starts: [0, 100],
    endedAt: 1000,
    result: 1
  },
  {
    when: "after a hint that ends on a limit in time, starts the next attempt",
    plans: [["1 second"], [30, new Busy({ after: 500 })], [10]],
    schedule: hinted(after(100), "1 second").pipe(Limit.within(630)),
    starts: [0, 100, 630],
    cuts: [[1, 640]],
    endedAt: 640,
    result: 3
  },
  {
    when: "clamps a hint that is too long where it is told to",
    plans: [[30, new Busy({ after: "1 hour" })], [10]],
    schedule: hinted(after(100), 200, "clamp"),
    starts: [0, 230],
    endedAt: 240,
    result: 2
  },
  {
    when: "keeps to a hint when another attempt fails without one, or the delay of an earlier attempt passes",
    plans: [[150, busy], [20, new Busy({ after: 500 })], [10]],
    schedule: hinted(after(100, 5), "1 second"),
    starts: [0, 100, 620],
    endedAt: 630,
    result: 3
  },
  {
    when: "takes the longer of two hints, and starts one attempt then",
    plans: [[150, new Busy({ after: 100 })], [20, new Busy({ after: 500 })], [150]],
    schedule: hinted(after(100, 5), "1 second"),
    starts: [0, 100, 620, 720],
    cuts: [[4, 770]],
    endedAt: 770,
    result: 3
  },
  {
    when: "lets a later hint say that no attempt follows",
    plans: [[150, new Busy({ after: "1 hour" })], [20, new Busy({ after: 500 })], [10]],
    schedule: hinted(after(100, 5), "1 second"),
    starts: [0, 100],
    endedAt: 150,
    result: { error: new Busy({ after: "1 hour" }), attempts: 2, elapsed: 150, reason: "Schedule" }
  },
  {
    when: "jitters a hint as Retry.run does",
    plans: [[30, new Busy({ after: 400 })], [10]],
    schedule: hinted(after(100), "1 second").pipe(Jitter.additive(0.5)),
    starts: [0, 530],
    endedAt: 540,
    result: 2
  },
  {
    when: "caps a hint with Limit.delay",
    plans: [[30, new Busy({ after: 400 })], [10]],
    schedule: hinted(after(100), "1 second").pipe(Limit.delay(200)),
    starts: [0, 230],
    endedAt: 240,
    result: 2
  },
  {
    when: "finds the hint of the error's tag",
    plans: [[30, broken], [30, new Busy({ after: 400 })], [10]],
    schedule: Retry.match(
      { Busy: hinted(Period.sliding(1), "1 second") },
      { orElse: Period.sliding(100) }
    ).pipe(Limit.attempts(4)),
    starts: [0, 30, 460],
    endedAt: 470,
    result: 3
  },
  // At the same instant
  {
    when: "takes the answer of the earlier attempt when two answer at the same instant",
    plans: [[200], [100], ["1 hour"]],
    schedule: after(100, 2),
    starts: [0, 100],
    cuts: [[2, 200]],
    endedAt: 200,
    result: 1
  },
  {
    when: "takes an answer at the instant when the next attempt is due, and does not start that",
    plans: [[100]],
    starts: [0],
    endedAt: 100,
    result: 1
  },
  {
    when: "starts one attempt, not two, when one fails at the instant when the next is due",
    plans: [[100, busy], ["1 hour"]],
    starts: [0, 100, 200],
    endedAt: undefined,
    result: "running"
  },
  {
    when: "starts an attempt for each when two fail at the same instant",
    plans: [[150, busy], [50, busy], ["1 hour"]],
    schedule: after(100, 5),
    starts: [0, 100, 150, 150, 250],
    endedAt: undefined,
    result: "running"
  },
  {
    when: "takes the answer when another fails for good at the same instant, after it",
    plans: [[150], [50, broken]],
    while: ["Busy"],
    starts: [0, 100],
    cuts: [[2, 150]],
    endedAt: 150,
    result: 1
  },
  {
    when: "fails when the one that fails for good is the earlier one",
    plans: [[150, broken], [50]],
    while: ["Busy"],
    starts: [0, 100],
    cuts: [[2, 150]],
    endedAt: 150,
    result: broken
  },
  // Ends
  {
    when: "is ended by a defect, which ends the others",
    plans: [["1 hour"], [50, "defect"]],
    starts: [0, 100],
    cuts: [[1, 150]],
    endedAt: 150,
    result: "bug"
  },
  {
    when: "is ended by an attempt that interrupts itself",
    plans: [["1 hour"], [50, "interrupts itself"]],
    starts: [0, 100],
    cuts: [[1, 150]],
    endedAt: 150,
    result: "interrupted"
  }
]

function hinted(
  schedule: Schedule.Schedule<unknown>,
  max: Duration.Input,
  onExceed?: "clamp"
): Schedule.Schedule<unknown, Busy | Broken | Retry.Unanswered> {
  return Retry.hint(
    schedule,
    (error: Busy | Broken | Retry.Unanswered) =>
      Option.fromUndefinedOr(error._tag === "Busy" ? error.after : undefined),
    { max, onExceed }
  )
}

// A call with a name or a budget takes another way inside.
for (const way of ["plain", "name", "budget", "hook"] as const) {
  describe(`Retry.hedge, ${way}`, () => {
    it.effect.each(rows)(
      "$when",
      ({ cuts = [], endedAt, plans, result, schedule = after(100), starts, while: which }) =>
        Effect.gen(function*() {
          const call = makeCall(...plans)
          const hedged = Retry.hedge(call.run, schedule, {
            ...(which !== undefined && { while: which }),
            ...(way === "name" && { name: "call" }),
            ...(way === "budget" && { budget: "call" }),
            ...(way === "hook" && { onHedge: () => Effect.void })
          })
          const observed = yield* observe(hedged, "30 minutes").pipe(
            Effect.provideServiceEffect(RetryBudget.RetryBudget, RetryBudget.makeQuota({ capacity: 1000 })),
            withDraws(0.5)
          )
          const cut = call.cuts.filter(([, at]) => at < Duration.toMillis("30 minutes"))
          assert.deepStrictEqual(
            { starts: call.starts, cuts: cut, endedAt: observed.endedAt, result: told(observed.exit) },
            { starts: [...starts], cuts: [...cuts], endedAt, result }
          )
        })
    )
  })
}

const hang: Plan = ["1 hour"]

/** A budget that allows so many attempts, and notes what it is told. */
const makeBudget = (allowed: number) => {
  const told: Array<ReadonlyArray<unknown>> = []
  const note = (...what: ReadonlyArray<unknown>) => Effect.sync(() => void told.push(what))
  let left = allowed
  const service = RetryBudget.RetryBudget.of({
    started: (key) => note("started", key),
    failed: (key, error) => note("failed", key, error),
    withdraw: (key, error) => Effect.as(note("withdraw", key, error), --left >= 0),
    succeeded: (key, retried) => note("succeeded", key, Option.getOrUndefined(retried))
  })
  return { told, provide: Effect.provideService(RetryBudget.RetryBudget, service) }
}

describe("a budget", () => {
  it.effect("is asked when an attempt is due: not for a first attempt that answers in time", () =>
    Effect.gen(function*() {
      const { provide, told } = makeBudget(9)
      yield* observe(provide(Retry.hedge(makeCall([99]).run, after(100), { budget: "users" })), "1 minute")
      assert.deepStrictEqual(told, [["started", "users"], ["succeeded", "users", undefined]])
    }))

  it.effect("is told of failures, and of the error for which an attempt starts", () =>
    Effect.gen(function*() {
      const { provide, told } = makeBudget(9)
      const call = makeCall([150, busy], hang, [10])
      yield* observe(provide(Retry.hedge(call.run, after(100), { budget: "users" })), "1 minute")
      assert.deepStrictEqual(call.starts, [0, 100, 150])
      assert.deepStrictEqual(told, [
        ["started", "users"],
        ["withdraw", "users", { _tag: "Unanswered" }],
        ["failed", "users", busy],
        ["withdraw", "users", busy],
        ["succeeded", "users", busy]
      ])
    }))

  it.effect("is not told of an error that while refuses", () =>
    Effect.gen(function*() {
      const { provide, told } = makeBudget(9)
      const hedged = Retry.hedge(makeCall([10, broken]).run, after(100), { budget: "users", while: ["Busy"] })
      yield* observe(provide(hedged), "1 minute")
      assert.deepStrictEqual(told, [["started", "users"]])
    }))

  it.effect.each<
    {
      readonly when: string
      readonly plans: ReadonlyArray<Plan>
      readonly starts: ReadonlyArray<number>
      readonly end: readonly [at: number, result: unknown]
    }
  >([
    { when: "lets those in flight go on", plans: [[500], hang], starts: [0, 100], end: [500, 1] },
    {
      when: "fails when those in flight have failed",
      plans: [[500, busy], [300, broken]],
      starts: [0, 100],
      end: [500, { error: busy, attempts: 2, elapsed: 500, reason: "Budget" }]
    },
    {
      when: "fails at once where none is in flight",
      plans: [[20, busy], [30, busy]],
      starts: [0, 20],
      end: [50, { error: busy, attempts: 2, elapsed: 50, reason: "Budget" }]
    }
  ])(
    "that refuses in the middle starts no further attempt, and $when",
    ({ end, plans, starts }) =>
      Effect.gen(function*() {
        const { provide } = makeBudget(1)
        const call = makeCall(...plans)
        const hedged = Retry.hedge(call.run, after(100, 5), { budget: "users" })
        const { endedAt, exit } = yield* observe(provide(hedged), "1 minute")
        assert.deepStrictEqual([call.starts, [endedAt, told(exit)]], [[...starts], [...end]])
      })
  )

  it.effect("of gRPC's throttling always allows the first attempt, and no hedge while half of its tokens are gone", () =>
    Effect.gen(function*() {
      const counts: Array<number> = []
      const hedged = (plan: Plan) =>
        Effect.suspend(() => {
          const call = makeCall(plan)
          return Effect.ensuring(
            Effect.ignore(Retry.hedge(call.run, after(100, 4), { budget: "users" })),
            Effect.sync(() => void counts.push(call.starts.length))
          )
        })
      const all = Effect.forEach([[10, busy], [10, busy], [250], [10]] as const, (plan) => hedged(plan))
      yield* observe(
        Effect.provideServiceEffect(
          all,
          RetryBudget.RetryBudget,
          RetryBudget.makeThrottling({ maxTokens: 4, tokenRatio: 1 })
        ),
        "1 minute"
      )
      // 4 tokens: two failures leave 2; then one failure each; a success gives one back.
      assert.deepStrictEqual(counts, [2, 1, 1, 1])
    }))

  it.effect("that takes long is interrupted by an answer", () =>
    Effect.gen(function*() {
      let interrupted = 0
      const slow = RetryBudget.RetryBudget.of({
        started: () => Effect.void,
        failed: () => Effect.void,
        withdraw: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++)),
        succeeded: () => Effect.void
      })
      const call = makeCall([150])
      const { endedAt, exit } = yield* observe(
        Effect.provideService(Retry.hedge(call.run, after(100), { budget: "users" }), RetryBudget.RetryBudget, slow),
        "1 minute"
      )
      assert.deepStrictEqual([call.starts, endedAt, told(exit), interrupted], [[0], 150, 1, 1])
    }))
})

describe("onHedge", () => {
  it.effect("is told which attempt starts, why, and how many are in flight", () =>
    Effect.gen(function*() {
      const told: Array<unknown> = []
      const call = makeCall([150, busy], hang, hang, [10])
      const onHedge = ({ attempt, elapsed, error, running }: Retry.Hedging<Busy | Broken>) =>
        Effect.sync(() => void told.push([attempt, running, Option.getOrUndefined(error), Duration.toMillis(elapsed)]))
      yield* observe(Retry.hedge(call.run, after(100, 4), { onHedge }), "1 minute")
      assert.deepStrictEqual(told, [[2, 1, undefined, 100], [3, 1, busy, 150], [4, 2, undefined, 250]])
    }))

  it.effect("puts the attempt off while it runs, and is interrupted by an answer", () =>
    Effect.gen(function*() {
      const call = makeCall([400], hang)
      const onHedge = () => Effect.sleep(150)
      const { endedAt, exit } = yield* observe(Retry.hedge(call.run, after(100), { onHedge }), "1 minute")
      assert.deepStrictEqual([call.starts, endedAt, told(exit)], [[0, 250], 400, 1])
    }))

  it.effect("that takes longer than a limit in time is followed by no attempt", () =>
    Effect.gen(function*() {
      for (const [takes, starts] of [[150, [0, 250]], [151, [0]]] as const) {
        const began = yield* Clock.currentTimeMillis
        const call = makeCall([1000])
        const schedule = Period.sliding(100).pipe(Limit.within(250))
        const { exit } = yield* observe(
          Retry.hedge(call.run, schedule, { onHedge: () => Effect.sleep(takes) }),
          "1 minute"
        )
        assert.deepStrictEqual([call.starts.map((start) => start - began), told(exit)], [[...starts], 1])
      }
    }))

  it.effect("keeps an attempt for each failure that comes while it runs", () =>
    Effect.gen(function*() {
      const call = makeCall([250, busy], [160, busy], hang)
      const onHedge = ({ attempt }: Retry.Hedging<unknown>) => attempt === 3 ? Effect.sleep(100) : Effect.void
      yield* observe(Retry.hedge(call.run, after(100, 5), { onHedge }), "1 minute")
      assert.deepStrictEqual(call.starts, [0, 100, 300, 300, 400])
    }))

  it.effect("ends all with its failure", () =>
    Effect.gen(function*() {
      const call = makeCall(hang)
      const onHedge = () => Effect.fail("hook")
      const { endedAt, exit } = yield* observe(Retry.hedge(call.run, after(100), { onHedge }), "1 minute")
      assert.deepStrictEqual([call.starts, call.cuts, endedAt, told(exit)], [[0], [[1, 100]], 100, "hook"])
    }))
})

describe("what it ends", () => {
  it.effect("waits for an attempt that cannot be interrupted, and answers then", () =>
    Effect.gen(function*() {
      const call = makeCall([500], [50])
      const hedged = Retry.hedge(Effect.uninterruptible(call.run), after(100))
      const { endedAt, exit } = yield* observe(hedged, "1 minute")
      assert.deepStrictEqual([call.starts, endedAt, told(exit)], [[0, 100], 500, 2])
    }))

  it.effect("waits for what the attempts release, first that of the answer, then those of the others", () =>
    Effect.gen(function*() {
      const call = makeCall(hang, [50])
      const attempt = Effect.acquireUseRelease(Effect.void, () => call.run, () => Effect.sleep(30))
      const { endedAt, exit } = yield* observe(Retry.hedge(attempt, after(100)), "1 minute")
      assert.deepStrictEqual([call.starts, endedAt, told(exit)], [[0, 100], 210, 2])
    }))

  it.effect("ends an attempt that is just starting when another answers because of it", () =>
    Effect.gen(function*() {
      const answer = yield* Deferred.make<string>()
      let attempts = 0
      let cut = 0
      const call = Effect.suspend(() =>
        ++attempts === 1
          ? Deferred.await(answer)
          : Effect.andThen(Deferred.succeed(answer, "the first"), Effect.never)
      ).pipe(Effect.onInterrupt(() => Effect.sync(() => void cut++)))
      const { endedAt, exit } = yield* observe(Retry.hedge(call, after(100)), "1 minute")
      assert.deepStrictEqual([attempts, cut, endedAt, told(exit)], [2, 1, 100, "the first"])
    }))

  it.effect("takes the first answer when another attempt answers while it starts, as well", () =>
    Effect.gen(function*() {
      const answer = yield* Deferred.make<string>()
      let attempts = 0
      const call = Effect.suspend(() =>
        ++attempts === 1 ? Deferred.await(answer) : Effect.as(Deferred.succeed(answer, "the first"), "the second")
      )
      const { exit } = yield* observe(Retry.hedge(call, after(100)), "1 minute")
      assert.deepStrictEqual([attempts, told(exit)], [2, "the first"])
    }))

  it.effect("is ended by a defect, also beside an error that may be tried again", () =>
    Effect.gen(function*() {
      let attempts = 0
      const call = Effect.suspend(() => {
        attempts++
        return Effect.failCause(Cause.combine(Cause.fail(busy), Cause.die("bug")))
      })
      const { exit } = yield* observe(Retry.hedge(call, after(100)), "1 minute")
      assert.deepStrictEqual(
        exit !== undefined && Exit.isFailure(exit) && exit.cause.reasons.map(({ _tag }) => _tag),
        ["Fail", "Die"]
      )
      assert.strictEqual(attempts, 1)
    }))

  it.effect("takes an answer that is there as soon as an attempt starts", () =>
    Effect.gen(function*() {
      const call = makeCall(hang, [0])
      const { endedAt, exit } = yield* observe(Retry.hedge(call.run, after(100)), "1 minute")
      assert.deepStrictEqual([call.starts, call.cuts, endedAt, told(exit)], [[0, 100], [[1, 100]], 100, 2])
    }))

  it.effect("leaves nothing behind, however it ends", () =>
    Effect.gen(function*() {
      const ends: Readonly<Record<string, readonly [ReadonlyArray<Plan>, number]>> = {
        "an answer": [[hang, hang, [10]], 1000],
        "a failure": [[[500, broken], hang], 1000],
        "all failures": [[[10, busy]], 1000],
        "a defect": [[hang, [10, "defect"]], 1000],
        "an interruption in the first attempt": [[hang], 50],
        "an interruption beside three": [[hang], 500],
        "an interruption in a delay after a hint": [[[10, new Busy({ after: 500 })]], 50]
      }
      for (const [end, [plans, wait]] of Object.entries(ends)) {
        for (const name of [undefined, "call"]) {
          const call = makeCall(...plans)
          const schedule = hinted(after(100), "1 second")
          const { fiber, left } = yield* leftBehind(Retry.hedge(call.run, schedule, { name, while: ["Busy"] }))
          yield* TestClock.adjust(wait)
          yield* Fiber.interrupt(fiber)
          assert.deepStrictEqual(left(), { fibers: 0, sleeps: 0 }, end)
        }
      }
    }))

  it.effect("ends with a Scope that closes, and all its attempts before that", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const call = makeCall(hang)
      const { left } = yield* leftBehind(
        Effect.andThen(
          Effect.forkIn(Retry.hedge(call.run, after(100)), scope, { startImmediately: true }),
          Effect.never
        )
      )
      yield* TestClock.adjust(150)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual([call.starts, call.cuts], [[0, 100], [[1, 150], [2, 150]]])
      assert.deepStrictEqual(left(), { fibers: 1, sleeps: 0 }) // the one that forked it
    }))
})

it.effect("asks hints about errors alone, once for each", () =>
  Effect.gen(function*() {
    const seen: Array<Busy | Broken | Retry.Unanswered> = []
    const schedule = Retry.hint(after(100, 4), (error: Busy | Broken | Retry.Unanswered) => {
      seen.push(error)
      return Option.none()
    }, { max: 1 })
    yield* observe(Retry.hedge(makeCall([150, busy], hang, [10, broken], hang).run, schedule), "1 minute")
    assert.deepStrictEqual(seen, [busy, broken])
  }))

it.effect("with a schedule that never comes is the bare effect", () =>
  Effect.gen(function*() {
    const never = Period.sliding(Infinity)
    for (const plan of [[0], [100], [100, broken], [100, "defect"], [100, "interrupts itself"]] as const) {
      const began = yield* Clock.currentTimeMillis
      const bare = yield* observe(makeCall(plan).run, "1 minute")
      const call = makeCall(plan)
      const { endedAt, exit } = yield* observe(Retry.hedge(call.run, never, { while: () => false }), "1 minute")
      assert.deepStrictEqual(told(exit), told(bare.exit))
      assert.strictEqual(endedAt! - (began + 60_000), bare.endedAt! - began)
      assert.strictEqual(call.starts.length, 1)
    }
    const tried = makeCall([100, busy], [100])
    const { exit } = yield* observe(Retry.hedge(tried.run, never), "1 minute")
    // A failure needs no delay.
    assert.strictEqual(told(exit), 2)
  }))

it.effect("bounds an attempt with Effect.timeout around the call", () =>
  Effect.gen(function*() {
    const call = makeCall(hang, [20])
    const hedged = Retry.hedge(Effect.timeout(call.run, 50), after(100), { while: ["TimeoutError"] })
    const { endedAt, exit } = yield* observe(hedged, "1 minute")
    assert.deepStrictEqual([call.starts, call.cuts, endedAt, told(exit)], [[0, 50], [[1, 50]], 70, 2])
  }))

it.effect("can be run again, and many times at once", () =>
  Effect.gen(function*() {
    const call = makeCall([10, busy])
    const hedged = Effect.flip(call.run.pipe(Retry.hedge(after(100, 2))))
    const { exit } = yield* observe(Effect.all([hedged, hedged, hedged], { concurrency: 3 }), "1 minute")
    assert.deepStrictEqual(
      exit !== undefined && Exit.isSuccess(exit) && exit.value.map(({ attempts }) => attempts),
      [2, 2, 2]
    )
    assert.deepStrictEqual(call.starts, [0, 0, 0, 10, 10, 10])
  }))

describe("what a function throws is a defect", () => {
  it.effect.each<
    {
      readonly what: string
      readonly hedge: (call: Effect.Effect<number, Busy | Broken>) => Effect.Effect<unknown, unknown>
    }
  >([
    {
      what: "while",
      hedge: Retry.hedge(after(100), {
        while: (): boolean => {
          throw new Error("thrown")
        }
      })
    },
    {
      what: "hintOf",
      hedge: Retry.hedge(
        after(100).pipe(Retry.hint((): never => {
          throw new Error("thrown")
        }, { max: 1 }))
      )
    },
    {
      what: "onHedge",
      hedge: (call) =>
        Retry.hedge(call, after(100), {
          onHedge: (): never => {
            throw new Error("thrown")
          }
        })
    }
  ])("$what", ({ hedge }) =>
    Effect.gen(function*() {
      const call = makeCall(hang, [50, busy])
      const { exit } = yield* observe(hedge(call.run), "1 minute")
      assert.isTrue(exit !== undefined && Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual(String(told(exit)), "Error: thrown")
      assert.strictEqual(call.cuts.length, 1)
    }))
})

it.effect("fails with the failure of a schedule of Effect's own, and ends the attempts", () =>
  Effect.gen(function*() {
    const schedule = Schedule.tap(Schedule.spaced(100), () => Effect.fail("schedule"))
    const call = makeCall(hang)
    const { endedAt, exit } = yield* observe(Retry.hedge(call.run, schedule), "1 minute")
    assert.deepStrictEqual([call.starts, call.cuts, endedAt, told(exit)], [[0], [[1, 0]], 0, "schedule"])
  }))

describe("what an attempt sees", () => {
  class User extends Context.Service<User, string>()("User") {}

  it.effect("its number, as under Effect.retry, the services, and what is around", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const call = Effect.gen(function*() {
        const { attempt, input } = yield* Schedule.CurrentMetadata
        const { name } = yield* Effect.orDie(Effect.currentSpan)
        seen.push([attempt, input, yield* User, name])
        if (attempt === 1) return yield* busy
        yield* Effect.sleep("1 hour")
      })
      const hedged = Retry.hedge(call, after(100, 4))
      yield* observe(
        hedged.pipe(Effect.provideService(User, "someone"), Effect.withSpan("page")),
        "1 minute"
      )
      assert.deepStrictEqual(seen, [
        [0, undefined, "someone", "page"],
        [1, { _tag: "Unanswered" }, "someone", "page"],
        [2, busy, "someone", "page"],
        [3, { _tag: "Unanswered" }, "someone", "page"]
      ])
    }))

  it.effect("no number of a retry around it", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const call = Effect.flatMap(Schedule.CurrentMetadata, ({ attempt }) =>
        Effect.andThen(
          Effect.sync(() => void seen.push(attempt)),
          Effect.fail(busy)
        ))
      yield* observe(Retry.run(Retry.hedge(call, after(100, 2)), after(100, 2)), "1 minute")
      assert.deepStrictEqual(seen, [0, 1, 0, 1])
    }))

  it.effect("that it is an attempt: a retry in it that defers leaves it to the hedge", () =>
    Effect.gen(function*() {
      let calls = 0
      const call = Effect.suspend(() => Effect.fail(++calls))
      const { exit } = yield* observe(
        Retry.hedge(Retry.run(call, after(100), { nested: "defer" }), after(100)),
        "1 minute"
      )
      assert.strictEqual(calls, 3)
      assert.isTrue(exit !== undefined && Exit.isFailure(exit))
    }))

  it.effect("under the same budget, that too", () =>
    Effect.gen(function*() {
      const { provide, told } = makeBudget(9)
      const inner = Retry.run(Effect.fail(busy), after(100), { nested: "defer", budget: "users" })
      yield* observe(provide(Retry.hedge(inner, after(100, 2), { budget: "users" })), "1 minute")
      assert.deepStrictEqual(told.map(([what]) => what), ["started", "failed", "withdraw", "failed"])
    }))
})

describe("the stop of the loop around it", () => {
  const second = Period.sliding("1 second")

  /** A loop with this work, which is stopped at that time. */
  const stoppedAt = (time: Duration.Input, work: Effect.Effect<unknown, unknown>) =>
    observe(Loop.run(work, second, { stop: Effect.sleep(time) }), "1 minute")

  it.effect("starts no further attempt, and lets those in flight go on", () =>
    Effect.gen(function*() {
      const call = makeCall([500], hang)
      let answer: unknown
      const work = Effect.map(Retry.hedge(call.run, after(100, 5)), (value) => {
        answer = value
      })
      const { endedAt, exit } = yield* stoppedAt(150, work)
      assert.deepStrictEqual([call.starts, endedAt, answer], [[0, 100], 500, 1])
      assert.deepStrictEqual(exit, Exit.succeed(undefined))
    }))

  it.effect("ends a delay after a hint at once, and the loop ends as stopped", () =>
    Effect.gen(function*() {
      const call = makeCall([10, new Busy({ after: 900 })])
      const seen: Array<unknown> = []
      const hedged = Retry.hedge(call.run, hinted(after(100), "1 second"))
      const work = Effect.onExit(hedged, (exit) => Effect.sync(() => void seen.push(told(exit))))
      const { endedAt, exit } = yield* stoppedAt(150, work)
      assert.deepStrictEqual([call.starts, endedAt], [[0], 150])
      assert.deepStrictEqual(seen, [{ error: new Busy({ after: 900 }), attempts: 1, elapsed: 150, reason: "Stopped" }])
      assert.deepStrictEqual(exit, Exit.succeed(undefined))
    }))

  it.effect("that came before lets the first attempt start, and no other", () =>
    Effect.gen(function*() {
      const call = makeCall([300], hang)
      const work = Effect.andThen(Effect.sleep(200), Retry.hedge(call.run, after(100)))
      const { endedAt, exit } = yield* stoppedAt(150, work)
      assert.deepStrictEqual([call.starts, endedAt, exit], [[200], 500, Exit.succeed(undefined)])
    }))

  it.effect("is listened to only while it runs", () =>
    Effect.gen(function*() {
      const call = makeCall([50])
      let listeners = 0
      const work = Effect.andThen(Retry.hedge(call.run, after(100)), Effect.void)
      const loop = yield* Loop.forkScoped(work, second)
      const { driver } = loop as unknown as { readonly driver: { readonly listeners?: Set<unknown> } }
      yield* TestClock.adjust(20)
      listeners = driver.listeners?.size ?? 0
      yield* TestClock.adjust(100)
      assert.deepStrictEqual([listeners, driver.listeners?.size], [1, 0])
    }))
})

describe("with a name", () => {
  it.effect("has a span for each attempt that says why it started, and logs that name it", () =>
    Effect.gen(function*() {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span(options) {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const annotations: Array<unknown> = []
      const logger = Logger.make(({ fiber, message }) =>
        annotations.push([String(message), fiber.getRef(References.CurrentLogAnnotations)["hedge"]])
      )
      const call = makeCall([150, busy], hang, [10])
      const hedged = Retry.hedge(Effect.andThen(Effect.log("attempt"), call.run), after(100), {
        name: "users",
        onHedge: () => Effect.log("hook")
      })
      yield* observe(hedged, "1 minute").pipe(
        Effect.provideService(Tracer.Tracer, tracer),
        Effect.provide(Logger.layer([logger]))
      )
      assert.deepStrictEqual(
        spans.map(({ attributes, name, status }) => [
          name,
          Object.fromEntries(attributes),
          status._tag === "Ended" && status.endTime - status.startTime,
          status._tag === "Ended" && told(status.exit)
        ]),
        [
          ["users", { attempt: 1, kind: "first" }, 150_000_000n, busy],
          ["users", { attempt: 2, kind: "hedge" }, 60_000_000n, "interrupted"],
          ["users", { attempt: 3, kind: "retry" }, 10_000_000n, 3]
        ]
      )
      assert.deepStrictEqual(
        annotations,
        ["attempt", "hook", "attempt", "hook", "attempt"].map((what) => [what, "users"])
      )
    }))

  it.effect.each<
    { readonly end: string; readonly plans: ReadonlyArray<Plan>; readonly metrics: Readonly<Record<string, number>> }
  >([
    {
      end: "an answer",
      plans: [[150, busy], hang, [10]],
      metrics: { runs: 3, failures: 1, retries: 1, hedges: 1 }
    },
    {
      end: "a schedule that is done",
      plans: [[10, busy]],
      metrics: { runs: 3, failures: 3, retries: 2, "give_ups schedule": 1 }
    },
    { end: "an error", plans: [hang, [10, broken]], metrics: { runs: 2, failures: 1, hedges: 1, "give_ups error": 1 } },
    { end: "a defect", plans: [[10, "defect"]], metrics: { runs: 1, failures: 1, "give_ups defect": 1 } },
    { end: "an interruption", plans: [hang], metrics: { runs: 3, hedges: 2 } }
  ])("counts its attempts apart from those of retries: $end", ({ metrics, plans }) =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      yield* observe(Retry.hedge(makeCall(...plans).run, after(100), { name: "users", while: ["Busy"] }), "1 minute")
        .pipe(
          Effect.provideService(Metric.MetricRegistry, registry)
        )
      const snapshot = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
      const counted = snapshot.flatMap(({ attributes = {}, id, state }) => {
        assert.deepStrictEqual([attributes["kind"], attributes["name"]], ["hedge", "users"])
        const name = [id.replace("effect_wait_", "").replace("_total", ""), attributes["reason"] ?? []].flat().join(" ")
        return id.endsWith("_total") && "count" in state ? [[name, state.count] as const] : []
      })
      const zeros = {
        runs: 0,
        failures: 0,
        retries: 0,
        missed: 0,
        hedges: 0,
        "give_ups error": 0,
        "give_ups defect": 0,
        "give_ups schedule": 0,
        "give_ups budget": 0
      }
      assert.deepStrictEqual(Object.fromEntries(counted), { ...zeros, ...metrics })
      const running = snapshot.find(({ attributes, id }) =>
        id === "effect_wait_active" && attributes?.["state"] === "running"
      )
      assert.deepStrictEqual(running?.state, { value: 0 })
    }))
})

describe("what it costs when the first attempt answers", () => {
  const count = (n: number, call: Effect.Effect<unknown, unknown>) =>
    Effect.gen(function*() {
      let started = 0
      let ended = 0
      yield* Effect.repeat(call, { times: n - 1 }).pipe(
        Effect.provideService(Metric.FiberRuntimeMetrics, {
          recordFiberStart: () => void started++,
          recordFiberEnd: () => void ended++
        })
      )
      return [started, ended]
    })

  it.effect("no fiber for a value, one for an effect", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* count(1, Retry.hedge(Effect.succeed(1), after(100))), [0, 0])
      assert.deepStrictEqual(yield* count(1, Retry.hedge(Effect.sync(() => 1), after(100))), [1, 1])
    }))

  it.live("no fiber, timer or listener is left of 100,000 calls", () =>
    Effect.gen(function*() {
      const timers = new Set<unknown>()
      const { clearTimeout, setTimeout } = globalThis
      const delay = 3_600_000
      const set = (run: () => void, millis: number, ...args: ReadonlyArray<unknown>) => {
        const timer = setTimeout(run, millis, ...args)
        if (millis === delay) timers.add(timer)
        return timer
      }
      const clear = (timer: ReturnType<typeof setTimeout>) => {
        timers.delete(timer)
        clearTimeout(timer)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => vi.stubGlobal("setTimeout", set).stubGlobal("clearTimeout", clear)),
        () => Effect.sync(() => vi.unstubAllGlobals())
      )
      let most = 0
      const soon = Effect.promise(() => Promise.resolve().then(() => void (most = Math.max(most, timers.size))))
      const loop = yield* Loop.forkScoped(
        count(100_000, Retry.hedge(soon, after(delay))),
        Period.sliding("1 day"),
        { immediate: false }
      )
      const exit = yield* loop.runNow
      const { driver } = loop as unknown as { readonly driver: { readonly listeners?: Set<unknown> } }
      assert.deepStrictEqual(Option.getOrUndefined(exit), Exit.succeed([100_000, 100_000]))
      assert.deepStrictEqual([most, timers.size, driver.listeners?.size], [1, 0, 0])
    }), 60_000)
})
