import * as Data from "effect/Data"

/**
 * A store that cannot be used, or what it has under the name of a loop is no memory of that loop.
 *
 * - `name`: the name of the loop
 * - `key`: where the store has the memory, such as a file
 * - `reason`: `"unavailable"`: the store is away, and the loop tries again; `"unreadable"`: the store has something else
 * - `cause`: the error of the store
 *
 * @category errors
 * @since 0.1.0
 */
export class LoopStoreError extends Data.TaggedError("LoopStoreError")<{
  readonly name: string
  readonly key: string
  readonly reason: "unavailable" | "unreadable"
  readonly message: string
  readonly cause?: unknown
}> {}
