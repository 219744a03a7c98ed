/** The output of effect-wait itself. Node's own stream loses output on a full disk without an error. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as Runtime from "effect/Runtime"
import { writeSync } from "node:fs"

/** What is printed or drawn could not be written: `EX_IOERR` of sysexits.h. */
export class NotWritten extends Data.TaggedError("NotWritten")<{ readonly what: string; readonly why: string }> {
  override readonly [Runtime.errorExitCode] = 74
  override readonly [Runtime.errorReported] = false
}

const pause = new Int32Array(new SharedArrayBuffer(4))

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error)

/** The system's name for an error of the disk, such as ENOSPC; none where the path is wrong. */
export const diskError = ({ _tag, cause }: PlatformError["reason"]): string | undefined =>
  _tag === "Unknown" ? codeOf(cause) : undefined

// How much was written. A pipe that others have made non-blocking may be full for a while.
const some = (bytes: Uint8Array): Effect.Effect<number, string> =>
  Effect.catch(
    Effect.try({ try: () => writeSync(1, bytes), catch: codeOf }),
    (code) => code === "EAGAIN" ? Effect.sync(() => (Atomics.wait(pause, 0, 0, 5), 0)) : Effect.fail(code)
  )

/** A closed pipe is no error. */
export const write = (text: string): Effect.Effect<void, NotWritten> =>
  Effect.gen(function*() {
    let left: Uint8Array = Buffer.from(text)
    while (left.length > 0) left = left.subarray(yield* some(left))
  }).pipe(
    Effect.catch((why) => why === "EPIPE" ? Effect.void : Effect.fail(new NotWritten({ what: "stdout", why })))
  )
