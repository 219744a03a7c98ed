/** One GET, through a proxy or a socket too, at any port. */
import * as Effect from "effect/Effect"
import { HttpProxyAgent } from "http-proxy-agent"
import { HttpsProxyAgent } from "https-proxy-agent"
import type { IncomingHttpHeaders } from "node:http"
import * as http from "node:http"
import * as https from "node:https"
import { getProxyForUrl } from "proxy-from-env"
import { type Address, known, lookup } from "./Lookup.ts"

/** How a certificate is checked. */
export interface Trust {
  readonly insecure: boolean
  readonly ca: string | undefined
}

/**
 * - `socketPath`: the socket it is asked at
 * - `follow`: redirects are followed
 * - `body`: the body is read, up to 4 MiB of it
 */
export interface Request extends Trust {
  readonly url: URL
  readonly socketPath: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly follow: boolean
  readonly body: boolean
}

export interface Response {
  readonly status: number
  readonly body: string
}

interface Answer extends Response {
  readonly headers: IncomingHttpHeaders
}

const mostBytes = 2 ** 22

const mostRedirects = 20

const isLoopback = ({ hostname }: URL): boolean => /^(.+\.)?localhost$|^127\.|^\[::1\]$/.test(hostname)

const proxyOf = (url: URL): string => isLoopback(url) ? "" : getProxyForUrl(url.href)

// A name or password of a URL; one that nobody encoded is taken as it is.
const decoded = (text: string): string =>
  Effect.runSync(Effect.orElseSucceed(Effect.try(() => decodeURIComponent(text)), () => text))

// Its credentials are encoded, however they were written.
const proxyUrl = (text: string): Effect.Effect<URL, Error> =>
  Effect.try(() => new URL(text)).pipe(
    Effect.filterOrFail(({ protocol }) => /^https?:$/.test(protocol)),
    Effect.map((url) => {
      url.username = encodeURIComponent(decoded(url.username))
      url.password = encodeURIComponent(decoded(url.password))
      return url
    }),
    Effect.mapError(() => new Error("the proxy that is set is not one for HTTP"))
  )

// The socket to a proxy that never answers is not one of the request.
const agentOf = (url: URL, proxy: URL, addresses: ReadonlyArray<Address>, signal: AbortSignal) => {
  const options = { lookup: known(addresses), signal }
  return url.protocol === "https:" ? new HttpsProxyAgent(proxy, options) : new HttpProxyAgent(proxy, options)
}

const authorization = ({ password, username }: URL): Readonly<Record<string, string>> => {
  const plain = `${decoded(username)}:${decoded(password)}`
  return plain === ":" ? {} : { authorization: `Basic ${Buffer.from(plain).toString("base64")}` }
}

const once = ({ body, ca, headers, insecure, socketPath, url }: Request): Effect.Effect<Answer, Error> =>
  Effect.gen(function*() {
    const asked = socketPath === undefined ? proxyOf(url) : ""
    const proxy = asked === "" ? undefined : yield* proxyUrl(asked)
    const addresses = socketPath === undefined ? yield* lookup((proxy ?? url).hostname) : []
    const cut = new AbortController()
    const agent = proxy === undefined ? false : agentOf(url, proxy, addresses, cut.signal)
    const target = new URL(url)
    target.username = ""
    target.password = ""
    return yield* Effect.callback<Answer, Error>((resume) => {
      const { request } = url.protocol === "https:" ? https : http
      const sent = request(target, {
        agent,
        headers: { accept: "*/*", "user-agent": "effect-wait", ...authorization(url), ...headers },
        ...socketPath === undefined ? {} : { socketPath },
        ...addresses.length === 0 ? {} : { lookup: known(addresses) },
        ...insecure ? { rejectUnauthorized: false } : {},
        ...ca === undefined ? {} : { ca }
      }, (response) => {
        const chunks: Array<Buffer> = []
        let bytes = 0
        const done = () => {
          resume(Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString()
          }))
          sent.destroy()
        }
        response.on("error", (error) => resume(Effect.fail(error)))
        if (!body) return done()
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk)
          bytes += chunk.length
          if (bytes >= mostBytes) done()
        })
        response.on("end", done)
      })
      sent.on("error", (error) => resume(Effect.fail(error)))
      sent.end()
      return Effect.sync(() => {
        sent.destroy()
        cut.abort()
      })
    })
  })

const locationOf = ({ headers: { location }, status }: Answer, { url }: Request): URL | undefined =>
  location !== undefined && [301, 302, 303, 307, 308].includes(status) && URL.canParse(location, url)
    ? new URL(location, url)
    : undefined

/** It fails with the error of the socket, where there is no answer. */
export const get = (request: Request, redirects = 0): Effect.Effect<Response, Error> =>
  Effect.gen(function*() {
    const answer = yield* once(request)
    const url = request.follow ? locationOf(answer, request) : undefined
    if (url === undefined) return answer
    if (redirects === mostRedirects) return yield* Effect.fail(new Error("redirect count exceeded"))
    if (!/^https?:$/.test(url.protocol)) return yield* Effect.fail(new Error(`redirect to ${url.protocol}`))
    // What was sent for one server is not for another.
    const isSame = url.origin === request.url.origin
    if (isSame && url.username === "") {
      url.username = request.url.username
      url.password = request.url.password
    }
    return yield* get(
      isSame ? { ...request, url } : { ...request, url, headers: {}, socketPath: undefined },
      redirects + 1
    )
  })
