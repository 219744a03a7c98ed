/** One GET, through a proxy or a socket too, at any port. */
import * as Effect from "effect/Effect"
import { HttpProxyAgent } from "http-proxy-agent"
import { HttpsProxyAgent } from "https-proxy-agent"
import type { IncomingHttpHeaders } from "node:http"
import * as http from "node:http"
import * as https from "node:https"
import { getProxyForUrl } from "proxy-from-env"
import { known, lookup } from "./Lookup.ts"

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

const agentOf = (url: URL, proxy: string) => {
  if (proxy === "") return undefined
  return url.protocol === "https:" ? new HttpsProxyAgent(proxy) : new HttpProxyAgent(proxy)
}

const authorization = ({ password, username }: URL): Readonly<Record<string, string>> => {
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return plain === ":" ? {} : { authorization: `Basic ${Buffer.from(plain).toString("base64")}` }
}

const once = ({ body, ca, headers, insecure, socketPath, url }: Request): Effect.Effect<Answer, Error> =>
  Effect.gen(function*() {
    const proxy = socketPath === undefined ? proxyOf(url) : ""
    const agent = yield* Effect.try({
      try: () => agentOf(url, proxy),
      catch: () => new Error("the proxy that is set is not one for HTTP")
    })
    const addresses = socketPath === undefined && proxy === "" ? yield* lookup(url.hostname) : []
    const target = new URL(url)
    target.username = ""
    target.password = ""
    return yield* Effect.callback<Answer, Error>((resume) => {
      const { request } = url.protocol === "https:" ? https : http
      const sent = request(target, {
        agent: agent ?? false,
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
      return Effect.sync(() => sent.destroy())
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
