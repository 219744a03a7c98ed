import { assert, describe, it } from "@effect/vitest"
import { Cause, Cron, Effect, Exit, Layer, Option, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll, Retry, Timeline, Wait } from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import * as LoopStore from "effect-wait/LoopStore"
import { Herd, TestLoop } from "effect-wait/testing"
import { HttpClient, HttpClientRequest } from "effect/http"

const duration = "a duration of 0 or more"
const finite = "a finite duration of 0 or more"
const positive = "a finite duration longer than 0"
const factor = "a finite number of 0 or more"
const policy = { duration: "1 second", factor: 2, jitter: 0, steps: 3 } as const
const manager = { initial: "1 second", max: "1 minute", reset: "1 minute", factor: 2, jitter: 0 } as const
const cap = "1 minute"
const draw = "a number from 0 up to, but not including, 1"
const name = "a string that is not empty"
const pointInTime = "a DateTime, a Date, milliseconds since 1970 or an ISO 8601 string"
const cronText = "a string such as \"0 3 * * *\""
const zoneName = "the name of a time zone such as \"Europe/Berlin\""
const hourly = Cron.parseUnsafe("0 * * * *", "UTC")
const byRun = "a function or a list with something in it"

// What JavaScript can pass where TypeScript would not let it.
const untyped = (value: unknown): never => value as never

type Case = readonly [argument: string, value: string, allowed: string, make: () => unknown]

const client = HttpClient.make(() => Effect.never)
const retry = (options: unknown) => () => HttpRetry.retry(client, Period.sliding(1), untyped(options))
const url = HttpClientRequest.get("http://api/")

