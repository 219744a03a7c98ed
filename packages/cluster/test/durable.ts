/** A durable poll on the test clock: runners that come and go over one storage, and that die at any moment. */
import type { DurablePoll } from "@effect-wait/cluster"
import { Clock, Context, Effect, Exit, Layer, Option, Random, Scope } from "effect"
import {
  ClusterError,
  MachineId,
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  Sharding,
  ShardingConfig,
  Snowflake
} from "effect/cluster"
import { TestClock } from "effect/testing"

/** Runs an effect with these draws, over and over. */
export const withDraws = (...draws: ReadonlyArray<number>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let i = 0
    const next = () => draws[i++ % draws.length]!
    return Effect.provideService(effect, Random.Random, { nextDoubleUnsafe: next, nextIntUnsafe: next })
  })

type Check<A> = (attempt: DurablePoll.Attempt) => Effect.Effect<Option.Option<A>, unknown>

/** The attempts of checks, as `[number, when]`, and a check that notes them and then does as it is told. */
export const makeLog = <A = void>(check: Check<A> = () => Effect.succeedNone) => {
  const attempts: Array<readonly [attempt: number, at: number]> = []
  return {
    attempts,
    check: (_: unknown, attempt: DurablePoll.Attempt) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        attempts.push([attempt.attempt, now])
        return check(attempt)
      })
  }
}

/** A storage that outlives its runners, and counts what they ask of it. */
export const makeStorage = Effect.gen(function*() {
  const driver = yield* MessageStorage.MemoryDriver.pipe(Effect.provide(MessageStorage.MemoryDriver.layer))
  const asked: Array<string> = []
  return {
    driver,
    asked,
    /** The messages and replies that there are. */
    rows: () => ({ messages: driver.journal.length, replies: driver.replyIds.size }),
    layer: Layer.succeed(MessageStorage.MessageStorage, driver.storage)
  }
})

/** Where a process dies: with the storage operation of this number, before it is done or after, or never. */
export interface Death {
  readonly at: number
  readonly moment: "before" | "after"
}

/** What is known of a process: whether it is dead, and which operations it asked for. */
export interface Life {
  dead: boolean
  readonly operations: Array<string>
}

export const makeLife = (): Life => ({ dead: false, operations: [] })

// Every runner gets all shards, and an identity of its own: the ids of its messages have it inside.
const alone = (machine: number) =>
  Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.map(RunnerStorage.RunnerStorage, (storage) => ({
      ...storage,
      register: (runner, healthy) => Effect.as(storage.register(runner, healthy), MachineId.make(machine))
    }))
  ).pipe(Layer.provide(RunnerStorage.layerMemory))

/** Runners over one storage. */
export const makeRunners = Effect.gen(function*() {
  const memory = yield* makeStorage
  const { asked, driver } = memory
  let machines = 0

  // Every operation of a runner comes by here. One that is dead gets no answer, and nothing of it reaches the storage.
  const mortal = (
    life: Life,
    death: Death | undefined,
    fails: (name: string) => boolean,
    slow: (name: string) => Effect.Effect<void>
  ) => {
    const through = (name: string) => <A>(operation: Effect.Effect<A, ClusterError.PersistenceError>) =>
      Effect.suspend((): typeof operation => {
        if (life.dead) return Effect.never
        if (fails(name)) return Effect.fail(new ClusterError.PersistenceError({ cause: new Error("away") }))
        asked.push(name)
        const dies = life.operations.push(name) - 1 === death?.at
        if (dies && death?.moment === "before") life.dead = true
        if (life.dead) return Effect.never
        return dies
          ? Effect.flatMap(operation, () => {
            life.dead = true
            return Effect.never
          })
          : Effect.andThen(slow(name), operation)
      })
    const encoded: MessageStorage.Encoded = {
      ...driver.encoded,
      saveEnvelope: (options) => through(`save ${tagOf(options.envelope)}`)(driver.encoded.saveEnvelope(options)),
      saveReply: (reply) => through("reply")(driver.encoded.saveReply(reply)),
      requestIdForPrimaryKey: (key) => through("find")(driver.encoded.requestIdForPrimaryKey(key)),
      repliesForUnfiltered: (ids) => through("read replies")(driver.encoded.repliesForUnfiltered(ids)),
      repliesFor: (ids) => life.dead ? Effect.never : driver.encoded.repliesFor(ids),
      unprocessedMessages: (shards, now, options) =>
        through("read messages")(driver.encoded.unprocessedMessages(shards, now, options)),
      resetShards: (shards) => life.dead ? Effect.never : driver.encoded.resetShards(shards)
    }
    return encoded
  }

  /** A process that serves this. Closing it is a graceful stop; `kill` is `kill -9`, as seen from the storage. */
  const start = Effect.fnUntraced(function*<RL>(
    served: Layer.Layer<never, never, RL | Sharding.Sharding | MessageStorage.MessageStorage>,
    options: {
      readonly life?: Life
      readonly death?: Death
      readonly fails?: (name: string) => boolean
      readonly slow?: (name: string) => Effect.Effect<void>
      readonly config?: Partial<ShardingConfig.ShardingConfig["Service"]>
    } = {}
  ) {
    const { life = makeLife() } = options
    const encoded = mortal(life, options.death, options.fails ?? (() => false), options.slow ?? (() => Effect.void))
    const scope = yield* Scope.make()
    const runner = Sharding.layer.pipe(
      Layer.provideMerge(Runners.layerNoop),
      Layer.provideMerge(
        Layer.effect(MessageStorage.MessageStorage, MessageStorage.makeEncoded(encoded)).pipe(
          Layer.provide(Snowflake.layerGenerator)
        )
      ),
      Layer.provide([alone(machines++), RunnerHealth.layerNoop]),
      Layer.provide(ShardingConfig.layer({
        shardsPerGroup: 1,
        runnerAddress: Option.some(RunnerAddress.make("runner", 1)),
        ...options.config
      }))
    )
    const services = yield* Layer.build(Layer.provideMerge(served, runner)).pipe(Scope.provide(scope))
    yield* TestClock.adjust(1) // it gets its shards
    return {
      life,
      /** Something that is asked of the poll on this runner. */
      ask: <A, E>(effect: Effect.Effect<A, E, Sharding.Sharding | MessageStorage.MessageStorage>) =>
        Effect.provideContext(effect, Context.pick(Sharding.Sharding, MessageStorage.MessageStorage)(services)),
      stop: Scope.close(scope, Exit.void),
      kill: Effect.suspend(() => {
        life.dead = true
        return Effect.asVoid(Effect.forkDetach(Scope.close(scope, Exit.void)))
      })
    }
  })

  return { ...memory, start }
})

const tagOf = (envelope: { readonly _tag: string; readonly tag?: string }) => envelope.tag ?? envelope._tag
