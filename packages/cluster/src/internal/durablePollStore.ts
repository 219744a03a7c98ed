import { PersistenceError } from "effect/cluster/ClusterError"
import * as EntityAddress from "effect/cluster/EntityAddress"
import * as EntityId from "effect/cluster/EntityId"
import * as Envelope from "effect/cluster/Envelope"
import * as Message from "effect/cluster/Message"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as Reply from "effect/cluster/Reply"
import * as Sharding from "effect/cluster/Sharding"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import {
  type Attempt,
  attemptRpc,
  type Outcome,
  type Planned,
  type PollEntity,
  Result,
  resultRpc,
  unplanned
} from "./durablePollMessages.ts"

/** The newest attempt that a poll has a message for: in flight, or still to come. */
export interface Position {
  readonly attempt: number
  readonly startedAt: number
  readonly planned: Planned
}

/** What is stored of one poll. */
export interface Store {
  /** Whether there is a message for the attempt of this number. */
  readonly has: (attempt: number) => Effect.Effect<boolean, PersistenceError>
  readonly position: Effect.Effect<Option.Option<Position>, PersistenceError>
  readonly outcome: Effect.Effect<Option.Option<Outcome>, PersistenceError>
  /** Plans an attempt; nothing happens where it is planned already. */
  readonly plan: (attempt: Attempt) => Effect.Effect<void, PersistenceError>
  /** Ends the poll; nothing happens where it has ended. */
  readonly end: (outcome: Outcome) => Effect.Effect<void, PersistenceError>
}

const decodePlanned = Schema.decodeUnknownEffect(Schema.toCodecJson(Rpc.exitSchema(attemptRpc)))
const decodeOutcome = Schema.decodeUnknownEffect(Schema.toCodecJson(Rpc.exitSchema(resultRpc)))

const unreadable = (cause: unknown): PersistenceError => new PersistenceError({ cause })

/** The storage of the poll with this key. */
export const open = (
  entity: PollEntity,
  key: string
): Effect.Effect<Store, never, Sharding.Sharding | MessageStorage.MessageStorage> =>
  Effect.gen(function*() {
    const sharding = yield* Sharding.Sharding
    const storage = yield* MessageStorage.MessageStorage
    const entityId = EntityId.make(key)
    const shardId = sharding.getShardId(entityId, entity.getShardGroup(entityId))
    const address = EntityAddress.make({ entityType: entity.type, entityId, shardId })

    const requestId = (tag: string, id: string) => storage.requestIdForPrimaryKey({ address, tag, id })
    const attemptId = (attempt: number) => requestId("attempt", String(attempt))
    const has = (attempt: number) => Effect.map(attemptId(attempt), Option.isSome)

    const replyTo = (id: Snowflake.Snowflake) =>
      storage.repliesForUnfiltered([id]).pipe(
        Effect.mapError(unreadable),
        Effect.map((replies) => Option.fromUndefinedOr(replies.find((reply) => reply._tag === "WithExit")))
      )

    // Saved, and no runner told: what is not due can wait to be found. The id under which it is stored, and whether it was new.
    const save = <R extends Rpc.Any>(
      rpc: R,
      tag: Rpc.Tag<R>,
      payload: Rpc.Payload<R>,
      context: Context.Context<Rpc.Services<R>>
    ) =>
      Effect.gen(function*() {
        const envelope = Envelope.makeRequest<R>({
          requestId: yield* sharding.getSnowflake,
          address,
          tag,
          payload,
          headers: Headers.empty
        })
        const saved = yield* Effect.mapError(
          storage.saveRequest(
            new Message.OutgoingRequest({
              envelope,
              context,
              rpc,
              lastReceivedReply: Option.none(),
              respond: () => Effect.void,
              annotations: rpc.annotations
            })
          ),
          unreadable
        )
        return saved._tag === "Duplicate" ? saved : { ...saved, originalId: envelope.requestId }
      })

    // The newest attempt, 0 for none: first by doubling, then by halving. What lies between `low` and `high` is unknown.
    const search = (low: number, high: number): Effect.Effect<number, PersistenceError> => {
      if (high - low === 1) return Effect.succeed(low)
      const next = high === Infinity ? Math.max(1, low * 2) : Math.floor((low + high) / 2)
      return Effect.flatMap(has(next), (known) => known ? search(next, high) : search(low, next))
    }

    const plannedBy = (attempt: number): Effect.Effect<Planned, PersistenceError> =>
      Effect.gen(function*() {
        const id = yield* attemptId(attempt)
        const reply = Option.isSome(id) ? yield* replyTo(id.value) : Option.none()
        if (Option.isNone(reply)) return unplanned
        const exit = yield* Effect.mapError(decodePlanned(reply.value.exit), unreadable)
        return Exit.isSuccess(exit) ? exit.value : unplanned
      })

    return {
      has,
      position: Effect.gen(function*() {
        const first = yield* attemptId(1)
        if (Option.isNone(first)) return Option.none()
        const attempt = yield* search(1, Infinity)
        return Option.some({
          attempt,
          // The id of a message tells when it was made.
          startedAt: Snowflake.timestamp(first.value),
          planned: yield* plannedBy(attempt - 1)
        })
      }),
      outcome: Effect.gen(function*() {
        const id = yield* requestId("result", "")
        const reply = Option.isSome(id) ? yield* replyTo(id.value) : Option.none()
        if (Option.isNone(reply)) return Option.none()
        return Exit.getSuccess(yield* Effect.mapError(decodeOutcome(reply.value.exit), unreadable))
      }),
      plan: (attempt) => save(attemptRpc, "attempt", attempt, Context.empty()),
      end: (outcome) =>
        Effect.gen(function*() {
          const saved = yield* save(resultRpc, "result", new Result({}), Context.empty())
          if (saved._tag === "Duplicate" && Option.isSome(saved.lastReceivedReply)) return
          const exit = Exit.succeed(outcome)
          const reply = new Reply.WithExit<typeof resultRpc>({
            id: yield* sharding.getSnowflake,
            requestId: saved.originalId,
            exit
          })
          yield* Effect.mapError(
            storage.saveReply(new Reply.ReplyWithContext({ reply, rpc: resultRpc, context: Context.empty() })),
            unreadable
          )
        })
    }
  })
