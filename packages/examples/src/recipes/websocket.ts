/** A websocket that reconnects. After a deploy of the server all its clients come back, but not at once. */
import { Effect } from "effect"
import { Backoff, Jitter, Loop } from "effect-wait"
import { Socket } from "effect/socket"

type Handler = (text: string) => Effect.Effect<void>

// A connection that lasted a minute was healthy: the next delay is short again.
const reconnect = Backoff.exponential({ base: "1 second", cap: "30 seconds" }).pipe(
  Jitter.full,
  Backoff.resetAfter("1 minute")
)

/** Reads messages until the connection ends. A connection that is silent for a minute is dead: the server sends a ping each 20 s. */
const connection = Effect.fnUntraced(function*(url: string, onMessage: Handler) {
  const socket = yield* Socket.makeWebSocket(url, { openTimeout: "10 seconds" })
  const read = yield* Socket.readerString(socket)
  const messages = Effect.timeout(read, "1 minute")
  return yield* Effect.forever(Effect.flatMap(messages, Effect.forEach(onMessage, { discard: true })))
}, Effect.scoped)

export const layer = (url: string, onMessage: Handler) => {
  const run = Effect.catch(
    connection(url, onMessage),
    (error) => Effect.logWarning(`The connection has ended: ${error.message}`)
  )
  return Loop.layer(run, reconnect, { name: "feed" })
}
