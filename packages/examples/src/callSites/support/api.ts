/**
 * Objects as Kubernetes' API server keeps them: each has a version that grows with every change, an update names the version that it
 * is about, and a watch tells every change since a version.
 */
import { Context, Effect, Layer, Queue, Schema, Stream } from "effect"

/** Somebody else has changed, or created, it. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", { message: Schema.String }, {
  httpApiStatus: 409
}) {}

export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { message: Schema.String }, {
  httpApiStatus: 404
}) {}

/** The changes since this version are no longer known: list again. */
export class Gone extends Schema.TaggedError<Gone>()("Gone", { message: Schema.String }, {
  httpApiStatus: 410
}) {}

/** No answer, or half of one. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { message: Schema.String }, {
  httpApiStatus: 503
}) {}

export interface Item<A> {
  readonly name: string
  readonly version: number
  readonly spec: A
}

/** All of a kind, and the version from which to watch. */
export interface List<A> {
  readonly items: ReadonlyArray<Item<A>>
  readonly version: number
}

export interface Change<A> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED"
  readonly item: Item<A>
}

export class Api extends Context.Service<Api, {
  readonly list: (kind: string) => Effect.Effect<List<Schema.Json>, Unavailable>
  readonly get: (kind: string, name: string) => Effect.Effect<Item<Schema.Json>, NotFound | Unavailable>
  readonly create: (
    kind: string,
    name: string,
    spec: Schema.Json
  ) => Effect.Effect<Item<Schema.Json>, Conflict | Unavailable>
  readonly update: (
    kind: string,
    item: Item<Schema.Json>
  ) => Effect.Effect<Item<Schema.Json>, Conflict | NotFound | Unavailable>
  readonly remove: (kind: string, name: string) => Effect.Effect<void, NotFound | Unavailable>
  readonly watch: (kind: string, since: number) => Stream.Stream<Change<Schema.Json>, Gone | Unavailable>
}>()("examples/Api") {}

/** The objects of a kind, by its Schema. */
export const kind = <A>(kind: string, schema: Schema.Codec<A, Schema.Json>) => {
  const decode = Schema.decodeUnknownSync(schema)
  const encode = Schema.encodeSync(schema)
  const decoded = ({ spec, ...item }: Item<Schema.Json>): Item<A> => ({ ...item, spec: decode(spec) })
  const encoded = ({ spec, ...item }: Item<A>): Item<Schema.Json> => ({ ...item, spec: encode(spec) })
  return {
    list: Effect.map(
      Api.use((api) => api.list(kind)),
      ({ items, version }): List<A> => ({ items: items.map(decoded), version })
    ),
    get: (name: string) => Effect.map(Api.use((api) => api.get(kind, name)), decoded),
    create: (name: string, spec: A) => Effect.map(Api.use((api) => api.create(kind, name, encode(spec))), decoded),
    /** Fails with a Conflict unless the item is still of this version. */
    update: (item: Item<A>) => Effect.map(Api.use((api) => api.update(kind, encoded(item))), decoded),
    remove: (name: string) => Api.use((api) => api.remove(kind, name)),
    /** What has changed since, and then what changes. It may end at any time, as a watch of Kubernetes' does. */
    watch: (since: number) =>
      Stream.unwrap(Api.useSync((api) => api.watch(kind, since))).pipe(
        Stream.map(({ item, type }): Change<A> => ({ type, item: decoded(item) }))
      )
  }
}

interface Recorded {
  readonly kind: string
  readonly version: number
  readonly change: Change<Schema.Json>
}

type Watcher = Queue.Queue<Recorded, Unavailable>

/** What goes wrong with a server, at will. */
export class Faults extends Context.Service<Faults, {
  /** All watches break off. */
  readonly drop: Effect.Effect<void>
  /** The changes up to now are forgotten: who asks for them is told that they are gone. */
  readonly compact: Effect.Effect<void>
  /** Every request fails while this effect runs, and all watches break off. */
  readonly down: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}>()("examples/Faults") {}

