/** What a poll can look at by itself. */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { connect, type NetConnectOpts } from "node:net"
import type { Server } from "./Grpc.ts"
import type { Request, Trust } from "./Http.ts"
import { known, lookup } from "./Lookup.ts"
import type { Outcome } from "./Outcome.ts"
import * as Redact from "./Redact.ts"

/**
 * One thing that is looked at.
 *
 * - `name`: its name in messages
 * - `check`: one look; `what` of the outcome is why it does not hold
 */
export interface Probe<R = never> {
  readonly name: string
  readonly check: Effect.Effect<Outcome, never, R>
}

const holds: Outcome = { code: 0, what: "ok" }

const fails = (what: string): Outcome => ({ code: 1, what })

const codeOf = (cause: unknown): string =>
  cause instanceof Error
    ? "code" in cause ? String(cause.code) : cause.cause === undefined ? cause.message : codeOf(cause.cause)
    : String(cause)

const failure = (error: unknown): Effect.Effect<Outcome> => Effect.succeed(fails(codeOf(error)))

export interface Address {
  readonly host: string
  readonly port: number
}

const hostAndPort = ({ host, port }: Address): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

const listens = (options: NetConnectOpts): Effect.Effect<Outcome> =>
  Effect.callback<Outcome>((resume) => {
    const socket = connect(options)
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(holds))
    })
    socket.once("error", (error) => resume(failure(error)))
    return Effect.sync(() => socket.destroy())
  })

/** Something listens there. */
export const tcp = (address: Address): Probe => ({
  name: `tcp ${hostAndPort(address)}`,
  check: lookup(address.host).pipe(
    Effect.flatMap((addresses) => listens({ ...address, lookup: known(addresses) })),
    Effect.catch(failure)
  )
})

/** Something listens at this socket. */
export const unix = (path: string): Probe => ({ name: `unix ${Redact.word(path)}`, check: listens({ path }) })

/** The name has an address. */
export const dns = (name: string): Probe => ({
  name: `dns ${name}`,
  check: Effect.catch(Effect.as(lookup(name), holds), failure)
})

/** The server is healthy. */
export const grpc = (server: Server, trust: Trust): Probe => ({
  name: `grpc ${hostAndPort(server)}${server.service === "" ? "" : `/${server.service}`}`,
  check: Effect.promise(() => import("./Grpc.ts")).pipe(
    Effect.flatMap(({ health }) => health(server, trust)),
    Effect.catch(failure)
  )
})

/** A value at a path of a JSON text: any but `false` and `null`, or this one. */
export interface JsonMatch {
  readonly path: string
  readonly value: string | undefined
}

/**
 * - `isExpected`: whether this status is one of those
 * - `body`, `json`: conditions on the body
 */
export interface Answer {
  readonly isExpected: (status: number) => boolean
  readonly body: RegExp | undefined
  readonly json: JsonMatch | undefined
}

const jsonHolds = (body: string, { path, value }: JsonMatch) =>
  Effect.map(Effect.promise(() => import("jsonpath-rfc9535")), ({ query }) => {
    const found = query(JSON.parse(body), path)
    return found.some((it) =>
      value === undefined
        ? it !== null && it !== false
        : it === value || JSON.stringify(it) === value
    )
  }).pipe(
    Effect.catchDefect(() => Effect.succeed(false))
  )

/** A GET is answered like this. */
export const http = (request: Omit<Request, "body">, { body, isExpected, json }: Answer): Probe => ({
  name: `http ${request.socketPath === undefined ? "" : `unix:${request.socketPath} `}${Redact.url(request.url)}`,
  check: Effect.gen(function*() {
    const { get } = yield* Effect.promise(() => import("./Http.ts"))
    const answer = yield* get({ ...request, body: body !== undefined || json !== undefined })
    if (!isExpected(answer.status)) return fails(`status ${answer.status}`)
    if (body !== undefined && !body.test(answer.body)) return fails("the body does not match")
    if (json !== undefined && !(yield* jsonHolds(answer.body, json))) return fails("the JSON does not match")
    return holds
  }).pipe(Effect.catch(failure))
})

/** There is such a file, or folder. The mark is another one when it has changed. */
export const file = (path: string): Probe<FileSystem.FileSystem> => ({
  name: `file ${Redact.word(path)}`,
  check: FileSystem.FileSystem.pipe(
    Effect.flatMap((files) => files.stat(path)),
    Effect.map(({ mtime, size }): Outcome => ({
      ...holds,
      mark: `${size} ${Option.getOrUndefined(mtime)?.getTime()}`
    })),
    Effect.catch(({ reason }) => Effect.succeed(fails(reason._tag === "NotFound" ? "not there" : codeOf(reason))))
  )
})

/** A server that says nothing is not to hold up the next look. */
export const limited = <R>({ check, name }: Probe<R>, limit: Duration.Input, text: string): Probe<R> => ({
  name,
  check: Effect.map(
    Effect.timeoutOption(check, limit),
    Option.getOrElse(() => fails(`no answer in ${text}`))
  )
})

/** It does not hold. */
export const inverted = <R>({ check, name }: Probe<R>): Probe<R> => ({
  name,
  check: Effect.map(check, ({ code }) => code === 0 ? fails("still there") : holds)
})

/** All of them, side by side, and those that do not hold yet: by name, and why. */
export const all = <R>(probes: ReadonlyArray<Probe<R>>) => {
  const pending = new Map(probes.map(({ name }) => [name, "no answer"]))
  const look = (probe: Probe<R>) =>
    Effect.tap(
      Effect.suspend(() => {
        pending.set(probe.name, "no answer")
        return probe.check
      }),
      ({ code, what }) => Effect.sync(() => code === 0 ? pending.delete(probe.name) : pending.set(probe.name, what))
    )
  return {
    check: Effect.map(Effect.forEach(probes, look, { concurrency: "unbounded" }), (outcomes): Outcome => {
      const what = probes.flatMap(({ name }, i) => outcomes[i]?.code === 0 ? [] : [`${name}: ${outcomes[i]?.what}`])
      return Arr.isArrayNonEmpty(what)
        ? fails(what.join(", "))
        : { ...holds, mark: outcomes.map(({ mark }) => mark).join() }
    }),
    pending: () => Array.from(pending, ([name, what]) => `${name}: ${what}`)
  }
}
