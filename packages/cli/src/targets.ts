/** The options for the targets of a poll, and their probes. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { Server } from "./Grpc.ts"
import * as options from "./options.ts"
import * as Probe from "./Probe.ts"

const parsePort = (text: string): Option.Option<number> =>
  Option.filter(Option.some(Number(text)), (port) => /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535)

const parseAddress = (text: string): Option.Option<Probe.Address> => {
  const [, bracketed, host = "", port = ""] = /^(?:(?:\[([^\s/@?#[\]]+)\]|([^\s:/@?#[\]]*)):)?(\d+)$/.exec(text) ?? []
  return Option.map(parsePort(port), (port) => ({ host: bracketed ?? (host === "" ? "localhost" : host), port }))
}

export interface Location {
  readonly url: URL
  readonly socketPath: string | undefined
}

const parsePlainUrl = (text: string): Option.Option<URL> =>
  Option.filter(
    URL.canParse(text) ? Option.some(new URL(text)) : Option.none(),
    ({ hostname, protocol }) => /^https?:$/.test(protocol) && hostname !== "unix"
  )

// A socket as wait-on and got write it: http://unix:/run/api.sock:/health. `http://:8080/` is this machine.
const parseUrl = (text: string): Option.Option<Location> => {
  const [, protocol, socketPath, rest = "/"] = /^(https?:\/\/)unix:([^:]+):(.*)$/.exec(text) ?? []
  return socketPath === undefined
    ? Option.map(
      parsePlainUrl(text.replace(/^(https?:\/\/)(?=:\d)/, "$1localhost")),
      (url) => ({ url, socketPath: undefined })
    )
    : Option.map(
      parsePlainUrl(/^https?:\/\//.test(rest) ? rest : `${protocol}localhost${rest}`),
      (url) => ({ url, socketPath })
    )
}

const parseServer = (text: string): Option.Option<Server> => {
  const [, protocol, address = "", service = ""] = /^(https?:\/\/)?([^/]+)(?:\/([^\s@?#]*))?$/.exec(text) ?? []
  return Option.map(parseAddress(address), (address) => ({ ...address, secure: protocol === "https://", service }))
}

const parseName = (text: string): Option.Option<string> =>
  Option.liftPredicate(text, (text) => /^[^\s:/@?#[\]]+$/.test(text))

// A variable that is not set is no target that holds.
const notEmpty = (text: string): Option.Option<string> => Option.liftPredicate(text, (text) => text.trim() !== "")

type IsExpected = Probe.Answer["isExpected"]

const anyStatus: IsExpected = () => true

const parseStatus = (text: string): Option.Option<IsExpected> => {
  if (text === "any") return Option.some(anyStatus)
  const parts = text.split(",")
  return /^([1-5]\d\d|[1-5]xx)(,([1-5]\d\d|[1-5]xx))*$/.test(text)
    ? Option.some((status) => parts.some((part) => part === String(status) || part === `${Math.floor(status / 100)}xx`))
    : Option.none()
}

const parseRegExp = (text: string): Option.Option<RegExp> =>
  Effect.runSync(Effect.option(Effect.try(() => new RegExp(text, "m"))))

// A value comes after the path, outside of its brackets: $.checks[?@.name=="db"].status=UP
const parseJson = (text: string): Option.Option<Probe.JsonMatch> => {
  const [, path, value] = /^(\$(?:[^[\]=]|\[(?:[^[\]]|\[[^[\]]*\])*\])*)(?:=(.*))?$/s.exec(text) ?? []
  return path === undefined ? Option.none() : Option.some({ path, value })
}

export const flags = {
  tcp: options.repeated(
    options.written("tcp", parseAddress, "an address such as localhost:5432").pipe(
      Flag.withMetavar("HOST:PORT"),
      Flag.withDescription("something listens there")
    )
  ),
  http: options.repeated(
    options.written("http", parseUrl, "a URL such as http://localhost:8080/health").pipe(
      Flag.withMetavar("URL"),
      Flag.withDescription("a GET is answered; http://unix:/SOCKET:/PATH for a socket")
    )
  ),
  file: options.repeated(
    options.written("file", notEmpty, "a path").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription("the file or folder exists")
    )
  ),
  unix: options.repeated(
    options.written("unix", notEmpty, "the path of a socket").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription("something listens at this socket")
    )
  ),
  dns: options.repeated(
    options.written("dns", parseName, "a name such as db.example").pipe(
      Flag.withMetavar("NAME"),
      Flag.withDescription("the name has an address")
    )
  ),
  grpc: options.repeated(
    options.written("grpc", parseServer, "a server such as localhost:50051 or https://api:443/my.Service").pipe(
      Flag.withMetavar("HOST:PORT"),
      Flag.withDescription("the health service answers SERVING; /SERVICE for a single service")
    )
  ),
  check: options.repeated(
    options.written("check", notEmpty, "a command such as 'pg_isready -h db'").pipe(
      Flag.withMetavar("COMMAND"),
      Flag.withDescription("this command, run by sh, exits with 0")
    )
  ),
  invert: options.present("invert").pipe(
    Flag.withDescription("wait until no target holds: the port is closed, the file is gone")
  ),
  stable: options.optional(options.duration("stable", 1)).pipe(
    Flag.withDescription("wait until the targets hold for this long, and files do not change")
  ),
  successes: options.optional(options.count("successes")).pipe(
    Flag.withDescription("wait until the targets hold this many times in a row; default 1")
  ),
  status: options.repeated(
    options.written("status", parseStatus, "status codes such as 200, 200,401, 2xx or any").pipe(
      Flag.withMetavar("CODES"),
      Flag.withDescription("the accepted status of --http: 200,401 or 2xx or any; one for all URLs, or one for each")
    )
  ),
  header: options.repeated(
    Flag.String("header").pipe(
      Flag.withMetavar("'NAME: VALUE'"),
      Flag.withDescription("a header of the request of --http")
    )
  ),
  body: options.optional(options.written("body", parseRegExp, "a regular expression")).pipe(
    Flag.withMetavar("REGEX"),
    Flag.withDescription("a regular expression for the body of --http")
  ),
  json: options.optional(options.written("json", parseJson, "a JSON path such as $.status or $.status=UP")).pipe(
    Flag.withMetavar("PATH"),
    Flag.withDescription("a JSON path in the body of --http: $.status=UP, or just $.ready")
  ),
  noFollow: options.present("no-follow").pipe(Flag.withDescription("follow no redirects of --http")),
  insecure: options.present("insecure").pipe(Flag.withDescription("accept any certificate")),
  cacert: options.optional(Flag.String("cacert")).pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("also trust this certificate authority (PEM)")
  )
}

type Value<F> = F extends Flag.Flag<infer A> ? A : never

export type Input = { readonly [Name in keyof typeof flags]: Value<typeof flags[Name]> }

const targets = ["tcp", "http", "file", "unix", "dns", "grpc", "check"] as const

export const isAny = (input: Input): boolean => targets.some((name) => input[name].length > 0)

const headersOf = (headers: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(headers, (header) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\x20-\x7e\xa0-\xff]*)$/.exec(header) ?? []
      // It may be a secret: its value is not printed.
      return name === undefined || value === undefined
        ? options.misused("Invalid value for flag --header. Expected: a header such as 'Accept: text/html'")
        : Effect.succeed([name, value] as const)
    }),
    (entries): Readonly<Record<string, string>> => Object.fromEntries(entries)
  )

const checkJson = (json: Probe.JsonMatch) =>
  Effect.promise(() => import("jsonpath-rfc9535")).pipe(
    Effect.flatMap(({ query }) => Effect.try(() => query({}, json.path))),
    Effect.catch(() =>
      options.misused(
        `Invalid value for flag --json: "${json.path}". Expected: a JSON path such as $.status or $.status=UP`
      )
    )
  )

const redirects: ReadonlyArray<number> = [301, 302, 303, 307, 308]

const isSuccess: IsExpected = (status) => status >= 200 && status < 300

const given = (flags: Readonly<Record<string, boolean>>) => Object.keys(flags).find((flag) => flags[flag])

const onlyWith = (input: Input) => {
  const { body, cacert, grpc, header, http, insecure, json, noFollow, status } = input
  const ofHttp = {
    "--status": status.length > 0,
    "--header": header.length > 0,
    "--body": body !== undefined,
    "--json": json !== undefined,
    "--no-follow": noFollow
  }
  const ofTls = { "--insecure": insecure, "--cacert": cacert !== undefined }
  if (http.length === 0 && given(ofHttp) !== undefined) return `${given(ofHttp)} is allowed with --http only`
  if (http.length + grpc.length === 0 && given(ofTls) !== undefined) {
    return `${given(ofTls)} is allowed with --http or --grpc only`
  }
  if (insecure && cacert !== undefined) return "Only one of --insecure and --cacert is allowed"
  return status.length > 1 && status.length !== http.length
    ? `--status is given ${status.length} times. Expected: once, or as often as --http`
    : undefined
}

/** What is looked at, without the commands. */
export const probesOf = Effect.fnUntraced(function*(input: Input) {
  const problem = onlyWith(input)
  if (problem !== undefined) return yield* options.misused(problem)
  const { body, cacert, insecure, json, noFollow, status } = input
  const headers = yield* headersOf(input.header)
  if (json !== undefined) yield* checkJson(json)
  const files = yield* FileSystem.FileSystem
  const ca = cacert === undefined ? undefined : yield* files.readFileString(cacert).pipe(
    Effect.catch(() =>
      options.misused(`Invalid value for flag --cacert: "${cacert}". Expected: a file that can be read`)
    )
  )
  const trust = { insecure, ca }
  return [
    ...input.tcp.map(Probe.tcp),
    ...input.http.map((location, i) => {
      const isExpected = status[i] ?? status[0] ?? isSuccess
      const follow = !noFollow && (isExpected === anyStatus || !redirects.some(isExpected))
      return Probe.http({ ...location, ...trust, headers, follow }, { isExpected, body, json })
    }),
    ...input.file.map(Probe.file),
    ...input.unix.map(Probe.unix),
    ...input.dns.map(Probe.dns),
    ...input.grpc.map((server) => Probe.grpc(server, trust))
  ]
})
