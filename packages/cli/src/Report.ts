/** Messages about the runs, on stderr: stdout belongs to the command. */
import * as Loop from "effect-wait/Loop"
import * as Period from "effect-wait/Period"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Conclusion, Run, Verdict } from "./Outcome.ts"
import { format } from "./Time.ts"

/** Where it is written. `columns` is 0 where that is no terminal. */
export const Output = Context.Reference<{
  readonly columns: () => number
  readonly write: (text: string) => void
}>("@effect-wait/cli/Output", {
  defaultValue: () => ({
    columns: () => process.stderr.isTTY ? process.stderr.columns : 0,
    write: (text) => process.stderr.write(text)
  })
})

/**
 * - `begins`: a command is about to write to the terminal
 * - `waits`: the next run begins after the delay, in milliseconds; `last` is undefined before the first
 * - `over`: there is no next run
 */
export interface Report {
  readonly begins: Effect.Effect<void>
  readonly waits: (last: Run | undefined, delay: number, missed: number) => Effect.Effect<void>
  readonly over: (verdict: Verdict, conclusion: Conclusion) => Effect.Effect<void>
}

const missing = (missed: number): string => missed === 0 ? "" : `, ${missed} missed`

const describe = ({ outcome, run, took }: Run): string =>
  `run ${run}: ${outcome.what} after ${format(Math.round(took))}`

const counted = (n: number): string => `${n} ${n === 1 ? "run" : "runs"}`

const ending = ({ elapsed, missed, runs }: Verdict, { waitingFor = [], what }: Conclusion): string =>
  `${what}${waitingFor.length === 0 ? "" : `, waiting for ${waitingFor.join(", ")};`} after ${counted(runs)} in ${
    format(Math.round(elapsed))
  }${missing(missed)}`

const next = (delay: number, shown = format(Math.round(delay))): string =>
  delay === Infinity ? "next never" : `next in ${shown}`

// Runs without a message so far: the last run, and an interrupted one.
const untold = ({ last, runs }: Verdict, toldOf: number): string => {
  const told = last === undefined || last.run <= toldOf ? "" : `${describe(last)}; `
  return runs > (last?.run ?? 0) ? `${told}run ${runs} was cut; ` : told
}

/** Says something that is not about a run. */
export const tell = (text: string): Effect.Effect<void> =>
  Effect.map(Output, ({ write }) => write(`effect-wait: ${text}\n`))

/** A line for each run. */
export const lines = (): Report => {
  let toldOf = 0
  return {
    begins: Effect.void,
    waits: (last, delay, missed) =>
      Effect.suspend(() => {
        toldOf = last?.run ?? 0
        return tell(`${last === undefined ? "" : `${describe(last)}, `}${next(delay)}${missing(missed)}`)
      }),
    over: (verdict, conclusion) => Effect.suspend(() => tell(untold(verdict, toldOf) + ending(verdict, conclusion)))
  }
}

const log = (entry: object) =>
  Effect.map(Effect.all([Output, DateTime.now]), ([{ write }, now]) => {
    write(`${JSON.stringify({ time: DateTime.formatIso(now), ...entry })}\n`)
  })

/** A line of JSON for each run, and one for the end. Times are in milliseconds. */
export const json = (): Report => {
  let toldOf = 0
  const run = (
    { outcome: { code, what }, run, took }: Run,
    next?: { readonly nextIn: number; readonly missed: number }
  ) => {
    toldOf = run
    return log({ event: "run", run, code, what, took: Math.round(took), ...next })
  }
  return {
    begins: Effect.void,
    waits: (last, delay, missed) => last === undefined ? Effect.void : run(last, { nextIn: Math.round(delay), missed }),
    over: ({ elapsed, last, missed, runs }, conclusion) =>
      Effect.andThen(
        last !== undefined && last.run > toldOf ? run(last) : Effect.void,
        log({ event: "end", ...conclusion, runs, elapsed: Math.round(elapsed), missed })
      )
  }
}

/** Nothing but why it failed in the end. Who stops it has a reason. */
export const quiet = (report: Report): Report => ({
  begins: Effect.void,
  waits: () => Effect.void,
  over: (verdict, conclusion) =>
    conclusion.code === 0 || verdict.reason.startsWith("SIG") ? Effect.void : report.over(verdict, conclusion)
})

// It is counted down in tenths of a second at last.
const left = (millis: number): string => millis < 10_000 ? `${(millis / 1000).toFixed(1)}s` : format(millis)

/** One line that lives between the runs, and what remains of it at the end. */
export const live: Effect.Effect<Report, never, Scope.Scope> = Effect.gen(function*() {
  const { columns, write } = yield* Output
  const scope = yield* Effect.scope
  let drawing: Fiber.Fiber<unknown> | undefined
  let isDirty = false
  const erase = Effect.suspend(() => {
    if (drawing === undefined) return Effect.void
    const erased = Effect.map(Fiber.interrupt(drawing), () => write("\r\x1b[K"))
    drawing = undefined
    return erased
  })
  // A command may have left the cursor behind some text: as many spaces as there are columns end on a line of their own,
  // or on this one when that is empty.
  const freshLine = Effect.sync(() => {
    if (isDirty) write(`${" ".repeat(columns())}\r`)
    isDirty = false
  })
  const draw = (text: string, until: number) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const delay = Math.max(0, until - now)
      const line = `effect-wait: ${text}${next(delay, left(delay))}`
      write(`\r${line.slice(0, columns() - 1)}\x1b[K`)
    })
  return {
    begins: Effect.map(erase, () => {
      isDirty = true
    }),
    waits: Effect.fnUntraced(function*(last, delay, missed) {
      yield* erase
      yield* freshLine
      const until = delay + (yield* Clock.currentTimeMillis)
      const text = last === undefined ? "" : `${describe(last)}${missing(missed)}, `
      drawing = yield* Loop.run(draw(text, until), Period.ticker(delay > 10_000 ? "1 second" : "100 millis")).pipe(
        Effect.forkIn(scope)
      )
    }),
    over: Effect.fnUntraced(function*(verdict, conclusion) {
      yield* erase
      yield* freshLine
      write(`effect-wait: ${untold(verdict, 0)}${ending(verdict, conclusion)}\n`)
    })
  }
})
