import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual, identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { NoInfer } from "effect/Types"
import * as args from "./internal/args.ts"
import { fromPolicy, type GoBackoff, type PolicyInput, step } from "./internal/goBackoff.ts"
import { deadline, poll as pollJob } from "./internal/poll.ts"
import { done, fromPlan, type Moment, planOf, Reads } from "./internal/step.ts"
import * as Jitter from "./Jitter.ts"
import * as Loop from "./Loop.ts"
import * as Period from "./Period.ts"
import { WaitTimeout } from "./WaitTimeout.ts"

interface Stop<SE, SR> {
  /** Ends the loop when it completes, see `Loop.run`. Default: never. */
  readonly stop?: Effect.Effect<unknown, SE, SR> | undefined
}

// -----------------------------------------------------------------------------
// loops
// -----------------------------------------------------------------------------

/** A loop of Go's: of the effect and its options, in this order or piped. */
export interface Looping<Options> {
  <SE = never, SR = never>(
    options: Options & Stop<SE, SR>
  ): <E, R>(work: Effect.Effect<unknown, E, R>) => Effect.Effect<void, E | SE, R | SR>
  <E, R, SE = never, SR = never>(
    work: Effect.Effect<unknown, E, R>,
    options: Options & Stop<SE, SR>
  ): Effect.Effect<void, E | SE, R | SR>
}

const loop = <A, E, R, ES, RS, SE, SR>(
  work: Effect.Effect<A, E, R>,
  schedule: () => Schedule.Schedule<unknown, A, ES, RS>,
  { stop }: Stop<SE, SR>
): Effect.Effect<void, E | ES | SE, R | RS | SR> =>
  Effect.suspend(() =>
    Effect.asVoid(stop === undefined ? Loop.run(work, schedule()) : Loop.run(work, schedule(), { stop }))
  )

// Go asks its timers when a run starts, and a manager that looks at the clock sees that time.
const askedAtStart = <Out, In, E, R>(self: Schedule.Schedule<Out, In, E, R>): Schedule.Schedule<Out, In, E, R> => {
  const plan = planOf(self)
  if (plan === undefined) return Period.fromStart(self)
  return Period.fromStart(fromPlan<Out, In>({
    reads: plan.reads | Reads.start,
    output: plan.output,
    begin(env) {
      const inner = plan.begin(env)
      return {
        value: 0,
        next(at, input) {
          const atStart: Moment = { ...at, now: at.start, wall: at.wall - (at.now - at.start) }
          const delay = inner.next(atStart, input)
          this.value = inner.value
          return delay
        }
      }
    }
  }))
}

const sliding = <Out, In, E, R>(
  self: Schedule.Schedule<Out, In, E, R>,
  yes: boolean
): Schedule.Schedule<Out, In, E, R> => yes ? self : askedAtStart(self)

const jittered = <Options extends { readonly period: Duration.Input }>(
  name: string,
  jitter: (options: Options) => { readonly jitterFactor: number; readonly sliding: boolean }
): Looping<Options> =>
  dual(2, <E, R, SE, SR>(
    work: Effect.Effect<unknown, E, R>,
    options: Options & Stop<SE, SR>
  ): Effect.Effect<void, E | SE, R | SR> =>
    loop(work, () => {
      const { jitterFactor, sliding: isSliding } = jitter(options)
      const factor = args.number(`${name}: jitterFactor`, jitterFactor, -Infinity)
      const period = Period.sliding(args.duration(`${name}: period`, options.period))
      return sliding(period.pipe(Jitter.additive(Math.max(0, factor))), isSliding)
    }, options))

export const forever: Looping<{ readonly period: Duration.Input }> = jittered(
  "Wait.forever",
  () => ({ jitterFactor: 0, sliding: true })
)

export const until: Looping<{ readonly period: Duration.Input }> = jittered(
  "Wait.until",
  () => ({ jitterFactor: 0, sliding: true })
)

export const nonSlidingUntil: Looping<{ readonly period: Duration.Input }> = jittered(
  "Wait.nonSlidingUntil",
  () => ({ jitterFactor: 0, sliding: false })
)

export const jitterUntil: Looping<{
  readonly period: Duration.Input
  readonly jitterFactor: number
  readonly sliding: boolean
}> = jittered("Wait.jitterUntil", identity)

