/**
 * The addresses of a name, looked up so that it can be cut.
 *
 * The system's own function cannot: a process does not end before that has. It is what the hosts file and the name servers
 * are asked for here; the system has the last word where these do not know the name.
 */
import * as Effect from "effect/Effect"
import * as dns from "node:dns"
import { readFileSync } from "node:fs"
import { isIP, type LookupFunction } from "node:net"

export type Address = dns.LookupAddress

const lines = (path: string): ReadonlyArray<ReadonlyArray<string>> =>
  Effect.runSync(
    Effect.try(() => readFileSync(path, "utf8")).pipe(
      Effect.map((text) => text.split("\n").map((line) => line.replace(/[#;].*/, "").trim().split(/\s+/))),
      Effect.orElseSucceed(() => [])
    )
  )

const hostsFile = process.platform === "win32"
  ? `${process.env["SystemRoot"] ?? "C:\\Windows"}\\System32\\drivers\\etc\\hosts`
  : "/etc/hosts"

const addressOf = (address: string): ReadonlyArray<Address> => {
  const family = isIP(address)
  return family === 0 ? [] : [{ address, family }]
}

const byHosts = (name: string): ReadonlyArray<Address> => {
  const found = lines(hostsFile).flatMap(([address = "", ...names]) =>
    names.some((known) => known.toLowerCase() === name.toLowerCase()) ? addressOf(address) : []
  )
  const isLocal = /^(.+\.)?localhost\.?$/i.test(name)
  return found.length === 0 && isLocal ? [{ address: "127.0.0.1", family: 4 }, { address: "::1", family: 6 }] : found
}

/** The full names that a name may stand for, in this order; resolv.conf(5). */
export const candidates = (name: string, resolvConf: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  if (name.endsWith(".")) return [name.slice(0, -1)]
  const [, ...search] = resolvConf.findLast(([key]) => key === "search" || key === "domain") ?? []
  const ndots = resolvConf.flatMap(([key, ...options]) => key === "options" ? options : []).findLast((option) =>
    /^ndots:\d+$/.test(option)
  )
  const searched = search.map((domain) => `${name}.${domain}`.replace(/\.$/, ""))
  const isLong = name.split(".").length - 1 >= Number(ndots?.slice("ndots:".length) ?? 1)
  return isLong ? [name, ...searched] : [...searched, name]
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error)

type Answer = { readonly addresses: ReadonlyArray<Address>; readonly isSilent: boolean }

const ask = (name: string): Effect.Effect<Answer> =>
  Effect.callback((resume) => {
    const resolver = new dns.promises.Resolver()
    const queries = [resolver.resolve4(name), resolver.resolve6(name)]
    void Promise.allSettled(queries).then((answers) =>
      resume(Effect.succeed({
        addresses: answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value.flatMap(addressOf) : []),
        isSilent: answers.some((answer) => answer.status === "rejected" && codeOf(answer.reason) === dns.TIMEOUT)
      }))
    )
    return Effect.sync(() => resolver.cancel())
  })

const bySystem = (name: string): Effect.Effect<ReadonlyArray<Address>, Error> =>
  Effect.callback((resume) =>
    dns.lookup(
      name,
      { all: true },
      (error, addresses) => resume(error === null ? Effect.succeed(addresses) : Effect.fail(error))
    )
  )

const silent = Object.assign(new Error("no name server answers"), { code: "ETIMEOUT" })

/** All addresses of a name; an address is its own. */
export const lookup = (host: string): Effect.Effect<ReadonlyArray<Address>, Error> =>
  Effect.gen(function*() {
    const name = host.replace(/^\[(.*)\]$/, "$1")
    const known = isIP(name) === 0 ? byHosts(name) : addressOf(name)
    if (known.length > 0) return known
    let isSilent = false
    for (const candidate of candidates(name, lines("/etc/resolv.conf"))) {
      const answer = yield* ask(candidate)
      if (answer.addresses.length > 0) return answer.addresses
      isSilent ||= answer.isSilent
    }
    return yield* isSilent ? Effect.fail(silent) : bySystem(name)
  })

/** What a socket takes for its lookup: addresses that are known. */
export const known = (addresses: ReadonlyArray<Address>): LookupFunction => (_, options, callback) => {
  const [first] = addresses
  // Sockets expect it later.
  process.nextTick(() =>
    options.all === true ? callback(null, [...addresses]) : callback(null, first?.address ?? "", first?.family ?? 4)
  )
}
