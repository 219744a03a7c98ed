/** How long a response asks its client to wait. */
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/** What is left of a limit, where the response says so, and the milliseconds until it is reset. */
interface Limit {
  readonly left: number
  readonly reset: number
}

const numberOf = (text: string | undefined): number =>
  text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : NaN

// A number as large as this one, in seconds or milliseconds, is a date: it is in September 2001.
const leastDate = 1e9

const untilReset = (text: string | undefined, now: number): number => {
  const reset = numberOf(text)
  if (reset < leastDate) return reset * 1000
  return Math.max(0, reset < leastDate * 1000 ? reset * 1000 - now : reset - now)
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration such as Go prints: 6m0s, 1.5s, 20ms. */
const goDuration = (text: string | undefined): number => {
  if (text === undefined || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return NaN
  return [...text.matchAll(/([\d.]+)([a-z]+)/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit!]!, 0)
}

const parameter = (text: string, name: string): number =>
  numberOf(new RegExp(`(?:^|[;,\\s])${name}=(\\d+)`).exec(text)?.[1])

/** The field `RateLimit` of the drafts: a list of policies since the eighth, one limit in the seventh. */
const rateLimits = (text: string | undefined): ReadonlyArray<Limit> => {
  if (text === undefined) return []
  const policies = text.split(",").map((item) => ({ left: parameter(item, "r"), reset: parameter(item, "t") * 1000 }))
  return [...policies, { left: parameter(text, "remaining"), reset: parameter(text, "reset") * 1000 }]
}

const limitsOf = (headers: Headers.Headers, now: number): ReadonlyArray<Limit> => {
  const left = (name: string): number => numberOf(headers[name])
  return [
    ...rateLimits(headers["ratelimit"]),
    { left: left("ratelimit-remaining"), reset: untilReset(headers["ratelimit-reset"], now) },
    { left: left("x-ratelimit-remaining"), reset: numberOf(headers["x-ratelimit-reset-after"]) * 1000 },
    { left: left("x-ratelimit-remaining"), reset: untilReset(headers["x-ratelimit-reset"], now) },
    ...["requests", "tokens"].map((kind) => ({
      left: left(`x-ratelimit-remaining-${kind}`),
      reset: goDuration(headers[`x-ratelimit-reset-${kind}`])
    }))
  ]
}

const retryAfter = (headers: Headers.Headers, now: number): number => {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const millis = numberOf(headers[name])
    if (millis >= 0) return millis
  }
  const header = headers["retry-after"]
  if (header === undefined) return NaN
  const parsed = Headers.parseRetryAfter(header)
  return Result.isSuccess(parsed) ? Duration.toMillis(Headers.retryAfterDelay(parsed.success, now)) : NaN
}

/**
 * The time that a response asks its client to wait, if it has such a hint.
 *
 * - `now`: the time by the wall clock, in milliseconds since 1970: dates count from it
 *
 * The first of these that can be read:
 *
 * | header | its unit | who sends it |
 * |---|---|---|
 * | `retry-after-ms`, `x-ms-retry-after-ms` | milliseconds | Azure, OpenAI |
 * | `Retry-After` | seconds, or an HTTP date | RFC 9110 |
 *
 * Otherwise the longest of these, of those limits that are used up:
 *
 * | header | its unit | used up when | who sends it |
 * |---|---|---|---|
 * | `RateLimit` | `t` or `reset`, in seconds | `r` or `remaining` is 0 | IETF's drafts 7 to 10 |
 * | `RateLimit-Reset` | seconds; a large number as for `x-ratelimit-reset` | `RateLimit-Remaining` is 0 | IETF's drafts 0 to 6; GitLab |
 * | `x-ratelimit-reset-after` | seconds, with decimals | `x-ratelimit-remaining` is 0 | Discord |
 * | `x-ratelimit-reset` | seconds since 1970 from 1,000,000,000 on; milliseconds since 1970 from a thousand times that on; else seconds | `x-ratelimit-remaining` is 0 | GitHub, X; some; Reddit |
 * | `x-ratelimit-reset-requests`, `-tokens` | a duration of Go, such as `6m0s` | `x-ratelimit-remaining-requests`, `-tokens` is 0 | OpenAI, Groq |
 *
 * If a response does not have the number of remaining requests, only a 429 counts as used up: many servers send these headers with each
 * response. An invalid header is ignored, and a date in the past is a hint of 0.
 *
 * **Example** (Seconds, a date, and a limit of GitHub)
 *
 * ```ts
 * import { Duration, Option } from "effect"
 * import * as HttpRetry from "effect-wait/HttpRetry"
 * import { Headers } from "effect/http"
 *
 * const now = Date.parse("2026-03-01T12:00:00Z")
 * const hint = (status: number, headers: Headers.Input) =>
 *   Option.map(HttpRetry.hintOf({ status, headers: Headers.fromInput(headers) }, now), Duration.toSeconds)
 * const github = (remaining: number) => ({
 *   "x-ratelimit-remaining": String(remaining),
 *   "x-ratelimit-reset": String(now / 1000 + 20)
 * })
 *
 * hint(503, { "retry-after": "5" }) // => Option.some(5)
 * hint(429, { "retry-after": "Sun, 01 Mar 2026 12:00:30 GMT" }) // => Option.some(30)
 * hint(429, github(0)) // => Option.some(20)
 * hint(502, github(17)) // => Option.none()
 * ```
 *
 * @see `Retry.hint` for a schedule that follows it
 * @category hints
 * @since 0.1.0
 */
export const hintOf = (
  { headers, status }: Pick<HttpClientResponse.HttpClientResponse, "status" | "headers">,
  now: number
): Option.Option<Duration.Duration> => {
  const asked = retryAfter(headers, now)
  if (asked >= 0) return Option.some(Duration.millis(asked))
  // Many servers send their limits with each response: only a limit that is used up is a reason to wait.
  const resets = limitsOf(headers, now).flatMap(({ left, reset }) =>
    reset >= 0 && (left <= 0 || (status === 429 && Number.isNaN(left))) ? [reset] : []
  )
  return resets.length === 0 ? Option.none() : Option.some(Duration.millis(Math.max(...resets)))
}