/** What a constructor throws. */
const constructors: ReadonlyArray<Case> = [
  ["HttpRetry.retry: options", `"many"`, "an object", retry("many")],
  ["HttpRetry.retry: schedule", `"1 second"`, "a Schedule", () => HttpRetry.retry(client, untyped("1 second"))],
  ["HttpRetry.retry: statuses", "5", "a list", retry({ statuses: 5 })],
  ["HttpRetry.retry: statuses", "99", "a list of integers from 100 to 599", retry({ statuses: [503, 99] })],
  ["HttpRetry.retry: statuses", `"503"`, "a list of integers from 100 to 599", retry({ statuses: ["503"] })],
  ["HttpRetry.retry: isTransient", "true", "a function", retry({ isTransient: true })],
  ["HttpRetry.retry: isIdempotent", "true", "a function", retry({ isIdempotent: true })],
  ["HttpRetry.retry: streamBodies", `"twice"`, `"once" or "again"`, retry({ streamBodies: "twice" })],
  ["HttpRetry.retry: attemptTimeout", "-1", duration, retry({ attemptTimeout: -1 })],
  ["HttpRetry.retry: hint", `"1 minute"`, "an object", retry({ hint: "1 minute" })],
  ["HttpRetry.retry: hint.max", "-1", duration, retry({ hint: { max: -1 } })],
  ["HttpRetry.retry: hint.onExceed", `"stop"`, `"giveUp" or "clamp"`, retry({ hint: { onExceed: "stop" } })],
  ["HttpRetry.retry: hint.spread", "-0.1", "a finite number of 0 or more", retry({ hint: { spread: -0.1 } })],
  ["HttpRetry.retry: budget", `"users"`, `"host" or a function`, retry({ budget: "users" })],
  ["HttpRetry.retry: attemptHeader", `""`, name, retry({ attemptHeader: "" })],
  ["HttpRetry.retry: onRetry", "5", "a function", retry({ onRetry: 5 })],
  ["HttpRetry.retry: onGiveUp", "5", "a function", retry({ onGiveUp: 5 })],
  ["HttpRetry.retry: name", `""`, name, retry({ name: "" })],
  ["HttpRetry.request: read", "5", "a function", () => HttpRetry.request(url, untyped(5), Period.sliding(1))],
  [
    "HttpRetry.request: schedule",
    "5",
    "a Schedule",
    () => HttpRetry.request(url, () => Effect.void, untyped(5))
  ],
  [
    "HttpRetry.request: budget",
    "5",
    `"host" or a function`,
    () => HttpRetry.request(url, () => Effect.void, Period.sliding(1), untyped({ budget: 5 }))
  ],
  ["Period.sliding: period", "-1", duration, () => Period.sliding(-1)],
  ["Period.sliding: period", "NaN", duration, () => Period.sliding(NaN)],
  ["Period.sliding: period", `"1 parsec"`, duration, () => Period.sliding(untyped("1 parsec"))],
  ["Period.sliding: period", "undefined", duration, () => Period.sliding(untyped(undefined))],
  ["Period.sliding: period", `{"seconds":NaN}`, duration, () => Period.sliding({ seconds: NaN })],
  ["Period.sliding: period", "[NaN,0]", duration, () => Period.sliding([NaN, 0])],
  ["Period.sliding: period", `"-Infinity"`, duration, () => Period.sliding("-Infinity")],
  ["Period.sliding: period", "{}", duration, () => Period.sliding({})],
  ["Period.sliding: period", `{"second":1}`, duration, () => Period.sliding(untyped({ second: 1 }))],
  ["Period.sliding: period", `{"microweeks":1}`, duration, () => Period.sliding(untyped({ microweeks: 1 }))],
  ["Period.sliding: period", `{"secondss":1}`, duration, () => Period.sliding(untyped({ secondss: 1 }))],
  ["Period.sliding: period", `{"seconds":"1"}`, duration, () => Period.sliding(untyped({ seconds: "1" }))],
  [
    "Period.sliding: period",
    `{"seconds":Infinity,"minutes":-Infinity}`,
    duration,
    () => Period.sliding({ seconds: Infinity, minutes: -Infinity })
  ],
  ["Period.ticker: options", `"skip"`, "an object", () => Period.ticker(1, untyped("skip"))],
  ["Limit.within: options", `"truncate"`, "an object", () => Limit.within(1, untyped("truncate"))],
  ["Backoff.fromDelays: delays", "5", "a list", () => Backoff.fromDelays(untyped(5))],
  ["self", "5", "a Schedule", () => Jitter.full(untyped(5))],
  ["Retry.match: Busy", `"1 second"`, "a Schedule", () => Retry.match({ Busy: "1 second" })],
  ["Retry.match: orElse", "5", "a Schedule", () => Retry.match({}, { orElse: 5 })],
  ["Retry.hint: hintOf", "undefined", "a function", () => Retry.hint(untyped(undefined), { max: 1 })],
  ["Retry.hint: max", "-1", duration, () => Retry.hint(() => Option.none(), { max: -1 })],
  ["Retry.hint: max", "undefined", duration, () => Retry.hint(() => Option.none(), untyped({}))],
  [
    "Retry.hint: onExceed",
    `"stop"`,
    `"giveUp" or "clamp"`,
    () => Retry.hint(() => Option.none(), { max: 1, onExceed: untyped("stop") })
  ],
  ["self", `"1 second"`, "a Schedule", () => Period.fromStart(untyped("1 second"))],
  ["self", "5", "a Schedule", () => Backoff.resetAfter(1)(untyped(5))],
  ["Period.nonSliding: period", `"-1 millis"`, duration, () => Period.nonSliding("-1 millis")],
  ["Period.ticker: interval", "0", positive, () => Period.ticker(0)],
  ["Period.ticker: interval", "-5", positive, () => Period.ticker(-5)],
  ["Period.ticker: interval", `"Infinity"`, positive, () => Period.ticker("Infinity")],
  ["Period.ticker: missed", `"drop"`, `"skip" or "one" or "all"`, () => Period.ticker(1, { missed: untyped("drop") })],
  ["Jitter.additive: factor", "-0.1", factor, () => Jitter.additive(-0.1)],
  ["Jitter.additive: factor", "NaN", factor, () => Jitter.additive(NaN)],
  ["Jitter.additive: factor", "Infinity", factor, () => Jitter.additive(Infinity)],
  ["Jitter.between: min", "-1", factor, () => Jitter.between(-1, 1)],
  ["Jitter.between: max", "0.5", "a finite number of 0.8 or more", () => Jitter.between(0.8, 0.5)],
  ["Jitter.between: max", "Infinity", "a finite number of 0.8 or more", () => Jitter.between(0.8, Infinity)],
  ["Backoff.exponential: base", "-1", finite, () => Backoff.exponential({ base: -1, cap })],
  ["Backoff.exponential: base", "Infinity", finite, () => Backoff.exponential({ base: Infinity, cap })],
  ["Backoff.exponential: factor", "-2", factor, () => Backoff.exponential({ base: 1, factor: -2, cap })],
  ["Backoff.exponential: factor", "NaN", factor, () => Backoff.exponential({ base: 1, factor: NaN, cap })],
  ["Backoff.exponential: cap", "NaN", duration, () => Backoff.exponential({ base: 1, cap: NaN })],
  ["Backoff.exponential: cap", "undefined", duration, () => Backoff.exponential(untyped({ base: 1 }))],
  ["Backoff.linear: base", "-1", finite, () => Backoff.linear({ base: -1, cap })],
  ["Backoff.linear: increment", "-1", finite, () => Backoff.linear({ base: 1, increment: -1, cap })],
  ["Backoff.linear: cap", "-1", duration, () => Backoff.linear({ base: 1, cap: -1 })],
  ["Backoff.decorrelated: base", "NaN", finite, () => Backoff.decorrelated({ base: NaN, cap })],
  ["Backoff.decorrelated: cap", "-1", duration, () => Backoff.decorrelated({ base: 1, cap: -1 })],
  ["Backoff.decorrelatedV2: median", "0", positive, () => Backoff.decorrelatedV2({ median: 0, cap })],
  ["Backoff.decorrelatedV2: cap", "-1", duration, () => Backoff.decorrelatedV2({ median: 1, cap: -1 })],
  ["Backoff.fromDelays: delays[1]", "-2", duration, () => Backoff.fromDelays([1, -2])],
  ["Backoff.toSchedule: duration", "-1", finite, () => Backoff.toSchedule({ ...policy, duration: -1 })],
  ["Backoff.toSchedule: factor", "-2", factor, () => Backoff.toSchedule({ ...policy, factor: -2 })],
  [
    "Backoff.toSchedule: jitter",
    "Infinity",
    "a finite number",
    () => Backoff.toSchedule({ ...policy, jitter: Infinity })
  ],
  ["Backoff.toSchedule: steps", "1.5", "an integer", () => Backoff.toSchedule({ ...policy, steps: 1.5 })],
  ["Backoff.toSchedule: cap", "-1", duration, () => Backoff.toSchedule({ ...policy, cap: -1 })],
  ["Backoff.step: duration", "-1", finite, () => Backoff.step({ ...policy, duration: -1 }, 0)],
  ["Backoff.step: duration", `"Infinity"`, finite, () => Backoff.step({ ...policy, duration: "Infinity" }, 0)],
  ["Backoff.step: factor", "NaN", factor, () => Backoff.step({ ...policy, factor: NaN }, 0)],
  ["Backoff.step: jitter", "NaN", "a finite number", () => Backoff.step({ ...policy, jitter: NaN }, 0)],
  ["Backoff.step: steps", "0.5", "an integer", () => Backoff.step({ ...policy, steps: 0.5 }, 0)],
  ["Backoff.step: cap", `"-1 millis"`, duration, () => Backoff.step({ ...policy, cap: "-1 millis" }, 0)],
  ["Backoff.step: draw", "-0.1", draw, () => Backoff.step(policy, -0.1)],
  ["Backoff.step: draw", "1", draw, () => Backoff.step(policy, 1)],
  ["Backoff.step: draw", "NaN", draw, () => Backoff.step(policy, NaN)],
  ["Backoff.step: draw", "undefined", draw, () => Backoff.step(policy, untyped(undefined))],
  ["Backoff.resetAfter: healthy", "-1", duration, () => Backoff.resetAfter(-1)],
  ["Limit.attempts: n", "0", "an integer of 1 or more", () => Limit.attempts(0)],
  ["Limit.attempts: n", "2.5", "an integer of 1 or more", () => Limit.attempts(2.5)],
  ["Limit.attempts: n", "Infinity", "an integer of 1 or more", () => Limit.attempts(Infinity)],
  ["Limit.delay: max", "NaN", duration, () => Limit.delay(NaN)],
  ["Limit.within: total", "-1", duration, () => Limit.within(-1)],
  [
    "Limit.within: overshoot",
    `"round"`,
    `"stop" or "truncate"`,
    () => Limit.within(1, { overshoot: untyped("round") })
  ],
  [
    "Wait.exponentialBackoffManager: initial",
    "-1",
    finite,
    () => Wait.exponentialBackoffManager({ ...manager, initial: -1 })
  ],
  [
    "Wait.exponentialBackoffManager: max",
    "NaN",
    duration,
    () => Wait.exponentialBackoffManager({ ...manager, max: NaN })
  ],
  [
    "Wait.exponentialBackoffManager: reset",
    "-1",
    duration,
    () => Wait.exponentialBackoffManager({ ...manager, reset: -1 })
  ],
  [
    "Wait.exponentialBackoffManager: factor",
    "-1",
    factor,
    () => Wait.exponentialBackoffManager({ ...manager, factor: -1 })
  ],
  [
    "Wait.exponentialBackoffManager: jitter",
    "NaN",
    "a finite number",
    () => Wait.exponentialBackoffManager({ ...manager, jitter: NaN })
  ],
  ["Wait.delayWithReset: steps", "NaN", "an integer", () => Wait.delayWithReset({ ...policy, steps: NaN }, 1)],
  ["Wait.delayWithReset: reset", "-1", duration, () => Wait.delayWithReset(policy, -1)],
  [
    "Timeline.render: width",
    "5",
    "an integer of 10 or more",
    () => Timeline.render({ runs: [], outcome: "done" }, { width: 5 })
  ],
  [
    "Timeline.toSvg: width",
    "99",
    "an integer of 100 or more",
    () => Timeline.toSvg({ runs: [], outcome: "done" }, { width: 99 })
  ],
  [
    "Timeline.equals: tolerance",
    "-1",
    duration,
    () => Timeline.equals({ runs: [], outcome: "done" }, { runs: [], outcome: "done" }, { tolerance: -1 })
  ]
]

