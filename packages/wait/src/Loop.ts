import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import type * as Schedule from "effect/Schedule"
import type { NoInfer } from "effect/Types"
import * as args from "./internal/args.ts"
import { drive, type Task } from "./internal/driver.ts"
import { planOf, Reads, type Step } from "./internal/step.ts"

export interface Options<E, EB = never, RB = never> {
  readonly initialDelay?: Duration.Input | undefined
  readonly backoff?: Schedule.Schedule<unknown, E, EB, RB> | undefined
}

export interface StopOption<SE = never, SR = never> {
  readonly stop: Effect.Effect<unknown, SE, SR>
}

export const run: {
  <A, E, Out, ES, RS, EB = never, RB = never>(
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options?: Options<NoInfer<E>, EB, RB> & { readonly stop?: undefined }
  ): <R>(work: Effect.Effect<A, E, R>) => Effect.Effect<Out, E | ES | EB, R | RS | RB>
  <A, E, Out, ES, RS, SE, SR, EB = never, RB = never>(
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options: Options<NoInfer<E>, EB, RB> & StopOption<SE, SR>
  ): <R>(work: Effect.Effect<A, E, R>) => Effect.Effect<Out | undefined, E | ES | EB | SE, R | RS | RB | SR>
  <A, E, R, Out, ES, RS, EB = never, RB = never>(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options?: Options<NoInfer<E>, EB, RB> & { readonly stop?: undefined }
  ): Effect.Effect<Out, E | ES | EB, R | RS | RB>
  <A, E, R, Out, ES, RS, SE, SR, EB = never, RB = never>(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options: Options<NoInfer<E>, EB, RB> & StopOption<SE, SR>
  ): Effect.Effect<Out | undefined, E | ES | EB | SE, R | RS | RB | SR>
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A, F, R>,
  options: Options<E, F, R> & Partial<StopOption<F, R>> = {}
): Effect.Effect<Out | undefined, E | F, R> =>
  Effect.suspend(() => {
    const { backoff, initialDelay, stop } = options
    return drive<A, E, R, A, Out, Out | undefined, F>(
      backoff === undefined ? repeating : following(args.schedule("Loop.run: backoff", backoff)),
      {
        work,
        schedule: args.schedule("Loop.run: schedule", schedule),
        initialDelay: args.duration("Loop.run: initialDelay", initialDelay ?? 0),
        stop
      }
    )
  }))

type Looping<A, E, R, Out, F> = Task<A, E, R, A, Out, Out | undefined, F>

const repeating = {
  first: "now",
  reads: Reads.nothing,
  succeeded: <A>(driver: { proceed(input: A): void }, value: A): void => driver.proceed(value),
  failed: undefined,
  ended: <Out>(driver: { output(): Out }, reason: string) =>
    Exit.succeed(reason === "stopped" ? undefined : driver.output())
} as const

// While runs fail, the loop follows the backoff, which begins afresh after each success.
const following = <A, E, R, Out, F>(backoff: Schedule.Schedule<unknown, E, F, R>): Looping<A, E, R, Out, F> => {
  const reads = planOf(backoff)?.reads ?? Reads.all
  let step: Step<E> | undefined
  return {
    ...repeating,
    reads: reads === Reads.nothing ? reads : reads | Reads.start,
    succeeded(driver, value) {
      step = undefined
      driver.proceed(value)
    },
    failed(driver, error, failure) {
      step ??= driver.begin(driver.planOf(backoff))
      driver.detour(step, error, failure)
    }
  }
}

export const survive: {
  <E, E2 = never, R2 = never>(
    options?: {
      readonly name?: string | undefined
      readonly onCause?: ((cause: Cause.Cause<E>) => Effect.Effect<unknown, E2, R2>) | undefined
    }
  ): <A, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A | undefined, E2, R | R2>
  <A, E, R, E2 = never, R2 = never>(
    work: Effect.Effect<A, E, R>,
    options?: {
      readonly name?: string | undefined
      readonly onCause?: ((cause: Cause.Cause<E>) => Effect.Effect<unknown, E2, R2>) | undefined
    }
  ): Effect.Effect<A | undefined, E2, R | R2>
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, E2, R2>(
  work: Effect.Effect<A, E, R>,
  options: {
    readonly name?: string | undefined
    readonly onCause?: ((cause: Cause.Cause<E>) => Effect.Effect<unknown, E2, R2>) | undefined
  } = {}
): Effect.Effect<A | undefined, E2, R | R2> =>
  Effect.catchCause(work, (cause) => {
    const logged = Effect.logError("A run failed; the loop goes on", cause)
    return Effect.andThen(
      options.name === undefined ? logged : Effect.annotateLogs(logged, "loop", options.name),
      options.onCause === undefined ? Effect.undefined : Effect.as(options.onCause(cause), undefined)
    )
  }))

export const fromAbortSignal = (signal: AbortSignal): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const abort = () => resume(Effect.void)
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })
