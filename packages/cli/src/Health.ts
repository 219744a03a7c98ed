/** A file with the state of a loop, for a liveness probe, a monitor or `find -mmin`. */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import type { Run } from "./Outcome.ts"
import * as Redact from "./Redact.ts"
import { type Report, tell } from "./Report.ts"
import { diskError } from "./Stdout.ts"

const iso = (millis: number): string | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(millis), DateTime.formatIso))

/** The file cannot be written; `isOfDisk` if the disk is the cause, and not the path. */
export class NotWritable
  extends Data.TaggedError("NotWritable")<{ readonly why: string; readonly isOfDisk: boolean }>
{}

const notWritable = (reason: PlatformError["reason"]): NotWritable => {
  const why = diskError(reason)
  return new NotWritable({ why: why ?? reason._tag, isOfDisk: why !== undefined })
}

/**
 * A report that keeps the file as well. Its content is JSON; its time is that of the last run that succeeded, and the loop's
 * beginning before that. It is replaced atomically, so a reader never gets half of it.
 *
 * It fails if the file cannot be written at the start. Later a failure is only reported.
 */
export const keep = Effect.fnUntraced(function*(path: string, report: Report) {
  const files = yield* FileSystem.FileSystem
  // Behind a symlink, with the rights that it has.
  const target = yield* Effect.orElseSucceed(files.realPath(path), () => path)
  const begun = yield* Clock.currentTimeMillis
  const { mode, type } = yield* Effect.orElseSucceed(
    files.stat(target),
    () => ({ type: "File" as const, mode: undefined })
  )
  const hasName = path !== "" && path !== "-"
  if (!hasName || type !== "File") return yield* new NotWritable({ why: hasName ? type : "no name", isOfDisk: false })
  let lastSuccess: number | undefined
  let failures = 0
  let consecutiveFailures = 0
  let counted = 0
  const count = (last: Run | undefined, now: number) => {
    if (last === undefined || last.run === counted) return
    counted = last.run
    if (last.outcome.code === 0) {
      lastSuccess = now
      consecutiveFailures = 0
    } else {
      failures++
      consecutiveFailures++
    }
  }
  const write = Effect.fnUntraced(function*(
    state: "waiting" | "running" | "ended",
    { delay, last, missed, runs }: {
      readonly runs: number
      readonly last: Run | undefined
      readonly missed: number
      readonly delay?: number
    }
  ) {
    const now = yield* Clock.currentTimeMillis
    count(last, now)
    const content = {
      state,
      runs,
      failures,
      consecutiveFailures,
      missed,
      lastRun: last && {
        run: last.run,
        code: last.outcome.code,
        what: last.outcome.what,
        took: Math.round(last.took)
      },
      lastSuccess: lastSuccess === undefined ? undefined : iso(lastSuccess),
      nextStart: delay === undefined ? undefined : iso(now + delay)
    }
    const whole = `${target}.${process.pid}.tmp`
    const time = (lastSuccess ?? begun) / 1000
    yield* files.writeFileString(whole, `${JSON.stringify(content, undefined, 2)}\n`).pipe(
      Effect.andThen(files.utimes(whole, time, time)),
      Effect.andThen(mode === undefined ? Effect.void : files.chmod(whole, mode & 0o7777)),
      Effect.andThen(files.rename(whole, target)),
      Effect.onError(() => Effect.ignore(files.remove(whole))),
      Effect.mapError(({ reason }) => notWritable(reason))
    )
  })
  const told = Effect.catch(({ why }: NotWritable) => tell(`--health ${Redact.word(path)} cannot be written: ${why}`))
  let before: { readonly last: Run | undefined; readonly missed: number } = { last: undefined, missed: 0 }
  yield* write("waiting", { runs: 0, ...before })
  return {
    begins: Effect.andThen(
      Effect.suspend(() => told(write("running", { runs: (before.last?.run ?? 0) + 1, ...before }))),
      report.begins
    ),
    waits: (last, delay, missed) => {
      before = { last, missed }
      return Effect.andThen(
        told(write("waiting", { runs: last?.run ?? 0, last, missed, delay })),
        report.waits(last, delay, missed)
      )
    },
    over: (verdict, conclusion) => Effect.andThen(told(write("ended", verdict)), report.over(verdict, conclusion))
  } satisfies Report
})
