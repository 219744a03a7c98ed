/** The clients, as they come: with their own defaults. A stream is what each of them takes for one. */
import { create, isAxiosError } from "axios"
import axiosRetry from "axios-retry"
import { Effect, Schedule, Stream } from "effect"
import { Backoff, Jitter, Limit } from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import { FetchHttpClient, HttpBody, HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import got, { HTTPError as GotError } from "got"
import ky, { HTTPError as KyError } from "ky"
import { Readable } from "node:stream"
import type { Seen, Sent } from "./situations.ts"

type End = Exclude<Seen["end"], "waits">

export type Client = (url: string, sent: Sent, signal: AbortSignal) => Promise<End>

const encoder = new TextEncoder()
const webStream = (parts: ReadonlyArray<string>) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(encoder.encode(part))
      controller.close()
    }
  })

const requestOf = (url: string, { body, headers, method, stream }: Sent) => {
  const request = HttpClientRequest.make(method)(url, { headers })
  if (stream !== undefined) {
    return HttpClientRequest.setBody(
      request,
      HttpBody.stream(Stream.fromIterable(stream.map((part) => encoder.encode(part))))
    )
  }
  return body === undefined ? request : HttpClientRequest.setBody(request, HttpBody.text(body))
}

const read = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.map(response.text, (body) => ({ status: response.status, body }))

const run = (effect: Effect.Effect<End, unknown, HttpClient.HttpClient>, signal: AbortSignal): Promise<End> =>
  Effect.runPromise(
    effect.pipe(Effect.catch(() => Effect.succeed("error" as const)), Effect.provide(FetchHttpClient.layer)),
    { signal }
  )

// What Effect's documentation shows: it has no default schedule.
const transient = { times: 2, schedule: Schedule.exponential("100 millis") }
// What ours shows.
const schedule = Backoff.exponential({ base: "100 millis", cap: "10 seconds" }).pipe(Jitter.full, Limit.attempts(3))

export const clients: Readonly<Record<string, Client>> = {
  async "axios-retry"(url, { body, headers = {}, method, stream }, signal) {
    const client = create()
    axiosRetry(client)
    return client.request<string>({
      url,
      method,
      headers,
      signal,
      responseType: "text",
      data: stream === undefined ? body : Readable.from(stream)
    }).then(
      ({ data, status }) => ({ status, body: data }),
      (error: unknown) =>
        isAxiosError(error) && error.response !== undefined
          ? { status: error.response.status, body: String(error.response.data) }
          : "error"
    )
  },
  async got(url, { body, headers = {}, method, stream }, signal) {
    const given = stream === undefined ? body : Readable.from(stream)
    return got(url, { method, headers, signal, ...(given === undefined ? {} : { body: given }) }).then(
      ({ body, statusCode }) => ({ status: statusCode, body }),
      (error: unknown) =>
        error instanceof GotError ? { status: error.response.statusCode, body: String(error.response.body) } : "error"
    )
  },
  async ky(url, { body, headers = {}, method, stream }, signal) {
    const given = stream === undefined ? body : webStream(stream)
    const init = given === undefined ? {} : { body: given, ...(stream === undefined ? {} : { duplex: "half" }) }
    return ky(url, { method, headers, signal, ...init }).then(
      async (response) => ({ status: response.status, body: await response.text() })
    ).catch((error: unknown) => error instanceof KyError ? { status: error.response.status, body: "" } : "error")
  },
  retryTransient: (url, sent, signal) =>
    run(
      Effect.flatMap(HttpClient.HttpClient, (client) =>
        Effect.flatMap(HttpClient.retryTransient(client, transient).execute(requestOf(url, sent)), read)),
      signal
    ),
  HttpRetry: (url, sent, signal) =>
    run(HttpRetry.request(requestOf(url, sent), read, schedule, { attemptTimeout: "3 seconds" }), signal)
}
