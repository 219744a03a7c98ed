/**
 * The addresses of a name, looked up so that it can be cut.
 *
 * The system's own function, getaddrinfo, cannot be cut: a process does not end before that function has. So the hosts file and
 * the name servers are read here. Where these do not know the name, another process calls getaddrinfo: that one can be killed.
 */
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
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

const notFound = Object.assign(new Error("there is no such name"), { code: "ENOTFOUND" })

const inProcess = (name: string): Effect.Effect<ReadonlyArray<Address>, Error> =>
  Effect.callback((resume) =>
    dns.lookup(
      name,
      { all: true },
      (error, addresses) => resume(error === null ? Effect.succeed(addresses) : Effect.fail(error))
    )
  )

// Each address is there three times, once for each type of socket.
const addressesIn = (output: string): ReadonlyArray<Address> =>
  Array.from(new Set(output.split("\n").map((line) => line.split(/\s/)[0] ?? ""))).flatMap(addressOf)

/** What getaddrinfo says. `getent` is a part of the C libraries of Linux; a system without it has no way to cut this. */
const bySystem = (name: string): Effect.Effect<ReadonlyArray<Address>, Error> =>
  Effect.callback<ReadonlyArray<Address>, Error>((resume) => {
    const child = execFile("getent", ["ahosts", "--", name], { killSignal: "SIGKILL" }, (error, output) => {
      const addresses = addressesIn(output)
      if (addresses.length > 0) return resume(Effect.succeed(addresses))
      resume(error !== null && typeof error.code === "string" ? inProcess(name) : Effect.fail(notFound))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

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
