/**
 * A fence refuses the writes of a former owner: it keeps a fencing token in the database of the writes.
 *
 * After a pause (a stopped container, a long garbage collection) a runner continues where it was, before it
 * finds that another runner has taken over. No lock can prevent that. The database of the writes can.
 *
 * ```text
 * runner a  begin: token 7 ──[guard]── paused ············ [guard]x StaleTerm { token: 7n, current: 8n }
 * runner b                                begin: token 8 ──[guard]────[guard]──>
 * ```
 *
 * **What is promised.** No write is accepted after a write with a newer token. So a runner that was paused after `begin`
 * writes nothing after the next owner has called `begin`. A token is as durable as the
 * database: if a fail-over or a backup loses commits, a token may come twice.
 *
 * **What is not promised.** A runner that was paused between the start of its term and `begin` takes a newer token than the owner. Its next
 * writes are accepted, until it finds that it is no longer the owner. Meanwhile the owner is refused, and takes a new token with its next `begin`. From
 * then on the former owner is refused. Tokens always grow. So call `begin` first, and then do the work.
 *
 * A loop with a memory in a database already has a fence: `ClusterLoop.guard` checks it and completes the slot of the run. Use a `Fence` for several writes
 * a run, and for another database.
 *
 * The token is Martin Kleppmann's, in "How to do distributed locking".
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as args from "./internal/args.ts"
import { idleTimeout, inTransaction, isOpen } from "./internal/transaction.ts"
import { CurrentTerm, type Term } from "./Term.ts"

/**
 * A newer term has started: nothing was written.
 *
 * - `fence`: the name of the fence
 * - `token`: the token of the refused write
 * - `current`: the newest token; 0 if its row was deleted
 * - `owner`: the owner of the newest token
 *
 * **Example** (Its message)
 *
 * ```ts
 * import { Fence } from "@effect-wait/cluster"
 *
 * const error = new Fence.StaleTerm({ fence: "sync", token: 7n, current: 8n, owner: "b:34431" })
 *
 * error.message.split(":")[0] // => "Nothing was written"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class StaleTerm extends Data.TaggedError("StaleTerm")<{
  readonly fence: string
  readonly token: bigint
  readonly current: bigint
  readonly owner: string
  readonly message: string
}> {
  constructor(options: {
    readonly fence: string
    readonly token: bigint
    readonly current: bigint
    readonly owner: string
  }) {
    const { current, fence, owner, token } = options
    super({
      ...options,
      message:
        `Nothing was written: the term with token ${token} of the fence "${fence}" is over, "${owner}" has begun the one ` +
        `with token ${current}. Stop working; if this runner is still the owner, begin again.`
    })
  }
}

/**
 * A token, and the writes that are accepted while it is the newest.
 *
 * - `fence`: the name of the fence
 * - `owner`: the runner that took the token
 * - `token`: 1 or more, greater than all earlier tokens; you can store it in the rows that you write
 * - `guard`: as for `Fence`
 *
 * @category models
 * @since 0.1.0
 */
