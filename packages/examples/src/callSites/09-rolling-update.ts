/**
 * 9. A rolling update that blocks, and a client that waits for its pods.
 *
 * Go: `wait.Poll(5*time.Second, 300*time.Second, condition)` at the end of `Update`, after each pod was deleted and the update
 * period slept; `wait.Poll(time.Second, timeout, podsOnMinions(c, pods))` in the integration test; literally
 * `Wait.poll(condition, { interval, timeout })`. Go checks once more at the timeout, and tells nothing. Here what was seen last is in
 * the `WaitTimeout`.
 *
 * `npx --yes pnpm@12 examples 09-rolling-update`
 */
import { Clock, type Duration, Effect, Option, Schema, Stream } from "effect"
import { Loop, Period, Poll } from "effect-wait"
import { kind } from "./support/api.ts"
import { layerHttp } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

export const Controllers = kind("controllers", Schema.Struct({ replicas: Schema.Int, image: Schema.String }))

export const Pods = kind("pods", Schema.Struct({ controller: Schema.String, image: Schema.String }))

/** What the hosts tell about the pods that they run. */
export const PodInfo = kind("podInfo", Schema.Struct({ host: Schema.String }))

const selected = (controller: string) =>
  Effect.map(Pods.list, ({ items }) => items.filter((pod) => pod.spec.controller === controller))

const namesOf = (items: ReadonlyArray<{ readonly name: string }>) => items.map(({ name }) => name)

interface Patience {
  readonly interval: Duration.Input
  readonly timeout: Duration.Input
}

// Go's Poll waits the interval before it looks.
const options = (timeout: Duration.Input) => ({ immediate: false, timeout }) as const

/** Waits until a controller has so many pods: their names. */
export const complete = (controller: string, expected: number, { interval, timeout }: Patience) =>
  Poll.until(Effect.map(selected(controller), namesOf), Period.ticker(interval), {
    ...options(timeout),
    accept: (names) => names.length === expected
  })

/** Deletes the pods one at a time, for the controller to replace them, and waits until all of them are back. */
export const update = Effect.fnUntraced(
  function*(controller: string, { period, ...patience }: Patience & { readonly period: Duration.Input }) {
    const pods = namesOf(yield* selected(controller))
    for (const name of pods) {
      yield* Pods.remove(name)
      yield* Effect.log(`deleted ${name}`)
      yield* Effect.sleep(period)
    }
    const names = yield* complete(controller, pods.length, patience)
    yield* Effect.log(`updated: ${names.join(" ")}`)
    return names
  }
)

/** Waits until a host tells about each of these pods. A timeout has those of which none does. */
export const podsOnHosts = (pods: ReadonlyArray<string>, { interval, timeout }: Patience) => {
  const missing = Effect.map(PodInfo.list, ({ items }) => pods.filter((name) => !namesOf(items).includes(name)))
  return Poll.until(missing, Period.ticker(interval), { ...options(timeout), accept: (names) => names.length === 0 })
}

/** One run of the controller: each pod that is missing is made of its image. */
export const control = Effect.fnUntraced(function*(controller: string) {
  const { spec: { image, replicas } } = yield* Controllers.get(controller)
  const { length } = yield* selected(controller)
  for (let n = length; n < replicas; n++) {
    const { version } = yield* Pods.list
    const { name } = yield* Pods.create(`${image}-${version}`, { controller, image })
    yield* Effect.log(`created ${name}`)
  }
})

/** One run of a host: it tells about each pod that it did not know. */
export const host = Effect.gen(function*() {
  const known = new Set(namesOf((yield* PodInfo.list).items))
  const pods = namesOf((yield* Pods.list).items).filter((name) => !known.has(name))
  yield* Effect.forEach(pods, (name) => PodInfo.create(name, { host: "node-1" }))
})

const program = Effect.gen(function*() {
  const patience = { interval: "50 millis", timeout: "5 seconds" } as const
  const web = yield* Controllers.create("web", { replicas: 3, image: "v1" })
  yield* Loop.forkScoped(control("web"), Period.ticker("150 millis"))
  const hosts = yield* Loop.forkScoped(host, Period.ticker("100 millis"))
  yield* podsOnHosts(yield* complete("web", 3, patience), patience)

  yield* Controllers.update({ ...web, spec: { replicas: 3, image: "v2" } })
  const deleted: Array<number> = []
  yield* Pods.watch(0).pipe(
    Stream.filter(({ type }) => type === "DELETED"),
    Stream.runForEach(() => Effect.map(Clock.currentTimeMillis, (now) => deleted.push(now))),
    Effect.forkScoped
  )
  const pods = yield* update("web", { ...patience, period: "300 millis" })
  const gaps = deleted.slice(1).map((time, i) => time - (deleted[i] ?? NaN))
  yield* claim("one pod is deleted at a time", gaps.map((gap) => gap > 150), [true, true])
  yield* claim("all pods are of the new image", pods.map((name) => name.slice(0, 2)), ["v2", "v2", "v2"])
  yield* podsOnHosts(pods, patience)

  yield* hosts.stop
  yield* Pods.remove(pods[0] ?? "")
  const again = yield* complete("web", 3, patience)
  const timeout = yield* podsOnHosts(again, { interval: "50 millis", timeout: "2 seconds" }).pipe(
    Effect.catchTag("Unavailable", Effect.die),
    Effect.flip
  )
  yield* Effect.log(timeout.message)
  yield* claim("the timeout tells which pod had no host", timeout.last, Option.some(again.slice(2)))
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(layerHttp)))
