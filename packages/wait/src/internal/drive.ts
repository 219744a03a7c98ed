/** Runs a job: bare, or watched. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import { type Control, Driver, type Job, makeControl, stop, type Task } from "./driver.ts"
import { begun, CurrentRun, finished, makeWatch, type Watch } from "./watch.ts"

/** Puts something around a loop. */
export type Around<A, E, R, In, Out, B, F> = (
  loop: Effect.Effect<B, E | F, R>,
  driver: Driver<A, E, R, In, Out, B, F>
) => Effect.Effect<B, E | F, R>

/** Runs a job. `around` sees the driver, and may put something around the loop. */
export const drive = <A, E, R, In, Out, B, F>(
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  around: Around<A, E, R, In, Out, B, F> = identity
): Effect.Effect<B, E | F, R> => {
  const { stop: stopping } = job
  // What a loop in a run of another one survives is none of the other's business.
  const begin = (context: Context.Context<R>, driver: Driver<A, E, R, In, Out, B, F>): Effect.Effect<B, E | F, R> => {
    const loop = around(driver.run(), driver)
    const outer = Context.get(context, CurrentRun)
    return task.kind === "loop" && job.control?.watch === undefined && outer !== undefined
      ? Effect.provideService(loop, CurrentRun, { watch: undefined, outer })
      : loop
  }
  if (stopping === undefined) {
    return Effect.contextWith((context: Context.Context<R>) => begin(context, new Driver(task, job, context)))
  }
  return Effect.uninterruptibleMask((restore) =>
    Effect.contextWith((context: Context.Context<R>) => {
      const driver = new Driver(task, job, context)
      const watcher = Effect.runForkWith(context)(stopping)
      watcher.addObserver((exit) => driver.control && stop(driver.control, exit))
      const loop = Effect.suspend(() => begin(context, driver))
      return Effect.onExit(restore(loop), () => Fiber.interrupt(watcher))
    })
  )
}

/** Runs a job that is watched. */
export const driveWatched = <A, E, R, In, Out, B, F>(
  control: Control<F, Watch>,
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  around: Around<A, E, R, In, Out, B, F> = identity
): Effect.Effect<B, E | F, R> =>
  drive(task, { ...job, control }, (loop, driver) =>
    Effect.onExit(
      Effect.suspend(() => {
        begun(control.watch, driver)
        return around(loop, driver)
      }),
      (exit) => Effect.sync(() => finished(control.watch, driver, exit))
    ))

/** Runs a job, and watches it where it has a name. */
export const driveNamed = <A, E, R, In, Out, B, F>(
  name: string | undefined,
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  around?: Around<A, E, R, In, Out, B, F>
): Effect.Effect<B, E | F, R> =>
  name === undefined
    ? drive(task, job, around)
    : Effect.suspend(() =>
      driveWatched(makeControl<F, Watch>(job.stop !== undefined, makeWatch(task.kind, name)), task, job, around)
    )
