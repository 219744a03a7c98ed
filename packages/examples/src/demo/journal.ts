/** A journal of runs: a line for each as it ends; in the end a timeline and a summary. */
import { Cause, Clock, Console, Context, Duration, Effect, Exit, Layer, Logger, Ref, Schedule } from "effect"
import { Timeline } from "effect-wait"
import { styleText } from "node:util"

interface Run extends Timeline.Run {
  /** True start minus planned start; undefined where a run has no plan, as the first one. */
  readonly late: number | undefined
  readonly retries: number
  readonly failed: boolean
}

/** A Timeline in the making. */
interface Recording extends Timeline.Timeline {
  readonly name: string
  readonly runs: Array<Run>
  outcome: Timeline.Timeline["outcome"]
}

/** What writes down the runs of one loop. */
export interface Lane {
  /** Notes a run, and what it came to. */
  readonly run: <A>(describe: (value: A) => string) => <E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Notes the planned start of the next run: the delay that the schedule gives, from the moment that it gives it. */
  readonly planned: Tap
  /** Notes a retry within a run. */
  readonly retried: Effect.Effect<void>
  /** Notes that the loop came to its own end, not to a stop. */
  readonly done: Effect.Effect<void>
}

type Tap = <Out, In, E, R>(self: Schedule.Schedule<Out, In, E, R>) => Schedule.Schedule<Out, In, E, R>

export class Journal extends Context.Service<Journal, {
  readonly lane: (name: string) => Effect.Effect<Lane>
  /** Writes what is to be seen, and the head of the columns. */
  readonly open: (about: string) => Effect.Effect<void>
  /** Writes a line that is not about a run. */
  readonly note: (name: string, text: string) => Effect.Effect<void>
  /** Writes the timeline and the summary. */
  readonly close: Effect.Effect<void>
}>()("examples/Journal") {
  static readonly layer = Layer.effect(
    Journal,
    Effect.gen(function*() {
      const origin = yield* Clock.monotonicTimeNanos
      const millis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos - origin) / 1_000_000)
      const lanes: Array<Recording> = []

      const lane = Effect.fnUntraced(function*(name: string): Effect.fn.Return<Lane> {
        const lane: Recording = { name, runs: [], outcome: "cut" }
        lanes.push(lane)
        const planned = yield* Ref.make<number | undefined>(undefined)
        const retries = yield* Ref.make(0)

        const ended = Effect.fnUntraced(function*(start: number, what: string, failed: boolean) {
          const plan = yield* Ref.getAndSet(planned, undefined)
          const run: Run = {
            start,
            end: yield* millis,
            late: plan === undefined ? undefined : start - plan,
            retries: yield* Ref.getAndSet(retries, 0),
            failed
          }
          lane.runs.push(run)
          yield* Console.log(runLine(name, what, run))
        })

        return {
          run: (describe) => (work) =>
            Effect.flatMap(millis, (start) =>
              Effect.onExit(work, (exit) =>
                Exit.isSuccess(exit)
                  ? ended(start, describe(exit.value), false)
                  : ended(start, Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "failed", true))),
          planned: Schedule.tap(({ duration }) =>
            Effect.flatMap(millis, (now) => Ref.set(planned, now + Duration.toMillis(duration)))
          ),
          retried: Ref.update(retries, (n) => n + 1),
          done: Effect.sync(() => {
            lane.outcome = "done"
          })
        }
      })

      return Journal.of({
        lane,
        open: (about) => Console.log(`${about}\n\n${head}`),
        note: (name, text) => Effect.flatMap(millis, (now) => Console.log(noteLine(now, name, text))),
        close: Effect.suspend(() =>
          Console.log([
            "",
            Timeline.render(Object.fromEntries(lanes.map((lane) => [lane.name, lane]))),
            styleText("dim", "[==] a run   | a short run   . none"),
            "",
            summaryHead,
            ...lanes.map(({ name, runs }) => summaryLine(name, runs))
          ].join("\n"))
        )
      })
    })
  )
}

const cells = (time: string, loop: string, what: string, took: string, late: string): string =>
  `${time.padStart(8)}  ${loop.padEnd(7)}  ${what.padEnd(36)}${took.padStart(8)}${late.padStart(12)}`.trimEnd()

const seconds = (millis: number): string => `${(millis / 1000).toFixed(2)} s`

const lateness = (millis: number | undefined): string => {
  if (millis === undefined) return "-"
  const tenths = Math.round(millis * 10)
  return `${tenths < 0 ? "-" : "+"}${(Math.abs(tenths) / 10).toFixed(1)} ms`
}

const plural = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`

const head = styleText("dim", cells("start", "loop", "run", "took", "lateness"))

const runLine = (loop: string, what: string, { end, failed, late, retries, start }: Run): string => {
  const outcome = retries === 0 ? what : `${what} after ${plural(retries, "retry", "retries")}`
  const line = cells(seconds(start), loop, outcome, `${Math.round(end - start)} ms`, lateness(late))
  return failed ? styleText("red", line) : retries > 0 ? styleText("yellow", line) : line
}

const noteLine = (now: number, name: string, text: string): string =>
  styleText("bold", cells(seconds(now), name, text, "", ""))

const summaryHead = styleText("dim", "loop     runs  failed  retries  mean lateness  max lateness")

const summaryLine = (name: string, runs: ReadonlyArray<Run>): string => {
  const late = runs.flatMap((run) => run.late ?? [])
  const mean = late.length === 0 ? undefined : late.reduce((sum, millis) => sum + millis, 0) / late.length
  const max = late.length === 0 ? undefined : Math.max(...late)
  return [
    name.padEnd(7),
    `${runs.length}`.padStart(4),
    `${runs.filter((run) => run.failed).length}`.padStart(6),
    `${runs.reduce((sum, run) => sum + run.retries, 0)}`.padStart(7),
    lateness(mean).padStart(13),
    lateness(max).padStart(12)
  ].join("  ")
}

/** Writes a log entry as a line under the run that it is about. */
export const layerLogger = Logger.layer([
  Logger.make(({ cause, message }) => {
    const errors = Cause.prettyErrors(cause).map((error) => error.message)
    return styleText("red", cells("", "", [String(message), ...errors].join(": "), "", ""))
  }).pipe(Logger.withConsoleLog)
])