/** The same of a combinator that takes its schedule first, and of a setting that is left out. */
const period = Period.sliding(1)
const dualForms: ReadonlyArray<Case> = [
  ["Jitter.additive: factor", "NaN", factor, () => Jitter.additive(period, NaN)],
  ["Jitter.additive: factor", "undefined", factor, () => Jitter.additive(period, untyped(undefined))],
  ["Jitter.additive: factor", `"0.2"`, factor, () => Jitter.additive(untyped("0.2"))],
  ["Jitter.between: min", "-1", factor, () => Jitter.between(period, -1, 1)],
  ["Jitter.between: max", "0.5", "a finite number of 0.8 or more", () => Jitter.between(period, 0.8, 0.5)],
  ["Limit.attempts: n", "-1", "an integer of 1 or more", () => Limit.attempts(period, -1)],
  ["Limit.attempts: n", "undefined", "an integer of 1 or more", () => Limit.attempts(untyped(period))],
  ["Limit.delay: max", "-1", duration, () => Limit.delay(period, -1)],
  ["Limit.within: total", "NaN", duration, () => Limit.within(period, NaN)],
  [
    "Limit.within: overshoot",
    `"round"`,
    `"stop" or "truncate"`,
    () => Limit.within(period, 1, { overshoot: untyped("round") })
  ],
  ["Limit.within: options", `"stop"`, "an object", () => Limit.within(period, 1, untyped("stop"))],
  ["Backoff.resetAfter: healthy", `"1 parsec"`, duration, () => Backoff.resetAfter(period, untyped("1 parsec"))],
  ["Retry.hint: hintOf", "5", "a function", () => Retry.hint(period, untyped(5), { max: 1 })],
  ["Retry.hint: max", "NaN", duration, () => Retry.hint(period, () => Option.none(), { max: NaN })],
  ["self", "5", "a Schedule", () => Retry.hint(untyped(5), () => Option.none(), { max: 1 })],
  ["Period.ticker: missed", `"keep"`, `"skip" or "one" or "all"`, () => Period.ticker(1, { missed: untyped("keep") })],
  ["Period.cron: expression", "42", cronText, () => Period.cron(untyped(42))],
  ["Period.cron: expression", "null", cronText, () => Period.cron(untyped(null))],
  ["Period.cron: expression", String(hourly), cronText, () => Period.cron(untyped(hourly))],
  ["Period.cron: options", `"UTC"`, "an object", () => Period.cron("@daily", untyped("UTC"))],
  ["Period.cron: timeZone", "2", zoneName, () => Period.cron("@daily", { timeZone: untyped(2) })],
  ["Period.cron: timeZone", "null", zoneName, () => Period.cron("@daily", { timeZone: untyped(null) })],
  [
    "Period.cron: missed",
    `"keep"`,
    `"skip" or "one" or "all"`,
    () => Period.cron("@daily", { missed: untyped("keep") })
  ],
  ["Period.ticker: missed", "true", `"skip" or "one" or "all"`, () => Period.ticker(1, { missed: untyped(true) })]
]

