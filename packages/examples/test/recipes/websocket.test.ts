import { NodeSocketServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Layer, Logger } from "effect"
import { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import { layer } from "../../src/recipes/websocket.ts"
import { withDraw } from "./support.ts"

/** What a server does with a connection: refuses it, or closes it after this time, or says nothing more. */
type Fate = "refuses" | number | "silent"

class FakeSocket extends EventTarget {
  readyState = 0
  readonly binaryType = "arraybuffer"
  emit(type: string, more: object = {}) {
    this.dispatchEvent(Object.assign(new Event(type), more))
  }
  send() {}
  close() {
    this.readyState = 3
  }
}

/** When a client connects to a server with these fates in turn, the last one over and over, with a draw of 1/2. */
const connections = Effect.fnUntraced(function*(script: ReadonlyArray<Fate>, until: number) {
  const starts: Array<number> = []
  const messages: Array<string> = []
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const constructor = Layer.succeed(Socket.WebSocketConstructor, () => {
    const socket = new FakeSocket()
    runFork(Effect.gen(function*() {
      const n = starts.push((yield* Clock.currentTimeMillis) / 1000)
      const fate = script[Math.min(n, script.length) - 1]!
      yield* Effect.yieldNow
      if (fate === "refuses") return socket.emit("error")
      socket.readyState = 1
      socket.emit("open")
      socket.emit("message", { data: `hello ${n}` })
      if (fate === "silent") return
      for (let left = fate; left > 0; left -= 20) {
        yield* Effect.sleep(Math.min(left, 20) * 1000)
        if (left > 20) socket.emit("message", { data: "ping" })
      }
      socket.emit("close", { code: 1001 })
    }))
    return socket
  })
  const feed = layer("ws://feed", (text) => Effect.sync(() => void (text === "ping" || messages.push(text))))
  // The first connection opens before time passes.
  yield* Effect.andThen(TestClock.adjust(0), TestClock.adjust(until * 1000)).pipe(
    Effect.provide(Layer.provide(feed, [constructor, Logger.layer([])])),
    withDraw(0.5)
  )
  return { starts, messages }
})

describe("a websocket", () => {
  it.effect("reconnects later and later while the server is away", () =>
    Effect.gen(function*() {
      const { messages, starts } = yield* connections(["refuses", "refuses", "refuses", "refuses", 1000], 60)
      assert.deepStrictEqual([starts, messages], [[0, 0.5, 1.5, 3.5, 7.5], ["hello 5"]])
    }))

  it.effect("reconnects soon after a connection that held for a minute", () =>
    Effect.gen(function*() {
      const { starts } = yield* connections(["refuses", "refuses", "refuses", 100, 1000], 200)
      assert.deepStrictEqual(starts, [0, 0.5, 1.5, 3.5, 104])
    }))

  it.effect("goes on to wait longer when connections break off at once", () =>
    Effect.gen(function*() {
      const { messages, starts } = yield* connections([1], 20)
      assert.deepStrictEqual(starts, [0, 1.5, 3.5, 6.5, 11.5])
      assert.deepStrictEqual(messages, starts.map((_, i) => `hello ${i + 1}`))
    }))

  it.effect("takes a connection that is silent for a minute for dead", () =>
    Effect.gen(function*() {
      const { starts } = yield* connections(["silent", 1000], 120)
      assert.deepStrictEqual(starts, [0, 60.5])
    }))

  it.effect("speaks with a real server", () =>
    Effect.gen(function*() {
      const server = yield* NodeSocketServer.makeWebSocket({ host: "127.0.0.1", port: 0 })
      yield* Effect.forkScoped(server.run((socket) =>
        Effect.scoped(Effect.gen(function*() {
          yield* socket.reader
          const { write } = yield* socket.writer
          yield* write("hello")
          yield* Effect.never
        }))
      ))
      const { address } = server
      if (address._tag === "UnixPathAddress") return yield* Effect.die("no port")
      const heard = yield* Deferred.make<string>()
      const feed = layer(`ws://127.0.0.1:${address.port}`, (text) => Effect.asVoid(Deferred.succeed(heard, text)))
      const provided = Layer.provide(feed, [Socket.layerWebSocketConstructorGlobal, Logger.layer([])])
      assert.strictEqual(yield* Effect.provide(Deferred.await(heard), provided), "hello")
    }))
})