export const backoffUntil: {
  <A, ES, RS, SE = never, SR = never>(
    options: {
      readonly backoff: Schedule.Schedule<unknown, NoInfer<A>, ES, RS>
      readonly sliding: boolean
    } & Stop<SE, SR>
  ): <E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<void, E | ES | SE, R | RS | SR>
  <A, E, R, ES, RS, SE = never, SR = never>(
    work: Effect.Effect<A, E, R>,
    options: {
      readonly backoff: Schedule.Schedule<unknown, NoInfer<A>, ES, RS>
      readonly sliding: boolean
    } & Stop<SE, SR>
  ): Effect.Effect<void, E | ES | SE, R | RS | SR>
} = dual(2, <A, E, R, ES, RS, SE, SR>(
  work: Effect.Effect<A, E, R>,
  options: { readonly backoff: Schedule.Schedule<unknown, A, ES, RS>; readonly sliding: boolean } & Stop<SE, SR>
): Effect.Effect<void, E | ES | SE, R | RS | SR> =>
  loop(work, () => sliding(args.schedule("Wait.backoffUntil: backoff", options.backoff), options.sliding), options))

// -----------------------------------------------------------------------------
// backoff managers
// -----------------------------------------------------------------------------

// A Go Backoff that begins afresh by the clock. `reset` says whether, given the time of the last mark; marks are set
// at each reset or at each step.
const resetting = (
  initial: GoBackoff,
  reset: number,
  marks: "reset" | "step"
): Schedule.Schedule<Duration.Duration> =>
  fromPlan({
    reads: Reads.time,
    output: Duration.millis,
    begin({ first, random }) {
      let backoff = initial
      let mark = first
      return {
        value: 0,
        next(at) {
          const due = at.now - mark > reset
          if (due) backoff = initial
          if (due || marks === "step") mark = at.now
          const [delay, left] = step(backoff, random)
          backoff = left
          return this.value = delay
        }
      }
    }
  })

export const exponentialBackoffManager = (options: {
  readonly initial: Duration.Input
  readonly max: Duration.Input
  readonly reset: Duration.Input
  readonly factor: number
  readonly jitter: number
}): Schedule.Schedule<Duration.Duration> => {
  const name = "Wait.exponentialBackoffManager"
  const { factor, initial, jitter, max, reset } = options
  return resetting(
    fromPolicy(name, {
      duration: args.finite(`${name}: initial`, initial),
      cap: args.duration(`${name}: max`, max),
      factor,
      jitter,
      steps: 2 ** 31 - 1
    }),
    args.duration(`${name}: reset`, reset),
    "step"
  )
}

export const delayWithReset = (policy: PolicyInput, reset: Duration.Input): Schedule.Schedule<Duration.Duration> => {
  const initial = fromPolicy("Wait.delayWithReset", policy)
  const millis = args.duration("Wait.delayWithReset: reset", reset)
  return initial.factor === 0 || millis === 0
    ? resetting({ ...initial, factor: 0, steps: 0 }, Infinity, "reset")
    : resetting(initial, millis, "reset")
}

// -----------------------------------------------------------------------------
// polls
// -----------------------------------------------------------------------------

/** A poll of Go's: of the condition and its options, in this order or piped. */
export interface Polling<Options> {
  <SE = never, SR = never>(
    options: Options & Stop<SE, SR>
  ): <E, R>(
    condition: Effect.Effect<boolean, E, R>
  ) => Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR>
  <E, R, SE = never, SR = never>(
    condition: Effect.Effect<boolean, E, R>,
    options: Options & Stop<SE, SR>
  ): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR>
}

const pollWith = <E, R, F>(
  condition: Effect.Effect<boolean, E, R>,
  options: {
    readonly schedule: Schedule.Schedule<unknown, unknown, F, R>
    readonly first: "now" | "anyway" | "later"
    readonly stop: Effect.Effect<unknown, F, R> | undefined
    readonly exhausted?: "deadline" | "exhausted"
  }
): Effect.Effect<void, E | F | WaitTimeout<boolean, E>, R> =>
  Effect.asVoid(pollJob({
    check: condition,
    schedule: options.schedule,
    accept: identity,
    first: options.first,
    stop: options.stop,
    timeout: Infinity,
    exhausted: options.exhausted ?? "exhausted"
  }))