export interface FencedTerm {
  readonly fence: string
  readonly owner: string
  readonly token: bigint
  readonly guard: <A, E, R>(write: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError | StaleTerm, R>
}

/**
 * The fence of one loop.
 *
 * - `begin`: takes a token for `Term.CurrentTerm`, at the start of a run. In the later runs of that term it does nothing, unless
 *   its token was refused: then it takes a new token, because a runner that runs again is still the owner, as far as it can see
 * - `guard`: runs a write in a transaction, in which the token of the current term cannot become stale. If the token is stale, it fails with a
 *   `StaleTerm` until the next `begin`. An error, a defect or an interruption of the write rolls the transaction back,
 *   and is the result. Inside of an open transaction, the guard is a savepoint, and the token is held until the outer transaction ends
 * - `take`: takes a new token for any owner, outside of a `ClusterLoop`
 *
 * `begin` and `take` wait until the guarded writes of the term before have ended. They die with an `IllegalArgumentError` in
 * a transaction, because its rollback would give out the token twice. `begin` and `guard` also die without a current term, and
 * `guard` without an earlier `begin`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fence {
  readonly name: string
  readonly begin: Effect.Effect<FencedTerm, SqlError>
  readonly guard: <A, E, R>(write: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError | StaleTerm, R>
  readonly take: (options: { readonly owner: string }) => Effect.Effect<FencedTerm, SqlError>
}

interface Row {
  readonly token: bigint | number | string
  readonly owner: string
}

const illegal = (message: string): Effect.Effect<never> => Effect.die(new Cause.IllegalArgumentError(message))

// What Postgres can count to, in milliseconds.
const longest = 2 ** 31 - 1

// What each term has begun, by client and name: a run that makes its fence anew has not begun anew.
const begun = new WeakMap<Term, Map<string, FencedTerm>>()

const refused = new WeakSet<FencedTerm>()

interface Dialect {
  readonly prepare: Effect.Effect<unknown, SqlError>
  readonly check: Effect.Effect<ReadonlyArray<Row>, SqlError>
}

/**
 * A fence over `SqlClient`, for Postgres and SQLite. It creates the table `effect_wait_fences` if it is missing.
 *
 * - `name`: the name of the fence. Each loop needs its own: two loops with the same fence refuse each other
 * - `idleTimeout`: how long a guarded transaction may stand still between two statements before Postgres rolls it back, and
 *   ends its connection. A runner that is paused inside a write blocks the next owner for at most this time. Default 5 seconds
 *
 * A guard costs one SQL statement more than its transaction.
 *
 * Fails with a `SqlError`. Dies with an `IllegalArgumentError` for an empty name, a bad timeout, and other databases.
 *
 * **Gotchas**
 *
 * The write must use this `SqlClient`: the fence does not protect writes with another client. Do slow work outside
 * of the guard, and only write inside it. Never delete a row of the table: its tokens would start again.
 *
 * **Example** (A row that only the owner writes)
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import { Period } from "effect-wait"
 * import { ClusterLoop, Fence } from "@effect-wait/cluster"
 * import { SqlClient } from "effect/sql"
 *
 * const measure = Effect.succeed(21)
 *
 * const run = Effect.gen(function*() {
 *   const sql = yield* SqlClient.SqlClient
 *   const fence = yield* Fence.make("reconcile")
 *   const { guard, token } = yield* fence.begin
 *   const degrees = yield* measure
 *   yield* guard(sql`INSERT INTO measured (token, degrees) VALUES (${token}, ${degrees})`)
 * })
 *
 * const Reconcile = ClusterLoop.layer(run, Period.nonSliding("1 minute"), { name: "reconcile" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  name: string,
  options?: { readonly idleTimeout?: Duration.Input | undefined }
): Effect.fn.Return<Fence, SqlError, SqlClient.SqlClient> {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  const idle = Option.match(Duration.fromInput(options?.idleTimeout ?? idleTimeout), {
    onNone: () => NaN,
    onSome: (duration) => Math.ceil(Duration.toMillis(duration))
  })
  if (name === "") return yield* Effect.die(args.illegal("Fence.make: name", name, "a string that is not empty"))
  if (!(idle > 0 && idle <= longest)) {
    const allowed = "a duration longer than 0, and at most 24 days"
    return yield* Effect.die(args.illegal("Fence.make: idleTimeout", options?.idleTimeout, allowed))
  }

  const create = sql`CREATE TABLE IF NOT EXISTS effect_wait_fences (
    name TEXT PRIMARY KEY, token BIGINT NOT NULL, owner TEXT NOT NULL, taken_at TIMESTAMPTZ NOT NULL
  )`
  const dialect = sql.onDialectOrElse({
    pg: (): Dialect => ({
      // Looked for first: not every role may create tables. Of two that create it at once, Postgres lets one fail.
      prepare: sql<{ found: boolean }>`SELECT to_regclass('effect_wait_fences') IS NOT NULL AS found`.pipe(
        Effect.flatMap((rows) => Effect.when(create, Effect.succeed(rows[0]?.found !== true))),
        Effect.retry({ times: 3 })
      ),
      // The shared lock lets other writes of this term go on, and makes the next take wait for the end of this transaction.
      check: sql<Row>`SELECT token, owner, set_config('idle_in_transaction_session_timeout', ${String(idle)}, true)
        FROM effect_wait_fences WHERE name = ${name} FOR SHARE`
    }),
    sqlite: (): Dialect => ({
      prepare: create,
      // One transaction writes at a time: this one, from here on.
      check: sql<Row>`UPDATE effect_wait_fences SET token = token WHERE name = ${name} RETURNING token, owner`
    }),
    orElse: () => undefined
  })
  if (dialect === undefined) {
    return yield* illegal(`Fence.make works on Postgres and SQLite, and not with the driver "${sql.driver}"`)
  }
  const { check, prepare } = dialect
  yield* prepare

  const fenced = (owner: string, token: bigint): FencedTerm => {
    const hold = Effect.flatMap(check, ([row]) => {
      const current = row === undefined ? 0n : BigInt(row.token)
      if (current === token) return Effect.void
      refused.add(term)
      return Effect.fail(new StaleTerm({ fence: name, token, current, owner: row?.owner ?? "nobody" }))
    })
    const term: FencedTerm = {
      fence: name,
      owner,
      token,
      guard: (write) => inTransaction(sql, Effect.andThen(hold, write))
    }
    return term
  }

  const take: Fence["take"] = Effect.fnUntraced(function*({ owner }) {
    if (yield* isOpen(sql)) {
      return yield* illegal(`The fence "${name}" gives no token in a transaction: its rollback would give it out twice`)
    }
    // One statement that commits itself: nobody can freeze within it.
    const rows = yield* sql<Row>`INSERT INTO effect_wait_fences (name, token, owner, taken_at)
      VALUES (${name}, 1, ${owner}, CURRENT_TIMESTAMP)
      ON CONFLICT (name) DO UPDATE
      SET token = effect_wait_fences.token + 1, owner = excluded.owner, taken_at = excluded.taken_at
      RETURNING token, owner`
    return fenced(owner, BigInt(rows[0]!.token))
  })

  const key = `${sql.transactionService.key}/${name}`
  const oneAtATime = Semaphore.makeUnsafe(1)

  const currentTerm = Effect.flatMap(CurrentTerm, (term) =>
    term === undefined
      ? illegal(
        `The fence "${name}" is used outside of a term: use it in the run of a ClusterLoop, or take a token with Fence.take`
      )
      : Effect.succeed(term))

  const begin = Effect.flatMap(currentTerm, (term) =>
    Effect.suspend(() => {
      const tokens = begun.get(term) ?? new Map<string, FencedTerm>()
      const held = tokens.get(key)
      if (held !== undefined && !refused.has(held)) return Effect.succeed(held)
      begun.set(term, tokens)
      return Effect.tap(take({ owner: term.runner }), (held) => Effect.sync(() => tokens.set(key, held)))
    }).pipe(oneAtATime.withPermit))

  const guard: Fence["guard"] = (write) =>
    Effect.flatMap(currentTerm, (term) =>
      begun.get(term)?.get(key)?.guard(write) ??
        illegal(`The fence "${name}" has not begun in this term: do so at the beginning of the run, with Fence.begin`))

  return { name, begin, guard, take }
})
