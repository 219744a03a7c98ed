/** Runs a job: bare, watched, or in place. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import { Driver, type Job, makeControl, stop, type Task } from "./driver.ts"
import { begun, CurrentRun, finished, makeWatch, type Watch } from "./watch.ts"

/** Puts something around a loop. */
export type Around<A, E, R, In, Out, B, F> = (
  loop: Effect.Effect<B, E | F, R>,
  driver: Driver<A, E, R, In, Out, B, F>
) => Effect.Effect<B, E | F, R>

// These are no closures in what follows, as those would be held for as long as the loop lives.
const watched = <A, E, R, In, Out, B, F>(
  watch: Watch,
  driver: Driver<A, E, R, In, Out, B, F>,
  loop: Effect.Effect<B, E | F, R>
): Effect.Effect<B, E | F, R> => {
  begun(watch, driver)
  return Effect.onExit(loop, (exit) => Effect.sync(() => finished(watch, driver, exit)))
}

const begin = <A, E, R, In, Out, B, F>(
  driver: Driver<A, E, R, In, Out, B, F>,
  around: Around<A, E, R, In, Out, B, F>
): Effect.Effect<B, E | F, R> => {
  const loop = around(driver.run(), driver)
  const watch = driver.control?.watch
  if (watch !== undefined) return watched(watch, driver, loop)
  // What a loop in a run of another one survives is none of the other's business.
  const outer = driver.task.kind === "loop" ? Context.get(driver.context, CurrentRun) : undefined
  return outer === undefined ? loop : Effect.provideService(loop, CurrentRun, { watch: undefined, outer })
}

/** Runs a job in this context. `around` sees the driver, and may put something around the loop. */
export const drive = <A, E, R, In, Out, B, F>(
  context: Context.Context<R>,
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  around: Around<A, E, R, In, Out, B, F> = identity
): Effect.Effect<B, E | F, R> => {
  const { stop: stopping } = job
  return stopping === undefined
    ? begin(new Driver(task, job, context), around)
    : Effect.uninterruptibleMask((restore) => {
      const driver = new Driver(task, job, context)
      const watcher = Effect.runForkWith(context)(stopping)
      watcher.addObserver((exit) => driver.control && stop(driver.control, exit))
      return Effect.onExit(restore(Effect.suspend(() => begin(driver, around))), () => Fiber.interrupt(watcher))
    })
}

/** Runs a job, and watches it where it has a name. */
export const driveNamed = <A, E, R, In, Out, B, F>(
  context: Context.Context<R>,
  name: string | undefined,
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  around?: Around<A, E, R, In, Out, B, F>
): Effect.Effect<B, E | F, R> => {
  if (name === undefined) return drive(context, task, job, around)
  const control = makeControl<F, Watch>(job.stop !== undefined, makeWatch(task.kind, name))
  return drive(context, task, { ...job, control }, around)
}

// So many steps are made in place before the fiber yields, so that it can be interrupted.
const steps = 1000

/**
 * Runs a job whose runs and delays take no time: the driver takes these steps before it says whether the loop goes on, and
 * `Effect.whileLoop` is left with the Effects of the schedule.
 */
export const driveInPlace = <A, E, R, In, Out, B, F>(
  context: Context.Context<R>,
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  { pass, run }: { readonly run: () => Exit.Exit<A, E>; readonly pass: (millis: number) => void }
): Effect.Effect<B, E | F, R> => {
  const driver = new Driver(task, job, context)
  const isInPlace = (): boolean => driver.phase !== "stepping"
  const step = (): void => {
    if (driver.phase === "running") {
      const exit = run()
      if (Exit.isSuccess(exit)) driver.step(exit.value)
      else driver.failed(exit.cause)
    } else {
      pass(Number(driver.delay))
      driver.step(undefined)
    }
  }
  driver.start()
  const loop = Effect.whileLoop({
    while() {
      for (let i = 0; i < steps && driver.while() && isInPlace(); i++) step()
      return driver.while()
    },
    body: () => isInPlace() ? Effect.yieldNow : driver.body(),
    step(value) {
      if (!isInPlace()) driver.step(value) // else it has only yielded
    }
  })
  return Effect.andThen(loop, driver)
}
