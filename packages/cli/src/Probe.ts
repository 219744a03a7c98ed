/** What a poll can look at by itself. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { connect } from "node:net"
import type { Outcome } from "./Outcome.ts"

const holds: Outcome = { code: 0, what: "ok" }

const fails = (what: string): Outcome => ({ code: 1, what })

const codeOf = (cause: unknown): string =>
  cause instanceof Error
    ? "code" in cause ? String(cause.code) : cause.cause === undefined ? cause.message : codeOf(cause.cause)
    : String(cause)

export interface Address {
  readonly host: string
  readonly port: number
}

/** Something listens there. */
export const tcp = ({ host, port }: Address): Effect.Effect<Outcome> =>
  Effect.callback<Outcome>((resume) => {
    const socket = connect({ host, port })
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(holds))
    })
    socket.once("error", (error) =>
      resume(Effect.succeed(fails(`tcp ${host.includes(":") ? `[${host}]` : host}:${port}: ${codeOf(error)}`))))
    return Effect.sync(() =>
      socket.destroy()
    )
  })

const isRedirect = (status = 200): boolean => status >= 300 && status < 400

/** A GET, redirects followed where none is asked for, is answered with this status; with any of 200 to 299 where none is asked for. */
export const http = (url: URL, status: number | undefined): Effect.Effect<Outcome> =>
  Effect.tryPromise((signal) =>
    fetch(url, { signal, redirect: isRedirect(status) ? "manual" : "follow" }).then((response) =>
      response.body?.cancel().then(() => response) ?? response
    )
  ).pipe(
    Effect.map((response) =>
      (status === undefined ? response.ok : response.status === status)
        ? holds
        : fails(`http ${url.href}: status ${response.status}`)
    ),
    Effect.catch(({ cause }) => Effect.succeed(fails(`http ${url.href}: ${codeOf(cause)}`)))
  )

/** There is such a file, or folder. */
export const file = (path: string): Effect.Effect<Outcome, never, FileSystem.FileSystem> =>
  FileSystem.FileSystem.pipe(
    Effect.flatMap((files) => files.exists(path)),
    Effect.map((exists) => exists ? holds : fails(`file ${path}: not there`)),
    Effect.catch((error) => Effect.succeed(fails(`file ${path}: ${error.reason._tag}`)))
  )
