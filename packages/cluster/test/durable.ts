/** A durable poll on the test clock: runners that come and go over one store, and that die at any moment. */
import type { DurablePoll } from "@effect-wait/cluster"
import { PollStore } from "@effect-wait/cluster"
import { Clock, Context, Effect, Exit, identity, Layer, Option, Random, Scope } from "effect"
import {
  ClusterError,
  MachineId,
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  Sharding,
  ShardingConfig
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

type Store = PollStore.PollStore["Service"]

/** Where a process dies: with the store operation of this number, before it is done or after, or never. */
export interface Death {
  readonly at: number
  readonly moment: "before" | "after"
}

/** What is known of a process: whether it is dead, and which operations it asked for. */
export interface Life {
  dead: boolean
  readonly operations: Array<keyof Store>
}

export const makeLife = (): Life => ({ dead: false, operations: [] })

export interface Faults {
  readonly death?: Death | undefined
  readonly fails?: ((name: keyof Store) => boolean) | undefined
  readonly slow?: ((name: keyof Store) => Effect.Effect<void>) | undefined
  /** How long an answer is under way. */
  readonly late?: ((name: keyof Store) => Effect.Effect<void>) | undefined
  /** What of the process dies with such an operation; by default all count. */
  readonly counts?: ((name: keyof Store) => boolean) | undefined
}

/** The store as a process sees it. A process that is dead gets no answer, and nothing of it reaches the store. */
export const mortal = (store: Store, life: Life, faults: Faults, asked: Array<string> = []): Store => {
  const { counts = () => true, death, fails = () => false, late = () => Effect.void, slow = () => Effect.void } = faults
  const through = <Args extends ReadonlyArray<unknown>, A>(
    name: keyof Store,
    operation: (...args: Args) => Effect.Effect<A, ClusterError.PersistenceError>
  ) =>
  (...args: Args): Effect.Effect<A, ClusterError.PersistenceError> =>
    Effect.suspend(() => {
      if (life.dead) return Effect.never
      if (fails(name)) return Effect.fail(new ClusterError.PersistenceError({ cause: new Error("away") }))
      asked.push(name)
      const dies = counts(name) && life.operations.push(name) - 1 === death?.at
      if (dies && death?.moment === "before") life.dead = true
      if (life.dead) return Effect.never
      return dies
        ? Effect.flatMap(operation(...args), () => {
          life.dead = true
          return Effect.never
        })
        : Effect.andThen(slow(name), Effect.tap(operation(...args), () => late(name)))
    })
  return {
    start: through("start", store.start),
    due: through("due", store.due),
    newest: through("newest", store.newest),
    ended: through("ended", store.ended),
    waiting: through("waiting", store.waiting),
    plan: through("plan", store.plan),
    end: through("end", store.end),
    stop: through("stop", store.stop),
    forget: through("forget", store.forget),
    purge: through("purge", store.purge),
    list: through("list", store.list),
    count: through("count", store.count)
  }
}

// Every runner gets all shards.
const alone = (machine: number) =>
  Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.map(RunnerStorage.RunnerStorage, (storage) => ({
      ...storage,
      register: (runner, healthy) => Effect.as(storage.register(runner, healthy), MachineId.make(machine))
    }))
  ).pipe(Layer.provide(RunnerStorage.layerMemory))

/** Runners over one store. */
export const makeRunners = Effect.gen(function*() {
  const store = Context.get(yield* Layer.build(PollStore.layerMemory), PollStore.PollStore)
  /** What the runners ask of the store. */
  const asked: Array<string> = []
  let machines = 0

  /** A process that serves this. Closing it is a graceful stop; `kill` is `kill -9`, as seen from the store. */
  const start = Effect.fnUntraced(function*<RL>(
    served: Layer.Layer<never, never, RL | Sharding.Sharding | PollStore.PollStore>,
    options: Faults & {
      readonly life?: Life
      readonly config?: Partial<ShardingConfig.ShardingConfig["Service"]>
      /** How far the clock of this process is from that of the store, in milliseconds. */
      readonly clockIsOffBy?: number
      /** The store as its own code has it. */
      readonly through?: (store: Store) => Store
      /** What its timers wait for, besides their time: a process that is paused. */
      readonly paused?: Effect.Effect<void>
    } = {}
  ) {
    const { life = makeLife(), through = identity } = options
    // It may be set meanwhile.
    const offBy = () => options.clockIsOffBy ?? 0
    const scope = yield* Scope.make()
    const runner = Sharding.layer.pipe(
      Layer.provideMerge(Runners.layerNoop),
      Layer.provideMerge(MessageStorage.layerNoop),
      Layer.provide([alone(machines++), RunnerHealth.layerNoop]),
      Layer.provideMerge(Layer.succeed(PollStore.PollStore, through(mortal(store, life, options, asked)))),
      Layer.provideMerge(ShardingConfig.layer({
        shardsPerGroup: 1,
        runnerAddress: Option.some(RunnerAddress.make("runner", 1)),
        ...options.config
      }))
    )
    const clock = yield* Clock.Clock
    const skewed: Clock.Clock = {
      ...clock,
      sleep: (duration) => Effect.andThen(clock.sleep(duration), options.paused ?? Effect.void),
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + offBy(),
      currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + offBy())
    }
    const itsClock = Effect.provideService(Clock.Clock, skewed)
    const services = yield* Layer.build(Layer.provideMerge(served, runner)).pipe(Scope.provide(scope), itsClock)
    yield* TestClock.adjust(1) // it gets its shards
    return {
      life,
      /** Something that this process does with the poll. */
      ask: <A, E>(effect: Effect.Effect<A, E, PollStore.PollStore>) =>
        itsClock(Effect.provideContext(effect, Context.pick(PollStore.PollStore)(services))),
      stop: Scope.close(scope, Exit.void),
      kill: Effect.suspend(() => {
        life.dead = true
        return Effect.asVoid(Effect.forkDetach(Scope.close(scope, Exit.void)))
      })
    }
  })

  /** How many rows there are of a kind of poll. */
  const rows = (name = "rollout") =>
    Effect.map(
      store.list(name, { limit: 1e6, states: undefined, prefix: undefined, after: undefined }),
      ({ rows }) => rows.length
    )

  return { store, asked, rows, start }
})