/** What a driver dies with. */
const check = Effect.succeed(true)
const refused = Effect.fail("refused")
const forked = (schedule: Schedule.Schedule<number>, options: Loop.ForkOptions<never>) =>
  Effect.scoped(Loop.forkScoped(Effect.void, schedule, options))
const layered = (options: Loop.ForkOptions<never> & { readonly name: string }) =>
  Effect.scoped(Layer.build(Loop.layer(Effect.void, Period.sliding(1), options)))
const remembering = (catchUp: unknown, schedule: Schedule.Schedule<unknown, unknown> = Period.ticker(1)) =>
  Effect.provide(
    Effect.scoped(Loop.forkScoped(Effect.void, schedule, { name: "sync", catchUp: untyped(catchUp) })),
    LoopStore.layerMemory
  )
const foreign = Schedule.max([Period.ticker(1), Period.sliding(1)])
const ours = "a schedule of effect-wait outside Effect's own combinators, for the loop has catchUp"
const noSlots = "left out, for only the slots of Period.cron and Period.ticker can be missed"
const drivers: ReadonlyArray<Case> = [
  [
    "Loop.forkScoped: name",
    "undefined",
    "a string that is not empty, for the loop has catchUp",
    () =>
      Effect.provide(
        Effect.scoped(Loop.forkScoped(Effect.void, Period.sliding(1), untyped({ catchUp: {} }))),
        LoopStore.layerMemory
      )
  ],
  ["Loop.forkScoped: catchUp", `"one"`, "an object", () => remembering("one")],
  [
    "Loop.forkScoped: catchUp.missed",
    `"two"`,
    `"skip" or "one" or "all"`,
    () => remembering({ missed: "two" })
  ],
  ["Loop.forkScoped: catchUp.window", "-1", duration, () => remembering({ window: -1 })],
  [
    "Loop.forkScoped: catchUp.unreadable",
    "true",
    `"fail" or "startAsNew"`,
    () => remembering({ unreadable: true })
  ],
  ["Loop.forkScoped: catchUp.missed", `"one"`, noSlots, () => remembering({ missed: "one" }, Period.sliding(1))],
  [
    "Loop.forkScoped: catchUp.missed",
    `"skip"`,
    noSlots,
    () => remembering({ missed: "skip" }, Jitter.full(Period.nonSliding(1)))
  ],
  ["Loop.forkScoped: catchUp.window", `"1 hour"`, noSlots, () => remembering({ window: "1 hour" }, Period.sliding(1))],
  [
    "Loop.forkScoped: schedule",
    "a schedule of another library",
    ours,
    () => remembering({}, foreign)
  ],
  ["Loop.run: schedule", `"1 second"`, "a Schedule", () => Loop.run(Effect.void, untyped("1 second"))],
  ["Loop.run: initialDelay", "-1", duration, () => Loop.run(Effect.void, Period.sliding(1), { initialDelay: -1 })],
  ["Loop.run: name", `""`, name, () => Loop.run(Effect.void, Period.sliding(1), { name: "" })],
  ["Loop.forkScoped: name", "42", name, () => forked(Period.sliding(1), { name: untyped(42) })],
  ["Loop.forkScoped: schedule", "undefined", "a Schedule", () => forked(untyped(undefined), {})],
  ["Loop.forkScoped: initialDelay", "NaN", duration, () => forked(Period.sliding(1), { initialDelay: NaN })],
  ["Loop.forkScoped: backoff", "5", "a Schedule", () => forked(Period.sliding(1), { backoff: untyped(5) })],
  ["Loop.forkScoped: stop", "5", "an Effect", () => forked(Period.sliding(1), { stop: untyped(5) })],
  ["Loop.forkScoped: grace", "-1", duration, () => forked(Period.sliding(1), { grace: -1 })],
  ["Loop.forkScoped: healthyWithin", "NaN", duration, () => forked(Period.sliding(1), { healthyWithin: NaN })],
  ["Loop.forkScoped: history", "1.5", "an integer of 0 or more", () => forked(Period.sliding(1), { history: 1.5 })],
  ["Loop.forkScoped: root", `"no"`, "true or false", () => forked(Period.sliding(1), { root: untyped("no") })],
  ["Loop.forkScoped: immediate", "0", "true or false", () => forked(Period.sliding(1), { immediate: untyped(0) })],
  ["Loop.forkScoped: onFailure", "5", "a function", () => forked(Period.sliding(1), { onFailure: untyped(5) })],
  [
    "Loop.run: immediate",
    `"no"`,
    "true or false",
    () => Loop.run(Effect.void, Period.sliding(1), { immediate: untyped("no") })
  ],
  [
    "Loop.run: onFailure",
    "true",
    "a function",
    () => Loop.run(Effect.void, Period.sliding(1), { onFailure: untyped(true) })
  ],
  ["Loop.layer: name", `""`, name, () => layered({ name: "" })],
  ["Loop.layer: name", "undefined", name, () => layered(untyped({}))],
  ["Loop.layer: grace", "-1", duration, () => layered({ name: "sync", grace: -1 })],
  ["Loop.survive: name", "5", name, () => Loop.survive(Effect.void, { name: untyped(5) })],
  ["Loop.survive: onCause", "true", "a function", () => Loop.survive(Effect.void, { onCause: untyped(true) })],
  ["Retry.run: schedule", "5", "a Schedule", () => Retry.run(refused, untyped(5))],
  ["Retry.run: options", `"x"`, "an object", () => Retry.run(refused, Period.sliding(1), untyped("x"))],
  ["Retry.run: name", `""`, name, () => Retry.run(refused, Period.sliding(1), { name: "" })],
  ["Retry.run: budget", `""`, name, () => Retry.run(refused, Period.sliding(1), { budget: "" })],
  ["Retry.run: attemptTimeout", "-1", duration, () => Retry.run(refused, Period.sliding(1), { attemptTimeout: -1 })],
  ["Retry.run: attemptTimeout", "NaN", duration, () => Retry.run(refused, Period.sliding(1), { attemptTimeout: NaN })],
  [
    "Retry.run: nested",
    `"no"`,
    `"retry" or "defer"`,
    () => Retry.run(refused, Period.sliding(1), { nested: untyped("no") })
  ],
  [
    "Retry.run: while",
    `"Busy"`,
    "a function or a list of tags",
    () => Retry.run(refused, Period.sliding(1), { while: untyped("Busy") })
  ],
  ["Retry.run: onRetry", "5", "a function", () => Retry.run(refused, Period.sliding(1), { onRetry: untyped(5) })],
  ["Retry.run: onGiveUp", "5", "a function", () => Retry.run(refused, Period.sliding(1), { onGiveUp: untyped(5) })],
  ["Retry.run: schedule", "5", "a Schedule", () => Retry.run(Effect.void, untyped(5))],
  ["Retry.hedge: schedule", "5", "a Schedule", () => Retry.hedge(refused, untyped(5))],
  ["Retry.hedge: options", `"x"`, "an object", () => Retry.hedge(refused, Period.sliding(1), untyped("x"))],
  ["Retry.hedge: name", `""`, name, () => Retry.hedge(refused, Period.sliding(1), { name: "" })],
  ["Retry.hedge: budget", "5", name, () => Retry.hedge(refused, Period.sliding(1), { budget: untyped(5) })],
  [
    "Retry.hedge: while",
    `"Busy"`,
    "a function or a list of tags",
    () => Retry.hedge(refused, Period.sliding(1), { while: untyped("Busy") })
  ],
  ["Retry.hedge: onHedge", "5", "a function", () => Retry.hedge(refused, Period.sliding(1), { onHedge: untyped(5) })],
  ["Retry.hedge: schedule", "5", "a Schedule", () => Retry.hedge(Effect.void, untyped(5))],
  ["Poll.until: name", `""`, name, () => Poll.until(check, Period.sliding(1), { name: "" })],
  ["Poll.until: onWait", "5", "a function", () => Poll.until(check, Period.sliding(1), { onWait: untyped(5) })],
  [
    "Poll.until: immediate",
    `"no"`,
    "true or false",
    () => Poll.until(check, Period.sliding(1), { immediate: untyped("no") })
  ],
  [
    "Wait.jitterUntil: sliding",
    "undefined",
    "true or false",
    () => Wait.jitterUntil(check, untyped({ period: 1, jitterFactor: 0 }))
  ],
  [
    "Wait.backoffUntil: sliding",
    `"no"`,
    "true or false",
    () => Wait.backoffUntil(check, { backoff: Period.sliding(1), sliding: untyped("no") })
  ],
  [
    "Wait.delayUntil: immediate",
    "undefined",
    "true or false",
    () => Wait.delayUntil(check, untyped({ backoff: Period.sliding(1), sliding: true }))
  ],
  [
    "Wait.pollUntilContextCancel: immediate",
    "1",
    "true or false",
    () => Wait.pollUntilContextCancel(check, { interval: 1, immediate: untyped(1) })
  ],
  [
    "Timeline.simulate: random",
    "[]",
    "a list with something in it",
    () => Timeline.simulate(Period.sliding(1), { until: 9, random: [] })
  ],
  ["Loop.run: stop", "5", "an Effect", () => Loop.run(Effect.void, Period.sliding(1), { stop: untyped(5) })],
  ["Loop.run: stop", "null", "an Effect", () => Loop.run(Effect.void, Period.sliding(1), { stop: untyped(null) })],
  ["Poll.until: stop", "5", "an Effect", () => Poll.until(check, Period.sliding(1), { stop: untyped(5) })],
  ["Poll.until: accept", `"x"`, "a function", () => Poll.until(check, Period.sliding(1), { accept: untyped("x") })],
  [
    "Poll.until: tolerate",
    "true",
    "a function or a list of tags",
    () => Poll.until(check, Period.sliding(1), { tolerate: untyped(true) })
  ],
  ["Wait.until: stop", "5", "an Effect", () => Wait.until(check, { period: 1, stop: untyped(5) })],
  ["Wait.poll: stop", "5", "an Effect", () => Wait.poll(check, { interval: 1, timeout: 1, stop: untyped(5) })],
  ["Loop.run: backoff", "5", "a Schedule", () => Loop.run(Effect.void, Period.sliding(1), { backoff: untyped(5) })],
  ["Poll.until: schedule", "undefined", "a Schedule", () => Poll.until(check, untyped(undefined))],
  ["Poll.until: timeout", "NaN", duration, () => Poll.until(check, Period.sliding(1), { timeout: NaN })],
  ["Wait.forever: period", "-1", duration, () => Wait.forever(check, { period: -1 })],
  ["Wait.until: period", "NaN", duration, () => Wait.until(check, { period: NaN })],
  ["Wait.nonSlidingUntil: period", "-1", duration, () => Wait.nonSlidingUntil(check, { period: -1 })],
  [
    "Wait.jitterUntil: period",
    "-1",
    duration,
    () => Wait.jitterUntil(check, { period: -1, jitterFactor: 0, sliding: true })
  ],
  [
    "Wait.jitterUntil: jitterFactor",
    "NaN",
    "a finite number",
    () => Wait.jitterUntil(check, { period: 1, jitterFactor: NaN, sliding: true })
  ],
  ["Wait.backoffUntil: backoff", "undefined", "a Schedule", () => Wait.backoffUntil(check, untyped({ sliding: true }))],
  [
    "Wait.delayUntil: backoff",
    "undefined",
    "a Schedule",
    () => Wait.delayUntil(check, untyped({ immediate: true, sliding: true }))
  ],
  ["Wait.poll: interval", "0", positive, () => Wait.poll(check, { interval: 0, timeout: 1 })],
  ["Wait.poll: timeout", "-1", duration, () => Wait.poll(check, { interval: 1, timeout: -1 })],
  ["Wait.pollImmediate: interval", "-1", positive, () => Wait.pollImmediate(check, { interval: -1, timeout: 1 })],
  ["Wait.pollInfinite: interval", "0", positive, () => Wait.pollInfinite(check, { interval: 0 })],
  ["Wait.pollImmediateInfinite: interval", "0", positive, () => Wait.pollImmediateInfinite(check, { interval: 0 })],
  ["Wait.pollUntil: interval", "0", positive, () => Wait.pollUntil(check, { interval: 0 })],
  ["Wait.pollImmediateUntil: interval", "NaN", positive, () => Wait.pollImmediateUntil(check, { interval: NaN })],
  [
    "Wait.pollUntilContextCancel: interval",
    "-1",
    finite,
    () => Wait.pollUntilContextCancel(check, { interval: -1, immediate: true })
  ],
  [
    "Wait.pollUntilContextTimeout: timeout",
    "-1",
    duration,
    () => Wait.pollUntilContextTimeout(check, { interval: 1, timeout: -1, immediate: true })
  ],
  [
    "Wait.exponentialBackoff: steps",
    "0.5",
    "an integer",
    () => Wait.exponentialBackoff(check, { backoff: { ...policy, steps: 0.5 } })
  ],
  ["Timeline.simulate: until", "NaN", duration, () => Timeline.simulate(Period.sliding(1), { until: NaN })],
  ["Timeline.simulate: work", "-1", duration, () => Timeline.simulate(Period.sliding(1), { until: 9, work: -1 })],
  [
    "Timeline.simulate: work(2)",
    "-1",
    duration,
    () => Timeline.simulate(Period.sliding(1), { until: 9, work: (run) => run < 2 ? 0 : -1 })
  ],
  [
    "Timeline.simulate: maxRuns",
    "1.5",
    "an integer of 0 or more",
    () => Timeline.simulate(Period.sliding(1), { until: 9, maxRuns: 1.5 })
  ],
  [
    "Timeline.simulate: random[1]",
    "1",
    "a number from 0 up to, but not including, 1",
    () => Timeline.simulate(Period.sliding(1), { until: 9, random: [0, 1] })
  ],
  ...([
    [`"1 minute"`, "1 minute"],
    [`"2026-13-01"`, "2026-13-01"],
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["true", untyped(true)],
    ["[2026,3,29]", untyped([2026, 3, 29])]
  ] as const).flatMap(([shown, from]): ReadonlyArray<Case> => [
    ["Timeline.simulate: from", shown, pointInTime, () => Timeline.simulate(Period.sliding(1), { until: 9, from })],
    ["Herd.run: from", shown, pointInTime, () => Herd.run({ clients: 1, client: () => Effect.void, from })],
    ["TestLoop.record: from", shown, pointInTime, () => TestLoop.record(() => Effect.void, { until: 9, from })]
  ]),
  ...([
    ["[]", []],
    ["5", untyped(5)],
    [`"Busy"`, untyped("Busy")],
    [`{"_tag":"Busy"}`, untyped({ _tag: "Busy" })]
  ] as const).map(([shown, input]): Case => [
    "Timeline.simulate: input",
    shown,
    byRun,
    () => Timeline.simulate(Period.sliding(1), { until: 9, input })
  ])
]

