import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import type { NoInfer } from "effect/Types"
import * as args from "./internal/args.ts"
import { poll } from "./internal/poll.ts"
import type { WaitTimeout } from "./WaitTimeout.ts"

export interface Options<E, SE = never, SR = never> {
  readonly immediate?: boolean | undefined
  readonly timeout?: Duration.Input | undefined
  readonly tolerate?: Predicate.Predicate<E> | undefined
  readonly stop?: Effect.Effect<unknown, SE, SR> | undefined
}

export const until: {
  <A, B extends A, E, ES, RS, SE = never, SR = never>(
    schedule: Schedule.Schedule<unknown, NoInfer<A> | undefined, ES, RS>,
    options: Options<NoInfer<E>, SE, SR> & { readonly accept: Predicate.Refinement<A, B> }
  ): <R>(check: Effect.Effect<A, E, R>) => Effect.Effect<B, E | ES | SE | WaitTimeout<A, E>, R | RS | SR>
  <A, E, ES, RS, SE = never, SR = never>(
    schedule: Schedule.Schedule<unknown, NoInfer<A> | undefined, ES, RS>,
    options: Options<NoInfer<E>, SE, SR> & { readonly accept: Predicate.Predicate<A> }
  ): <R>(check: Effect.Effect<A, E, R>) => Effect.Effect<A, E | ES | SE | WaitTimeout<A, E>, R | RS | SR>
  <E, ES, RS, SE = never, SR = never>(
    schedule: Schedule.Schedule<unknown, boolean | undefined, ES, RS>,
    options?: Options<NoInfer<E>, SE, SR> & { readonly accept?: undefined }
  ): <R>(check: Effect.Effect<boolean, E, R>) => Effect.Effect<true, E | ES | SE | WaitTimeout<boolean, E>, R | RS | SR>
  <A, B extends A, E, R, ES, RS, SE = never, SR = never>(
    check: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<A> | undefined, ES, RS>,
    options: Options<NoInfer<E>, SE, SR> & { readonly accept: Predicate.Refinement<A, B> }
  ): Effect.Effect<B, E | ES | SE | WaitTimeout<A, E>, R | RS | SR>
  <A, E, R, ES, RS, SE = never, SR = never>(
    check: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<A> | undefined, ES, RS>,
    options: Options<NoInfer<E>, SE, SR> & { readonly accept: Predicate.Predicate<A> }
  ): Effect.Effect<A, E | ES | SE | WaitTimeout<A, E>, R | RS | SR>
  <E, R, ES, RS, SE = never, SR = never>(
    check: Effect.Effect<boolean, E, R>,
    schedule: Schedule.Schedule<unknown, boolean | undefined, ES, RS>,
    options?: Options<NoInfer<E>, SE, SR> & { readonly accept?: undefined }
  ): Effect.Effect<true, E | ES | SE | WaitTimeout<boolean, E>, R | RS | SR>
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, F>(
  check: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, A | undefined, F, R>,
  options: Options<E, F, R> & { readonly accept?: Predicate.Predicate<A> | undefined } = {}
): Effect.Effect<A, E | F | WaitTimeout<A, E>, R> =>
  Effect.suspend(() =>
    poll({
      check,
      schedule: args.schedule("Poll.until: schedule", schedule),
      accept: options.accept ?? ((value) => value === true),
      tolerate: options.tolerate,
      first: options.immediate === false ? "later" : "now",
      stop: options.stop,
      timeout: args.duration("Poll.until: timeout", options.timeout ?? Infinity),
      exhausted: "exhausted"
    })
  ))