// Go's immediate check runs even when already stopped.
const firstCheck = (immediate: boolean) => immediate ? "anyway" : "later"

// The ticks of the legacy polls begin with the first step: after the first check, where that is immediate. A tick that
// comes while a check runs is lost, and the timeout brings one last check.
const ticksUntil = (interval: number, timeout: number): Schedule.Schedule<number> =>
  fromPlan({
    reads: Reads.time,
    output: identity,
    begin: () => {
      let first: number | undefined
      let last = false
      return {
        value: 0,
        next(at) {
          first ??= at.now
          if (last) return done
          const passed = at.now - first
          this.value = Math.max(this.value + 1, Math.ceil(passed / interval))
          const tick = this.value * interval
          last = tick > timeout
          return Math.max(0, Math.min(tick, timeout) - passed)
        }
      }
    }
  })

const legacy = <Options extends { readonly interval: Duration.Input; readonly timeout?: Duration.Input }>(
  name: string,
  immediate: boolean
): Polling<Options> =>
  dual(2, <E, R, SE, SR>(
    condition: Effect.Effect<boolean, E, R>,
    options: Options & Stop<SE, SR>
  ): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR> =>
    Effect.suspend(() => {
      const interval = args.positive(`${name}: interval`, options.interval)
      const timeout = args.duration(`${name}: timeout`, options.timeout ?? 0)
      const schedule = ticksUntil(interval, timeout === 0 ? Infinity : timeout)
      return pollWith<E, R | SR, SE>(condition, {
        schedule,
        first: firstCheck(immediate),
        stop: options.stop,
        exhausted: "deadline"
      })
    }))

type Interval = { readonly interval: Duration.Input }

type IntervalAndTimeout = { readonly interval: Duration.Input; readonly timeout: Duration.Input }

export const poll: Polling<IntervalAndTimeout> = legacy("Wait.poll", false)

export const pollImmediate: Polling<IntervalAndTimeout> = legacy("Wait.pollImmediate", true)

export const pollInfinite: Polling<Interval> = legacy("Wait.pollInfinite", false)

export const pollImmediateInfinite: Polling<Interval> = legacy("Wait.pollImmediateInfinite", true)

export const pollUntil: Polling<Interval> = legacy("Wait.pollUntil", false)

export const pollImmediateUntil: Polling<Interval> = legacy("Wait.pollImmediateUntil", true)

const pollUntilContext = <
  Options extends Interval & { readonly immediate: boolean; readonly timeout?: Duration.Input }
>(name: string): Polling<Options> =>
  dual(2, <E, R, SE, SR>(
    condition: Effect.Effect<boolean, E, R>,
    options: Options & Stop<SE, SR>
  ): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR> =>
    Effect.suspend(() => {
      const interval = args.finite(`${name}: interval`, options.interval)
      const timeout = args.duration(`${name}: timeout`, options.timeout ?? Infinity)
      return pollWith<E, R | SR, SE>(condition, {
        schedule: interval === 0 ? Period.sliding(0) : Period.ticker(interval),
        first: firstCheck(options.immediate),
        stop: timeout === Infinity ? options.stop : orDeadline(options.stop ?? Effect.never, timeout)
      })
    }))

const orDeadline = <SE, SR>(stop: Effect.Effect<unknown, SE, SR>, timeout: number): Effect.Effect<unknown, SE, SR> =>
  timeout === 0
    ? Effect.succeed(deadline)
    : Effect.raceFirst(Effect.asVoid(stop), Effect.as(Effect.sleep(Duration.millis(timeout)), deadline))

export const pollUntilContextCancel: Polling<Interval & { readonly immediate: boolean }> = pollUntilContext(
  "Wait.pollUntilContextCancel"
)

export const pollUntilContextTimeout: Polling<IntervalAndTimeout & { readonly immediate: boolean }> =
  pollUntilContext("Wait.pollUntilContextTimeout")

