/** One look at the loops for all pages that are open, and none while no page is open. */
import * as Loop from "effect-wait/Loop"
import * as Period from "effect-wait/Period"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PubSub from "effect/PubSub"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Changes, Info, Loops, LoopsUnavailable, Run } from "../DashboardApi.ts"
import type { LoopSource } from "../LoopSource.ts"

/** An event without a change, so that both sides notice a broken connection. In milliseconds. */
const heartbeat = 5000

/** A page that is more looks behind gets all loops again. */
const mostBehind = 16

interface Batch {
  readonly number: number
  readonly bytes: Uint8Array
}

interface Known {
  readonly info: Info
  readonly json: string
}

const encoder = new TextEncoder()

/** The wire format of events: encoded once, for all pages. */
const encode = (...events: ReadonlyArray<Loops | Changes>): Uint8Array =>
  encoder.encode(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""))

// Sources without numbers tell runs apart by their start.
const keyOf = ({ attempt, start }: Run): number => attempt ?? start

// The page has the runs that it has seen. Slots may be missed after a run has ended.
const withoutSeen = (info: Info, { history }: Info): Info => {
  const last = history.at(-1)
  if (last === undefined) return info
  const isNew = (run: Run) => keyOf(run) > keyOf(last) || (keyOf(run) === keyOf(last) && run.missed !== last.missed)
  return { ...info, history: info.history.filter(isNew) }
}

/** A page that is open. */
interface Reader {
  readonly isClosing: () => boolean
  readonly end: Deferred.Deferred<void>
}

/** What a page has to see: all loops, or what has changed since the last look. */
interface Hub {
  readonly batches: PubSub.PubSub<Batch>
  readonly readers: Set<Reader>
  readonly state: { number: number; publishedAt: number; unavailable: string | undefined }
  readonly loops: (at: number) => Loops
  readonly update: (infos: ReadonlyArray<Info>, at: number) => Changes
}

const makeHub = (source: LoopSource, batches: PubSub.PubSub<Batch>): Hub => {
  const known = new Map<string, Known>()
  return {
    batches,
    readers: new Set(),
    state: { number: 0, publishedAt: -Infinity, unavailable: undefined },
    loops: (at) => ({
      _tag: "Loops",
      at,
      instance: source.instance,
      loops: Array.from(known.values(), ({ info }) => info)
    }),
    update(infos, at) {
      const changed: Array<Info> = []
      const present = new Set<string>()
      for (const info of infos) {
        present.add(info.id)
        const before = known.get(info.id)
        if (before?.info === info) continue
        const json = JSON.stringify(info)
        if (before?.json === json) continue
        known.set(info.id, { info, json })
        changed.push(before === undefined ? info : withoutSeen(info, before.info))
      }
      const removed = present.size === known.size ? [] : Array.from(known.keys()).filter((id) => !present.has(id))
      for (const id of removed) known.delete(id)
      return { _tag: "Changes", at, changed, removed }
    }
  }
}

const unavailable = ({ message }: LoopsUnavailable) => Effect.succeed(message)

const look = Effect.fnUntraced(function*(source: LoopSource, { batches, readers, state, update }: Hub) {
  for (const { end, isClosing } of readers) if (isClosing()) Deferred.doneUnsafe(end, Exit.void)
  const infos = yield* Effect.catch(source.list, unavailable)
  const at = yield* Clock.currentTimeMillis
  const why = typeof infos === "string" ? infos : undefined
  const changes = typeof infos === "string"
    ? { _tag: "Changes" as const, at, changed: [], removed: [] }
    : update(infos, at)
  const isQuiet = changes.changed.length === 0 && changes.removed.length === 0 && why === state.unavailable
  if (isQuiet && at - state.publishedAt < heartbeat) return
  state.publishedAt = at
  state.unavailable = why
  state.number++
  yield* PubSub.publish(batches, {
    number: state.number,
    bytes: encode(why === undefined ? changes : { ...changes, unavailable: why })
  })
})

const start = Effect.fnUntraced(function*(source: LoopSource) {
  const batches = yield* Effect.acquireRelease(PubSub.sliding<Batch>(mostBehind), PubSub.shutdown)
  const hub = makeHub(source, batches)
  yield* look(source, hub)
  yield* Effect.forkScoped(
    Loop.run(Loop.survive(look(source, hub)), Period.sliding(source.interval), { initialDelay: source.interval })
  )
  return hub
})

/**
 * The events of the loops: all of them first, then the changes. They end with the Scope, and when the server of the page
 * is closing.
 */
export const makeEvents = (
  source: LoopSource
): Effect.Effect<(isClosing: () => boolean) => Stream.Stream<Uint8Array>, never, Scope.Scope> =>
  Effect.map(RcRef.make({ acquire: start(source) }), (ref) => (isClosing) =>
    Stream.unwrap(Effect.gen(function*() {
      const { batches, loops, readers, state } = yield* RcRef.get(ref)
      const reader = { isClosing, end: Deferred.makeUnsafe<void>() }
      yield* Effect.acquireRelease(Effect.sync(() => readers.add(reader)), () =>
        Effect.sync(() => readers.delete(reader)))
      const subscription = yield* PubSub.subscribe(batches)
      const all = Effect.map(Clock.currentTimeMillis, (at) => {
        const { unavailable } = state
        return unavailable === undefined
          ? encode(loops(at))
          : encode(loops(at), { _tag: "Changes", at, changed: [], removed: [], unavailable })
      })
      let seen = state.number
      const later = Stream.fromSubscription(subscription).pipe(
        // A page that got all loops again has seen these.
        Stream.filter((batch) =>
          batch.number > seen
        ),
        Stream.mapEffect((batch) => {
          const isNext = batch.number === seen + 1
          seen = isNext ? batch.number : state.number
          return isNext ? Effect.succeed(batch.bytes) : all
        })
      )
      return Stream.interruptWhen(Stream.concat(Stream.fromEffect(all), later), Deferred.await(reader.end))
    })))
