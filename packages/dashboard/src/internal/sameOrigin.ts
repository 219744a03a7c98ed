/** Refuses requests that a page of another origin makes. */
import * as Effect from "effect/Effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type { Headers } from "effect/http/Headers"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/** Status 403. */
export class ForeignOrigin extends Schema.TaggedError<ForeignOrigin>()("ForeignOrigin", {
  message: Schema.String
}, { httpApiStatus: 403 }) {}

export class SameOrigin extends HttpApiMiddleware.Service<SameOrigin>()("@effect-wait/dashboard/SameOrigin", {
  error: ForeignOrigin
}) {}

// A browser sends `Sec-Fetch-Site` over HTTPS and on loopback, also through proxies that change the host. Elsewhere it sends
// `Origin` with each POST. Other clients send neither, and no page of another origin can make them send a request.
const isForeign = (headers: Headers): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site !== "same-origin"
  const { host, origin } = headers
  return origin !== undefined && origin.replace(/^https?:\/\//, "") !== host
}

export const layer = Layer.succeed(SameOrigin, (httpEffect) =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    if (!isForeign(headers)) return yield* httpEffect
    return yield* new ForeignOrigin({ message: "A page of another origin may not control loops" })
  }))
