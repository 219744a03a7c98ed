import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Scope } from "effect"
import { HttpServer } from "effect/http"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"
import { layer } from "../../src/recipes/shutdown.ts"

describe("a service in Kubernetes, after SIGTERM", () => {
  it.effect("is not ready, serves for 5 seconds, lets its run finish, and closes the database last", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const note = (what: string) =>
        Effect.map(Clock.currentTimeMillis, (now) => void log.push(`${now / 1000} ${what}`))
      const database = Layer.effectDiscard(
        Effect.acquireRelease(note("database opens"), () => note("database closes"))
      )
      const sync = Effect.onExit(Effect.sleep("8 seconds"), (exit) => note(Exit.isSuccess(exit) ? "run ends" : "cut"))
      const server = NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })
      const service = layer(sync).pipe(Layer.provide(database), Layer.provideMerge(server))

      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(service, scope)
      const url = yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), context)
      const get = (path: string) =>
        Effect.promise(() => fetch(url + path).then(({ status }) => String(status), () => "refused"))

      yield* TestClock.adjust("1 second")
      yield* note(`readyz ${yield* get("/readyz")}, livez ${yield* get("/livez")}`)
      yield* note("SIGTERM")
      const end = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("4 seconds")
      yield* note(`readyz ${yield* get("/readyz")}, livez ${yield* get("/livez")}`)
      yield* TestClock.adjust("1 second")
      while (log.at(-1) !== "8 database closes" && end.pollUnsafe() === undefined) {
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        if ((yield* get("/livez")) === "refused") yield* TestClock.adjust("2 seconds")
      }
      assert.deepStrictEqual(log, [
        "0 database opens",
        "1 readyz 200, livez 200",
        "1 SIGTERM",
        "5 readyz 503, livez 200",
        "8 run ends",
        "8 database closes"
      ])
    }))
})
