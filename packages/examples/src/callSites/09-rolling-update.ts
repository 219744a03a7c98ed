/**
 * 9. A rolling update that blocks, and a client that waits for its pods.
 *
 * Go: `wait.Poll(5*time.Second, 300*time.Second, condition)` at the end of `Update`, after each pod was deleted and the update
 * period slept; `wait.Poll(time.Second, timeout, podsOnMinions(c, pods))` in the integration test. What Go does not tell is in the
 * `WaitTimeout` here: what was seen last.
 *
 * `npx pnpm@12 examples 09-rolling-update`
 */
import { type Duration, Effect, Option, Schema } from "effect"
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

/** Waits until a controller has as many pods as it should: their names. */
export const complete = Effect.fnUntraced(function*(controller: string, { interval, timeout }: Patience) {
  const { spec: { replicas } } = yield* Controllers.get(controller)
  return yield* Poll.until(Effect.map(selected(controller), namesOf), Period.ticker(interval), {
    accept: (names) => names.length === replicas,
    timeout
  })
})

/** Deletes the pods one at a time, for the controller to replace them, and waits until all of them are back. */
export const update = Effect.fnUntraced(
  function*(controller: string, options: Patience & { readonly period: Duration.Input }) {
    for (const name of namesOf(yield* selected(controller))) {
      yield* Pods.remove(name)
      yield* Effect.log(`deleted ${name}`)
      yield* Effect.sleep(options.period)
    }
    const names = yield* complete(controller, options)
    yield* Effect.log(`updated: ${names.join(" ")}`)
    return names
  }
)

/** Waits until a host tells about each of these pods. A timeout has those of which none does. */
export const podsOnHosts = (pods: ReadonlyArray<string>, { interval, timeout }: Patience) => {
  const missing = Effect.map(PodInfo.list, ({ items }) => pods.filter((name) => !namesOf(items).includes(name)))
  return Poll.until(missing, Period.ticker(interval), { accept: (names) => names.length === 0, timeout })
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
  yield* podsOnHosts(yield* complete("web", patience), patience)

  yield* Controllers.update({ ...web, spec: { replicas: 3, image: "v2" } })
  const pods = yield* update("web", { ...patience, period: "200 millis" })
  yield* claim("all pods are of the new image", pods.map((name) => name.slice(0, 2)), ["v2", "v2", "v2"])
  yield* podsOnHosts(pods, patience)

  yield* hosts.stop
  yield* Pods.remove(pods[0] ?? "")
  const again = yield* complete("web", patience)
  const timeout = yield* podsOnHosts(again, { interval: "50 millis", timeout: "300 millis" }).pipe(
    Effect.catchTag("Unavailable", Effect.die),
    Effect.flip
  )
  yield* Effect.log(timeout.message)
  yield* claim("the timeout tells which pod had no host", timeout.last, Option.some(again.slice(2)))
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(layerHttp)))