const notFound = (kind: string, name: string) => new NotFound({ message: `${kind}/${name} not found` })

const conflict = (message: string) => new Conflict({ message })

const unavailable = (message: string) => new Unavailable({ message })

/** The objects in memory. */
export const layerMemory: Layer.Layer<Api | Faults> = Layer.effectContext(Effect.sync(() => {
  const kinds = new Map<string, Map<string, Item<Schema.Json>>>()
  const watchers = new Set<Watcher>()
  const history: Array<Recorded> = []
  const state = { version: 0, compacted: 0, down: false }

  const itemsOf = (kind: string) => {
    const items = kinds.get(kind) ?? new Map<string, Item<Schema.Json>>()
    kinds.set(kind, items)
    return items
  }
  const answer = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.suspend((): Effect.Effect<A, E | Unavailable, R> =>
      state.down ? Effect.fail(unavailable("connection refused")) : effect
    )
  const tell = (kind: string, type: Change<Schema.Json>["type"], item: Item<Schema.Json>) => {
    const recorded = { kind, version: state.version, change: { type, item } }
    history.push(recorded)
    for (const watcher of watchers) Queue.offerUnsafe(watcher, recorded)
  }
  const put = (kind: string, type: "ADDED" | "MODIFIED", name: string, spec: Schema.Json) => {
    const item = { name, version: ++state.version, spec }
    itemsOf(kind).set(name, item)
    tell(kind, type, item)
    return Effect.succeed(item)
  }
  const drop = Effect.suspend(() =>
    Effect.forEach([...watchers], (watcher) => Queue.fail(watcher, unavailable("connection reset")), {
      discard: true
    })
  )

  const api = Api.of({
    list: (kind) => answer(Effect.sync(() => ({ items: [...itemsOf(kind).values()], version: state.version }))),
    get: (kind, name) =>
      answer(Effect.suspend(() => {
        const item = itemsOf(kind).get(name)
        return item === undefined ? Effect.fail(notFound(kind, name)) : Effect.succeed(item)
      })),
    create: (kind, name, spec) =>
      answer(
        Effect.suspend(() =>
          itemsOf(kind).has(name) ? Effect.fail(conflict(`${kind}/${name} exists`)) : put(kind, "ADDED", name, spec)
        )
      ),
    update: (kind, { name, spec, version }) =>
      answer(Effect.gen(function*() {
        const item = itemsOf(kind).get(name)
        if (item === undefined) return yield* notFound(kind, name)
        if (item.version !== version) return yield* conflict(`${kind}/${name} is at ${item.version}, not ${version}`)
        return yield* put(kind, "MODIFIED", name, spec)
      })),
    remove: (kind, name) =>
      answer(Effect.gen(function*() {
        const item = itemsOf(kind).get(name)
        if (item === undefined) return yield* notFound(kind, name)
        itemsOf(kind).delete(name)
        tell(kind, "DELETED", { ...item, version: ++state.version })
      })),
    watch: (kind, since) =>
      Stream.unwrap(answer(Effect.gen(function*() {
        if (since < state.compacted) return yield* new Gone({ message: `${since} is before ${state.compacted}` })
        const watcher = yield* Effect.acquireRelease(
          Queue.make<Recorded, Unavailable>(),
          (watcher) => Effect.sync(() => watchers.delete(watcher))
        )
        watchers.add(watcher)
        Queue.offerAllUnsafe(watcher, history.filter(({ version }) => version > since))
        return Stream.fromQueue(watcher)
      }))).pipe(
        Stream.filter((recorded) => recorded.kind === kind),
        Stream.map((recorded) => recorded.change)
      )
  })

  return Context.make(Api, api).pipe(Context.add(Faults, {
    drop,
    compact: Effect.sync(() => {
      state.compacted = state.version
      history.length = 0
    }),
    down: (effect) =>
      Effect.acquireUseRelease(
        Effect.andThen(
          drop,
          Effect.sync(() => {
            state.down = true
          })
        ),
        () => effect,
        () =>
          Effect.sync(() => {
            state.down = false
          })
      )
  }))
}))