export const delayUntil: {
  <ES, RS, SE = never, SR = never>(
    options: {
      readonly backoff: Schedule.Schedule<unknown, unknown, ES, RS>
      readonly immediate: boolean
      readonly sliding: boolean
    } & Stop<SE, SR>
  ): <E, R>(
    condition: Effect.Effect<boolean, E, R>
  ) => Effect.Effect<void, E | ES | SE | WaitTimeout<boolean, E>, R | RS | SR>
  <E, R, ES, RS, SE = never, SR = never>(
    condition: Effect.Effect<boolean, E, R>,
    options: {
      readonly backoff: Schedule.Schedule<unknown, unknown, ES, RS>
      readonly immediate: boolean
      readonly sliding: boolean
    } & Stop<SE, SR>
  ): Effect.Effect<void, E | ES | SE | WaitTimeout<boolean, E>, R | RS | SR>
} = dual(2, <E, R, F>(
  condition: Effect.Effect<boolean, E, R>,
  options: {
    readonly backoff: Schedule.Schedule<unknown, unknown, F, R>
    readonly immediate: boolean
    readonly sliding: boolean
  } & Stop<F, R>
): Effect.Effect<void, E | F | WaitTimeout<boolean, E>, R> =>
  Effect.suspend(() =>
    pollWith(condition, {
      schedule: sliding(args.schedule("Wait.delayUntil: backoff", options.backoff), options.sliding),
      first: firstCheck(options.immediate),
      stop: options.stop
    })
  ))

// Every tick of the stream, and its end.
const ticking = <E, R>(ticks: Stream.Stream<unknown, E, R>): Schedule.Schedule<void, unknown, E, R | Scope.Scope> =>
  Schedule.fromStep(Effect.map(Stream.toPull(ticks), (pull) => {
    const now: [void, Duration.Duration] = [undefined, Duration.zero]
    let left = 0
    let ended = false
    const next = Pull.matchEffect(pull, {
      onSuccess: (chunk) =>
        Effect.sync(() => {
          left = chunk.length - 1
          return now
        }),
      onDone: () =>
        Effect.sync(() => {
          ended = true
          return now
        }),
      onFailure: Effect.failCause
    })
    return () => {
      if (left === 0) return ended ? Cause.done() : next
      left--
      return Effect.succeed(now)
    }
  }))

export const waitFor: {
  <ES, RS, SE = never, SR = never>(
    options: { readonly ticks: Stream.Stream<unknown, ES, RS> } & Stop<SE, SR>
  ): <E, R>(
    condition: Effect.Effect<boolean, E, R>
  ) => Effect.Effect<void, E | ES | SE | WaitTimeout<boolean, E>, R | RS | SR>
  <E, R, ES, RS, SE = never, SR = never>(
    condition: Effect.Effect<boolean, E, R>,
    options: { readonly ticks: Stream.Stream<unknown, ES, RS> } & Stop<SE, SR>
  ): Effect.Effect<void, E | ES | SE | WaitTimeout<boolean, E>, R | RS | SR>
} = dual(2, <E, R, F>(
  condition: Effect.Effect<boolean, E, R>,
  options: { readonly ticks: Stream.Stream<unknown, F, R> } & Stop<F, R>
): Effect.Effect<void, E | F | WaitTimeout<boolean, E>, R> =>
  Effect.scoped(
    pollWith<E, R | Scope.Scope, F>(condition, { schedule: ticking(options.ticks), first: "later", stop: options.stop })
  ))

// A sleep that brought the delay to its cap is the last one, and no check follows it.
const goSteps = (initial: GoBackoff): Schedule.Schedule<Duration.Duration> =>
  fromPlan({
    reads: Reads.nothing,
    output: Duration.millis,
    begin({ random }) {
      let backoff = initial
      return {
        value: 0,
        get over() {
          return backoff.steps < 1
        },
        next() {
          if (backoff.steps <= 1) return done
          const [delay, left] = step(backoff, random)
          backoff = left
          return this.value = delay
        }
      }
    }
  })

export const exponentialBackoff: Polling<{ readonly backoff: PolicyInput }> = dual(2, <E, R, SE, SR>(
  condition: Effect.Effect<boolean, E, R>,
  options: { readonly backoff: PolicyInput } & Stop<SE, SR>
): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR> =>
  Effect.suspend(() => {
    const backoff = fromPolicy("Wait.exponentialBackoff", options.backoff)
    return backoff.steps < 1
      ? Effect.fail(
        new WaitTimeout<boolean, E>({
          reason: "exhausted",
          attempts: 0,
          elapsed: Duration.zero,
          last: Option.none(),
          lastError: Option.none()
        })
      )
      : pollWith<E, R | SR, SE>(condition, { schedule: goSteps(backoff), first: "now", stop: options.stop })
  }))
