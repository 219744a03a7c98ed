/** Runs a loop: with its stop and its watch around it, or in virtual time. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import { Driver, type Rules, type Spec } from "./driver.ts"
import { withLoop } from "./stopping.ts"
import { CurrentRun, Watch } from "./watch.ts"

/** Wraps a loop, such as in a timeout. */
export type Around<A, E, R, In, Out, B, F> = (
  loop: Effect.Effect<B, E | F, R>,
  driver: Driver<A, E, R, In, Out, B, F>
) => Effect.Effect<B, E | F, R>

/**
 * Runs a loop, with its stop in a fiber of its own. A closure lives as long as the loop, with all that it captures: these
 * share one scope.
 */
export const run = <A, E, R, In, Out, B, F>(
  driver: Driver<A, E, R, In, Out, B, F>,
  { initialDelay = 0, stop }: Spec<A, E, R, In, Out, F>,
  around: Around<A, E, R, In, Out, B, F> = identity
): Effect.Effect<B, E | F, R> => {
  if (stop === undefined) return withWatch(driver, initialDelay, around)
  let watcher: Fiber.Fiber<unknown, F> | undefined
  return Effect.onExitPrimitive(
    Effect.withFiber((fiber) => {
      // In the runs, retries end with the stop of the loop. A forked loop has this in the context of each run.
      if (driver.rules.kind === "loop" && driver.watch?.settings === undefined) {
        fiber.setContext(withLoop(driver.context, driver))
      }
      watcher = Effect.runForkWith(driver.context)(stop)
      watcher.addObserver((exit) => driver.stop(exit))
      return withWatch(driver, initialDelay, around)
    }),
    () => {
      Fiber.getCurrent()?.setContext(driver.context)
      return watcher && Fiber.interrupt(watcher)
    }
  )
}

// A closure lives as long as the loop, with all that it captures: there is one, and it captures `watch` and `driver`.
const withWatch = <A, E, R, In, Out, B, F>(
  driver: Driver<A, E, R, In, Out, B, F>,
  initialDelay: number,
  around: Around<A, E, R, In, Out, B, F>
): Effect.Effect<B, E | F, R> => {
  const { watch } = driver
  const loop = around(driver.loop(initialDelay), driver)
  if (watch !== undefined) return Effect.onExit(loop, (exit) => watch.loopEnded(driver, exit))
  // Failures that a nested loop survives do not count for the outer loop.
  const outer = driver.rules.kind === "loop" ? Context.get(driver.context, CurrentRun) : undefined
  return outer === undefined ? loop : Effect.provideService(loop, CurrentRun, { watch: undefined, outer })
}

/** Runs a loop in this context, and watches it if it has a name. */
export const runNamed = <A, E, R, In, Out, B, F>(
  context: Context.Context<R>,
  name: string | undefined,
  rules: Rules<A, E, R, In, Out, B, F>,
  spec: Spec<A, E, R, In, Out, F>,
  around?: Around<A, E, R, In, Out, B, F>
): Effect.Effect<B, E | F, R> => {
  const watch = name === undefined ? undefined : new Watch(rules.kind, name)
  return run(new Driver(context, rules, spec, watch), spec, around)
}

// The fiber yields after this many turns, so that it can be interrupted.
const maxTurns = 20_000

/** Runs and sleeps in virtual time. Both return `passed`. A run may fail instead, which ends the loop. */
export interface Passing<E> {
  readonly passed: Exit.Exit<undefined>
  readonly run: () => Exit.Exit<undefined, E>
  readonly sleep: (millis: number) => Exit.Exit<undefined>
}

/** A loop in virtual time: a plain `for` loop. It leaves only the Effects of other libraries to `Effect.whileLoop`. */
class Simulation<E, R, In, Out, B, F> extends Driver<undefined, E, R, In, Out, B, F> {
  private readonly passing: Passing<E>
  private effect: Effect.Effect<unknown, E | F, R> | undefined = undefined

  constructor(
    context: Context.Context<R>,
    rules: Rules<undefined, E, R, In, Out, B, F>,
    spec: Spec<undefined, E, R, In, Out, F>,
    passing: Passing<E>
  ) {
    super(context, rules, spec)
    this.passing = passing
  }

  protected override runWork(): Exit.Exit<undefined, E> {
    return this.passing.run()
  }

  protected override sleep(millis: number): Exit.Exit<undefined> {
    return this.passing.sleep(millis)
  }

  override while(): boolean {
    for (let i = 0; i < maxTurns; i++) {
      if (!super.while()) return false
      const effect = super.body()
      if (effect !== this.passing.passed) {
        this.effect = effect
        return true
      }
      super.step(undefined)
    }
    this.effect = undefined
    return true
  }

  override body(): Effect.Effect<unknown, E | F, R> {
    return this.effect ?? Effect.yieldNow
  }

  override step(result: unknown): void {
    if (this.effect !== undefined) super.step(result)
  }
}

/** Runs a loop in virtual time. */
export const simulate = <E, R, In, Out, B, F>(
  context: Context.Context<R>,
  rules: Rules<undefined, E, R, In, Out, B, F>,
  spec: Spec<undefined, E, R, In, Out, F>,
  passing: Passing<E>
): Effect.Effect<B, E | F, R> => new Simulation(context, rules, spec, passing).loop()
