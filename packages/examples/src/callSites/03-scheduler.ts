/**
 * 3. The scheduler: it takes one pod after another, finds a host for it, and binds it there.
 *
 * Go: `go util.Forever(s.scheduleOne, 0)` in `Run`; `wait` was a part of `util` then. A pod that fails comes again
 * after a backoff of its own, while the loop goes on with others. Here the backoff begins afresh once the pod is bound,
 * and a pod is not given up when the API is away. The literal port is `Wait.forever(scheduleOne, { period: 0 })`.
 *
 * `npx --yes pnpm@12 examples 03-scheduler`
 */
import { Duration, Effect, Queue, RcMap, Schedule, Schema, Stream } from "effect"
import { Backoff, Loop, Period, Poll } from "effect-wait"
import { type Item, kind } from "./support/api.ts"
import { layerHttp } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

const Pod = Schema.Struct({ cpu: Schema.Int, host: Schema.NullOr(Schema.String) })

export type Pod = Item<typeof Pod.Type>

export const Pods = kind("pods", Pod)

export const Nodes = kind("nodes", Schema.Struct({ cpu: Schema.Int }))

export class NoFit extends Schema.TaggedError<NoFit>()("NoFit", { message: Schema.String }) {}

/** The algorithm: the host that has the most left. */
const schedule = Effect.fnUntraced(function*({ spec }: Pod) {
  const { items: nodes } = yield* Nodes.list
  const { items: pods } = yield* Pods.list
  const left = nodes.map(({ name, spec }) => ({
    name,
    cpu: pods.reduce((cpu, pod) => pod.spec.host === name ? cpu - pod.spec.cpu : cpu, spec.cpu)
  }))
  const host = left.filter(({ cpu }) => cpu >= spec.cpu).toSorted((a, b) => b.cpu - a.cpu)[0]
  return host?.name ?? (yield* new NoFit({ message: `no host has ${spec.cpu} cpu left` }))
})

/** Fails with a conflict when the pod is no longer what was scheduled: somebody else has changed or bound it. */
const bind = (pod: Pod, host: string) => Pods.update({ ...pod, spec: { ...pod.spec, host } })

export const run = Effect.fnUntraced(function*(pods: Queue.Queue<Pod>, options: {
  readonly initialBackoff?: Duration.Input
  readonly maxBackoff?: Duration.Input
} = {}) {
  const { initialBackoff = "1 second", maxBackoff = "60 seconds" } = options
  const podBackoff = Backoff.exponential({ base: initialBackoff, cap: maxBackoff })
  const scope = yield* Effect.scope
  // By pod, until it was not used for so long
  const backoffs = yield* RcMap.make({
    lookup: (_name: string) => Schedule.toStepWithSleep(podBackoff),
    idleTimeToLive: maxBackoff
  })
  // It is never done
  const backOff = (name: string) =>
    RcMap.get(backoffs, name).pipe(Effect.flatMap((sleep) => sleep(undefined)), Effect.ignore, Effect.scoped)

  // Somebody else may have changed, bound or deleted it in the meantime
  const retry = (name: string) =>
    Effect.andThen(backOff(name), Pods.get(name)).pipe(
      Effect.retry({ while: ({ _tag }) => _tag === "Unavailable" }),
      Effect.flatMap((pod) => pod.spec.host === null ? Queue.offer(pods, pod) : Effect.void),
      Effect.catchTag("NotFound", () => Effect.void)
    )

  const scheduleOne = Effect.gen(function*() {
    const pod = yield* Queue.take(pods)
    yield* schedule(pod).pipe(
      Effect.flatMap((host) => bind(pod, host)),
      Effect.matchEffect({
        onSuccess: Effect.fnUntraced(function*({ spec }) {
          yield* RcMap.invalidate(backoffs, pod.name)
          yield* Effect.log(`${pod.name} is bound to ${spec.host}`)
        }),
        onFailure: Effect.fnUntraced(function*({ message }) {
          yield* Effect.logWarning(`${pod.name} is not bound: ${message}`)
          yield* Effect.forkIn(retry(pod.name), scope) // it outlives the run
        })
      })
    )
  })

  return yield* Loop.forkScoped(scheduleOne, Period.sliding(0), { name: "scheduler" })
})

const program = Effect.gen(function*() {
  yield* Nodes.create("small", { cpu: 4 })
  yield* Pods.create("big", { cpu: 8, host: null })
  const changed = yield* Pods.create("changed", { cpu: 4, host: null })
  const taken = yield* Pods.create("taken", { cpu: 1, host: null })
  yield* Pods.create("web", { cpu: 2, host: null })
  yield* Pods.update({ ...changed, spec: { cpu: 1, host: null } })
  const bound = yield* bind(taken, "elsewhere")

  // It is told of the pods as they were made, not as they are.
  const pods = yield* Queue.unbounded<Pod>()
  yield* Pods.watch(0).pipe(
    Stream.filter(({ type }) => type === "ADDED"),
    Stream.runForEach(({ item }) => Queue.offer(pods, item)),
    Effect.forkScoped
  )
  yield* run(pods, { initialBackoff: "1500 millis", maxBackoff: "3 seconds" })

  const hosts = Effect.map(
    Pods.list,
    ({ items }) => Object.fromEntries(items.map(({ name, spec }) => [name, spec.host]))
  )
  const bindingOf = (name: string) =>
    Poll.until(hosts, Period.ticker("50 millis"), { accept: (hosts) => hosts[name] !== null, timeout: "20 seconds" })
  const first = yield* bindingOf("web")
  yield* claim("what needs no second attempt is bound first", first, {
    big: null,
    changed: null,
    taken: "elsewhere",
    web: "small"
  })
  const [took, before] = yield* Effect.timed(bindingOf("changed"))
  yield* claim("what has changed comes again, after a while", [before["changed"], Duration.toMillis(took) > 300], [
    "small",
    true
  ])
  yield* Nodes.create("large", { cpu: 8 })
  const after = yield* bindingOf("big")
  yield* claim("it is bound too, once there is a host for it", after, { ...before, big: "large" })
  yield* claim("what somebody else has bound is left alone", yield* Pods.get("taken"), bound)
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(layerHttp)))
