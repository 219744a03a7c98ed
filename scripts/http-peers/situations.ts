/** What may go wrong with a request, and which behaviours are right. */
import type { IncomingMessage, ServerResponse } from "node:http"

/** What a server answers to a request. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** What a client sends. */
export interface Sent {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The body is a stream of these parts. */
  readonly stream?: ReadonlyArray<string>
}

/** What was seen of a call. Times are in milliseconds from its start. */
export interface Seen {
  /** The end: a status and a body, an error, or none of them in time. */
  readonly end: { readonly status: number; readonly body: string } | "error" | "waits"
  readonly endedAt: number
  readonly requests: ReadonlyArray<{ readonly at: number; readonly body: string }>
}

export interface Situation {
  readonly title: string
  /** In the words of the table. */
  readonly rule: string
  readonly sent: Sent
  /** In turn; the last one over and over. */
  readonly answers: ReadonlyArray<Answer>
  readonly isRight: (seen: Seen) => boolean
  /** Some clients wait for as long as they are watched. */
  readonly waits?: true
}

const get: Sent = { method: "GET" }
const post: Sent = { method: "POST", body: "12 EUR" }

const status = (status: number, headers: Readonly<Record<string, string>> = {}): Answer => (_, response) =>
  void response.writeHead(status, { "content-type": "text/plain", ...headers }).end(status < 300 ? "whole" : "sorry")
const ok = status(200)
const resets: Answer = ({ socket }) => void socket.resetAndDestroy()
const hangs: Answer = () => undefined
const breaksOff: Answer = (_, response) => {
  response.writeHead(200, { "content-type": "text/plain", "content-length": "1000" })
  response.write("half", () => setTimeout(() => response.socket?.resetAndDestroy(), 20))
}
const dateIn = (seconds: number): Answer => (request, response) =>
  status(429, { "retry-after": new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000).toUTCString() })(
    request,
    response
  )

const ends = (...statuses: ReadonlyArray<number>) => ({ end }: Seen): boolean =>
  typeof end === "object" && statuses.includes(end.status) && (end.status >= 300 || end.body === "whole")
const arrives = ends(200)
const once = ({ end, requests }: Seen): boolean => requests.length === 1 && end !== "waits"
const notBefore = (millis: number) => (seen: Seen): boolean =>
  ends(200, 429, 503)(seen) && seen.requests.every(({ at }, i) => i === 0 || at - seen.requests[i - 1]!.at >= millis)

export const situations: ReadonlyArray<Situation> = [
  { title: "GET, 503, then 200", rule: "retry", sent: get, answers: [status(503), ok], isRight: arrives },
  { title: "GET, 408, then 200", rule: "may retry", sent: get, answers: [status(408), ok], isRight: ends(200, 408) },
  { title: "GET, 429, then 200", rule: "may retry", sent: get, answers: [status(429), ok], isRight: ends(200, 429) },
  { title: "GET, 404", rule: "once", sent: get, answers: [status(404)], isRight: once },
  { title: "GET, 501: not implemented", rule: "once", sent: get, answers: [status(501)], isRight: once },
  {
    title: "GET, 429 with `Retry-After: 1`",
    rule: "not before 1 s",
    sent: get,
    answers: [status(429, { "retry-after": "1" }), ok],
    isRight: notBefore(990)
  },
  {
    title: "GET, 503 with `Retry-After: 1`",
    rule: "not before 1 s",
    sent: get,
    answers: [status(503, { "retry-after": "1" }), ok],
    isRight: notBefore(990)
  },
  {
    title: "GET, 429 with a date in 2 to 3 s",
    rule: "not before it",
    sent: get,
    answers: [dateIn(2), ok],
    isRight: notBefore(1990)
  },
  {
    title: "GET, 503 with `Retry-After: 86400`",
    rule: "once, and say so",
    sent: get,
    answers: [status(503, { "retry-after": "86400" })],
    isRight: once,
    waits: true
  },
  {
    title: "GET, 429 with `RateLimit-Reset: 1`",
    rule: "not before 1 s",
    sent: get,
    answers: [status(429, { "ratelimit-remaining": "0", "ratelimit-reset": "1" }), ok],
    isRight: notBefore(990)
  },
  { title: "GET, connection reset, then 200", rule: "retry", sent: get, answers: [resets, ok], isRight: arrives },
  {
    title: "GET, no answer, then 200",
    rule: "retry, in the end",
    sent: get,
    answers: [hangs, ok],
    isRight: arrives,
    waits: true
  },
  { title: "GET, the body breaks off, then 200", rule: "retry", sent: get, answers: [breaksOff, ok], isRight: arrives },
  {
    title: "GET, redirect to a 503, then 200",
    rule: "retry",
    sent: get,
    answers: [status(302, { location: "/b" }), status(503), ok],
    isRight: arrives
  },
  {
    title: "DELETE, 503, then 200",
    rule: "retry",
    sent: { method: "DELETE" },
    answers: [status(503), ok],
    isRight: arrives
  },
  {
    title: "PUT with a body, 503, then 200",
    rule: "retry, the same body",
    sent: { method: "PUT", body: "12 EUR" },
    answers: [status(503), ok],
    isRight: (seen) => arrives(seen) && seen.requests.every(({ body }) => body === "12 EUR")
  },
  {
    title: "PUT with a stream, 503, then 200",
    rule: "once, or the whole stream",
    sent: { method: "PUT", stream: ["12 ", "EUR"] },
    answers: [status(503), ok],
    isRight: ({ end, requests }) => end !== "waits" && requests.every(({ body }) => body === "12 EUR")
  },
  { title: "POST, 503", rule: "once", sent: post, answers: [status(503), ok], isRight: once },
  { title: "POST, connection reset", rule: "once", sent: post, answers: [resets, ok], isRight: once },
  {
    title: "POST with `Idempotency-Key`, 503, then 200",
    rule: "may retry",
    sent: { ...post, headers: { "idempotency-key": "4711" } },
    answers: [status(503), ok],
    isRight: ends(200, 503)
  }
]
