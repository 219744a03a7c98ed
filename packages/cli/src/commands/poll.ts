/** `effect-wait poll`: until something holds. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as options from "../options.ts"
import { type Outcome, timedOut, type Verdict } from "../Outcome.ts"
import * as Probe from "../Probe.ts"
import { commandOf, conclude, reportOf, running } from "../running.ts"
import * as Signals from "../Signals.ts"

const parseAddress = (text: string): Option.Option<Probe.Address> => {
  const [, bracketed, host = "", port = ""] = /^(?:\[(.+)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const address = { host: bracketed ?? (host === "" ? "localhost" : host), port: Number(port) }
  return Option.filter(Option.some(address), ({ port }) => port >= 1 && port <= 65_535)
}

// A name and a password would be told with each run, and fetch takes none.
const parseUrl = (text: string): Option.Option<URL> =>
  Option.filter(
    URL.canParse(text) ? Option.some(new URL(text)) : Option.none(),
    ({ protocol, username }) => /^https?:$/.test(protocol) && username === ""
  )

const repeated = <A>(flag: Flag.Flag<A>): Flag.Flag<ReadonlyArray<A>> => Flag.atLeast(flag, 0)

const flags = {
  interval: options.interval,
  backoff: options.backoff,
  factor: options.factor,
  jitter: options.jitter,
  timeout: options.optional(options.duration("timeout", 1)).pipe(
    Flag.withDescription("give up then, with exit 124; default never")
  ),
  immediate: Flag.Boolean("immediate").pipe(
    Flag.withDefault(true),
    Flag.withDescription("check at once; --no-immediate waits first")
  ),
  tcp: repeated(options.written("tcp", parseAddress, "an address such as localhost:5432")).pipe(
    Flag.withMetavar("HOST:PORT"),
    Flag.withDescription("something listens there; may be repeated")
  ),
  http: repeated(options.written("http", parseUrl, "a URL such as http://localhost:8080/health")).pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("a GET is answered with the --status; may be repeated")
  ),
  status: options.optional(options.integer("status", 100, 599)).pipe(
    Flag.withDescription("the status of --http; default any of 200 to 299")
  ),
  file: repeated(Flag.String("file")).pipe(
    Flag.withMetavar("PATH"),
    Flag.withDescription("there is such a file; may be repeated")
  )
}

type Check = Effect.Effect<Outcome, never, ChildProcessSpawner | FileSystem.FileSystem | Scope.Scope | Signals.Signals>

// A server that says nothing is not to hold up the next look.
const limited = <R>(probe: Effect.Effect<Outcome, never, R>): Effect.Effect<Outcome, never, R> =>
  Effect.map(
    Effect.timeoutOption(probe, "10 seconds"),
    Option.getOrElse((): Outcome => ({ code: timedOut, what: "no answer in 10s" }))
  )

// All must hold: the first that does not is the outcome.
const all = (checks: ReadonlyArray<Check>): Check =>
  Effect.reduce(
    checks,
    (): Outcome => ({ code: 0, what: "ok" }),
    (outcome, check) => outcome.code === 0 ? check : Effect.succeed(outcome)
  )

const conclusion = ({ last, reason }: Verdict) => {
  if (reason !== "accepted") return { code: timedOut, what: "timed out" }
  const code = last?.outcome.code ?? 0
  return { code, what: code === 0 ? "ready" : "gave up" }
}

export const poll = Command.make(
  "poll",
  { ...flags, ...running },
  Effect.fnUntraced(function*(input) {
    const { backoff, file, http, interval = backoff === undefined ? 1000 : undefined, status, tcp } = input
    const schedule = yield* options.scheduleOf({ ...input, interval })
    if (status !== undefined && http.length === 0) return yield* options.misused("--status is allowed with --http only")
    const report = yield* reportOf(input)
    const signals = yield* Signals.Signals
    const interrupted = Effect.map(signals.first, (signal): Outcome => ({ code: Signals.codeOf(signal), what: signal }))
    const probes = [
      ...tcp.map(Probe.tcp),
      ...http.map((url) => Probe.http(url, status)),
      ...file.map(Probe.file)
    ].map((probe) => Effect.raceFirst(limited(probe), interrupted))
    const command = commandOf(input, report)
    if (probes.length === 0 && Option.isNone(command)) {
      return yield* options.misused("Nothing to wait for. Expected: a command after --, or --tcp, --http or --file")
    }
    yield* conclude({
      ...input,
      run: all([...probes, ...Option.toArray(command)]),
      schedule,
      accept: ({ code }) => code === 0,
      report,
      conclusion
    })
  })
).pipe(
  Command.provide(Signals.layer),
  Command.withDescription("Run a command until it exits with 0; or wait for a port, a URL or a file"),
  Command.withExamples([
    {
      command: "effect-wait poll --tcp localhost:5432 --timeout 2m && npm start",
      description: "Start when the database listens"
    },
    {
      command: "effect-wait poll --interval 5s -- kubectl rollout status deploy/api --watch=false",
      description: "Ask every 5 seconds"
    },
    {
      command: "effect-wait poll --backoff 100ms..30s --jitter 0.2 -- curl -fsS localhost:8080/health",
      description: "Ask less and less often"
    }
  ])
)