describe("bad input", () => {
  for (const [argument, value, allowed, make] of [...constructors, ...dualForms]) {
    it(`${argument} ${value}`, () => {
      try {
        make()
      } catch (error) {
        assert.isTrue(Cause.isIllegalArgumentError(error))
        assert.strictEqual((error as Error).message, `${argument} must be ${allowed}, got ${value}`)
        return
      }
      assert.fail("nothing was thrown")
    })
  }

  for (const [argument, value, allowed, make] of drivers) {
    it.effect(`${argument} ${value}`, () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(make() as Effect.Effect<unknown, unknown>)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        assert.isTrue(Cause.isIllegalArgumentError(error))
        assert.strictEqual((error as Error).message, `${argument} must be ${allowed}, got ${value}`)
      }))
  }

  const unreadable: ReadonlyArray<readonly [expression: string, message: string, timeZone?: string]> = [
    [
      "* * *",
      "\"* * *\": write five fields (minute, hour, day, month, weekday), six with the second first, or one of @yearly @annually " +
      "@monthly @weekly @daily @midnight @hourly; no year, user or command"
    ],
    ["61 * * * *", "minute \"61\": write 0 to 59, a range a-b, a step */n, or a list of these"],
    ["0 0 30 2 *", "no date ever matches: there is no day 30 in month 2"],
    // What crontabs have. The forms of croner and cron-parser are in cronTests.
    ["CRON_TZ=Europe/Berlin 0 3 * * *", "the time zone is no field: write it as the option timeZone"],
    [
      "0~59 * * * *",
      "minute \"0~59\": random values are not supported: write a fixed value, and spread the runs with Jitter"
    ],
    [
      "0 3 * * * /usr/bin/backup",
      "weekday \"/usr/bin/backup\": write 0 to 7 or sun mon tue wed thu fri sat, a range a-b, a step */n, or a list of these"
    ],
    [
      "0 3 * * * root backup",
      "\"0 3 * * * root backup\": write five fields (minute, hour, day, month, weekday), six with the second first, or one of " +
      "@yearly @annually @monthly @weekly @daily @midnight @hourly; no year, user or command"
    ],
    ["0 9 * * sat-mon", "weekday \"sat-mon\": a range cannot run backwards: write sat-7,0-mon"],
    ["0 22-6/2 * * *", "hour \"22-6/2\": a range cannot run backwards: write its values as a list"],
    [
      "0 0 * * *",
      "no time zone is called \"Mars/Olympus\": write a name such as Europe/Berlin or an offset such as +02:00",
      "Mars/Olympus"
    ]
  ]
  for (const [expression, message, timeZone] of unreadable) {
    it.effect(`Period.cron fails with a CronParseError for ${expression} ${timeZone ?? ""}`, () =>
      Effect.gen(function*() {
        const schedule = Period.cron(expression, { timeZone })
        for (const driven of [Effect.repeat(Effect.void, schedule), Loop.run(Effect.void, schedule)]) {
          const error = yield* Effect.flip(driven)
          assert.isTrue(Cron.isCronParseError(error))
          assert.strictEqual(error.message, message)
        }
      }))
  }
})
