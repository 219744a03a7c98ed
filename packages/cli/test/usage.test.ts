import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import manifest from "../package.json" with { type: "json" }
import { loop } from "../src/commands/loop.ts"
import { poll } from "../src/commands/poll.ts"
import { retry } from "../src/commands/retry.ts"
import { switches } from "../src/options.ts"
import { folder, sh } from "./run.ts"

const durations = "a duration such as 100ms, 1.5s or 2m30s"
const positive = `${durations}, longer than 0`
const jitters = "a factor of 0 or more such as 0.2, a range such as 0.8..1.2, full, or equal"
const backoffs = "a range such as 100ms..30s, or 100ms..inf, that begins above 0"
const addresses = "an address such as localhost:5432"
const urls = "a URL such as http://localhost:8080/health"
const names = "a name such as db.example"
const statuses = "status codes such as 200, 200,401, 2xx or any"
const servers = "a server such as localhost:50051 or https://api:443/my.Service"
const counts = "an integer of 1 or more"
const crons = (why: string) => `a cron expression such as '*/5 * * * *' (${why})`
const noFields =
  "\"* * *\": write five fields (minute, hour, day, month, weekday), six with the second first, or one of @yearly @annually " +
  "@monthly @weekly @daily @midnight @hourly; no year, user or command"
const dates = "a date such as 2026-03-29 or 2026-03-29T01:30Z"
const exits = "exit codes of 1 to 255 such as 75,111 or 1..123"

/** A value that is not allowed for an option. */
const values: ReadonlyArray<readonly [command: string, flag: string, value: string, allowed: string]> = [
  ["poll", "--interval", "-1s", durations],
  ["poll", "--interval", "NaN", durations],
  ["poll", "--timeout", "soon", `${durations}, longer than 0`],
  ["poll", "--timeout", "-.5s", `${durations}, longer than 0`],
  ["poll", "--timeout", "0", `${durations}, longer than 0`],
  ["poll", "--http", "http://unix:/run/api.sock", urls],
  ["poll", "--tcp", "tcp://localhost:5432", addresses],
  ["poll", "--tcp", "a b:80", addresses],
  ["poll", "--dns", "a b", names],
  ["poll", "--dns", "db:5432", names],
  ["poll", "--grpc", "localhost", servers],
  ["poll", "--body", "(", "a regular expression"],
  ["poll", "--json", "status", "a JSON path such as $.status or $.status=UP"],
  ["poll", "--successes", "0", counts],
  ["poll", "--stable", "0", positive],
  ["poll", "--attempt-timeout", "0", positive],
  ["poll", "--grace", "-1ms", durations],
  ["poll", "--jitter", "-0.2", jitters],
  ["poll", "--jitter", "1.2..0.8", jitters],
  ["poll", "--backoff", "0..1s", backoffs],
  ["poll", "--tcp", "localhost", addresses],
  ["poll", "--tcp", "localhost:0", addresses],
  ["poll", "--tcp", "localhost:65536", addresses],
  ["poll", "--tcp", "::1:80", addresses],
  ["poll", "--http", "localhost:8080", urls],
  ["poll", "--http", "ftp://localhost", urls],
  ["poll", "--status", "ok", statuses],
  ["poll", "--status", "99", statuses],
  ["poll", "--status", "600", statuses],
  ["poll", "--status", "6xx", statuses],
  ["poll", "--status", "200;401", statuses],
  ["loop", "--period", "-10s", durations],
  ["loop", "--cron", "* * *", crons(noFields)],
  ["loop", "--cron", "61 * * * *", crons("minute \"61\": write 0 to 59, a range a-b, a step */n, or a list of these")],
  ["loop", "--cron", "@reboot", crons("@reboot is no time: write --immediate beside another --cron")],
  ["loop", "--cron", "@every 5m", crons("@every is no time of a calendar: use --period 5m --ticker")],
  [
    "loop",
    "--cron",
    "H 0 * * *",
    crons("minute \"H\": random values are not supported: write a fixed value, and spread the runs with --jitter")
  ],
  ["loop", "--cron", "0 0 30 2 *", crons("no date ever matches: there is no day 30 in month 2")],
  ["preview", "--from", "tomorrow", dates],
  ["preview", "--from", "12:00", dates],
  ["preview", "--from", "5", dates],
  ["preview", "--from", "2026-13-01", dates],
  ["preview", "--from", "2026-03-29T25:00", dates],
  ["loop", "--times", "0", counts],
  ["retry", "--attempts", "-1", counts],
  ["retry", "--attempts", "0", counts],
  ["retry", "--attempts", "1.5", counts],
  ["retry", "--attempts", "1e3", counts],
  ["retry", "--within", "2", durations],
  ["retry", "--on-exit", "0", exits],
  ["retry", "--on-exit", "256", exits],
  ["retry", "--on-exit", "75,", exits],
  ["retry", "--on-exit", "5..1", exits],
  ["retry", "--on-exit", "0..5", exits],
  ["retry", "--on-exit", "200..256", exits],
  ["retry", "--on-exit", "1-5", exits],
  ["retry", "--on-exit", "75, 111", exits],
  ["retry", "--factor", "-2", "a number of 0 or more"],
  ["retry", "--factor", "NaN", "a number of 0 or more"],
  ["retry", "--log", "xml", "\"text\" | \"json\""]
]

const hostHelp = "-h is --help, and nothing comes after it. Expected, for a host: --tcp HOST:PORT"

/** What does not go together, or is not enough. */
const conflicts: ReadonlyArray<readonly [options: string, message: string]> = [
  ["poll", "Nothing to wait for. Expected: a command, or --tcp, --http, --file, --unix, --dns, --grpc or --check"],
  ["poll --header a:b --tcp :1", "--header is allowed with --http only"],
  ["poll --body a --tcp :1", "--body is allowed with --http only"],
  ["poll --json $.a --tcp :1", "--json is allowed with --http only"],
  ["poll --no-follow --tcp :1", "--no-follow is allowed with --http only"],
  ["poll --insecure --tcp :1", "--insecure is allowed with --http or --grpc only"],
  ["poll --insecure --cacert ca.pem --http http://a", "Only one of --insecure and --cacert is allowed"],
  [
    "poll --cacert no.pem --http http://a",
    "Invalid value for flag --cacert: \"no.pem\". Expected: a file that can be read"
  ],
  [
    "poll --json $[?] --http http://a",
    "Invalid value for flag --json: \"$[?]\". Expected: a JSON path such as $.status or $.status=UP"
  ],
  [
    "poll --status 200 --status 2xx --http http://a",
    "--status is given 2 times. Expected: once, or as often as --http"
  ],
  [
    "poll --http http://a --header Authorization=secret",
    "Invalid value for flag --header. Expected: a header such as 'Accept: text/html'"
  ],
  [
    "loop --period 1s --health - -- COMMAND",
    "Invalid value for flag --health: \"-\". Expected: a file that can be written (no name)"
  ],
  ["preview --backoff 1s..2s --json --svg -", "Only one of --json and --svg - is allowed: both go to stdout"],
  [
    "poll --header X:✓ --http http://a",
    "Invalid value for flag --header. Expected: a header such as 'Accept: text/html'"
  ],
  ["poll tcp:5432", "\"tcp:5432\" is a target, not a command. Expected: --tcp 5432"],
  ["poll tcp://db:5432 -- COMMAND", "\"tcp://db:5432\" is a target, not a command. Expected: --tcp db:5432"],
  ["poll -q http://db/x", "\"http://db/x\" is a target, not a command. Expected: --http http://db/x"],
  ["poll https-get://db/x", "\"https-get://db/x\" is a target, not a command. Expected: --http https://db/x"],
  ["poll --file . db:5432 -- COMMAND", "\"db:5432\" is a target, not a command. Expected: --tcp db:5432"],
  ["poll :5432", "\":5432\" is a target, not a command. Expected: --tcp :5432"],
  ["poll [::1]:5432", "\"[::1]:5432\" is a target, not a command. Expected: --tcp [::1]:5432"],
  ["poll file:/run/ready", "\"file:/run/ready\" is a target, not a command. Expected: --file /run/ready"],
  ["poll socket:/run/s", "\"socket:/run/s\" is a target, not a command. Expected: --unix /run/s"],
  ["poll unix:///run/s", "\"unix:///run/s\" is a target, not a command. Expected: --unix /run/s"],
  ["poll -h db -p 5432", hostHelp],
  ["retry -h db", hostHelp],
  [
    "poll -v --tcp 1 -- COMMAND",
    "-v is --version, and stands alone. A line for each run is the default; see --quiet and --log"
  ],
  ["poll --interval 1s --backoff 1s..2s -- COMMAND", "Only one of --interval and --backoff is allowed"],
  ["poll --status 200 -- COMMAND", "--status is allowed with --http only"],
  ["loop -- COMMAND", "The period is missing. Expected: --period or --cron"],
  ["loop --period 1s", "Nothing to run. Expected: a command after --"],
  ["loop --cron @EXPRESSION --ticker -- COMMAND", "--ticker is allowed with --period only"],
  ["loop --period 1s --immediate -- COMMAND", "--immediate is allowed with --cron only"],
  ["loop --cron @EXPRESSION --period 1s -- COMMAND", "Only one of --period and --cron is allowed"],
  [
    "loop --period 0 --ticker -- COMMAND",
    "Invalid value for flag --period: \"0\". Expected: longer than 0, with --ticker"
  ],
  [
    "loop --period 1s --until-success --survive -- COMMAND",
    "Only one of --until-success and --survive is allowed"
  ],
  ["retry", "Nothing to retry. Expected: a command after --"],
  ["retry --attempts 2 --", "Nothing to retry. Expected: a command after --"],
  ["retry --jitter 0.2 --full-jitter -- COMMAND", "Only one of --jitter and --full-jitter is allowed"]
]

/** As other tools call it, and what it is here. */
const foreign: ReadonlyArray<readonly [words: string, unknown: string, expected: string]> = [
  ["poll --reverse --tcp 1", "--reverse", "--invert"],
  ["poll --httpTimeout 1000 --http http://x", "--httpTimeout", "--attempt-timeout"],
  ["poll --expect-status-code 200 --http http://x", "--expect-status-code", "--status"],
  ["poll -t 15 true", "-t", "--timeout"],
  ["poll -wait tcp://db:1", "--wait", "--tcp, --http, --file or --unix"],
  ["poll -wait-retry-interval 1s true", "--wait-retry-interval", "--interval"],
  ["poll --strict --tcp 1", "--strict", "no option: the command starts only after all targets hold"],
  ["retry --max_attempts 3 true", "--max_attempts", "--attempts"],
  ["retry --retry-wait-seconds 10 true", "--retry-wait-seconds", "--backoff 10s..10s"],
  ["retry --timeout 1s true", "--timeout", "--attempt-timeout, for a single run"],
  ["retry -k 5s true", "-k", "--grace"],
  ["loop -n 2 true", "-n", "--period"],
  ["loop --errexit true", "--errexit", "no option: a failure ends the loop, unless there is a --survive"]
]

/** What is no option and no command. */
const unknown: ReadonlyArray<readonly [options: string, stderr: string]> = [
  [
    "polll sleep 1",
    `effect-wait: Unknown subcommand "polll" for "effect-wait"

  Did you mean this?
    poll
Try: effect-wait --help
`
  ],
  [
    "xyzzy",
    `effect-wait: Unknown subcommand "xyzzy" for "effect-wait"
Try: effect-wait --help
`
  ],
  [
    "--verbos",
    `effect-wait: Unrecognized flag: --verbos in command effect-wait
Try: effect-wait --help
`
  ],
  [
    "poll --intervall 1s -- COMMAND",
    `effect-wait: Unrecognized flag: --intervall in command effect-wait poll

  Did you mean this?
    --interval
Try: effect-wait poll --help
`
  ],
  [
    "retry --verbose ls",
    `effect-wait: Unrecognized flag: --verbose in command effect-wait retry
Try: effect-wait retry --help
`
  ],
  [
    "retry --no-quiet -- COMMAND",
    `effect-wait: Unrecognized flag: --no-quiet in command effect-wait retry
Try: effect-wait retry --help
`
  ],
  [
    "retry --attempts= -- COMMAND",
    `effect-wait: Missing value for flag --attempts. Expected: an integer of 1 or more
Try: effect-wait retry --help
`
  ],
  [
    "retry --attempts",
    `effect-wait: Missing value for flag --attempts. Expected: N
Try: effect-wait retry --help
`
  ],
  [
    "retry --attempts 1 --attempts 2 -- COMMAND",
    `effect-wait: Invalid value for flag --attempts: "2 occurrences". Expected: at most 1 value
Try: effect-wait retry --help
`
  ]
]

describe.concurrent("bad input", () => {
  const refused = (options: ReadonlyArray<string>, expected: string) =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr, stdout } = yield* run(options)
      assert.strictEqual(stderr, expected)
      assert.strictEqual(stdout, "")
      assert.strictEqual(code, 64)
      assert.strictEqual(runs(), 0)
    })

  const command = sh("exit 0").slice(1)

  const words = (options: string) =>
    options.split(" ").flatMap((word) =>
      word === "COMMAND" ? command : word === "@EXPRESSION" ? ["*/5 * * * *"] : [word]
    )

  it.live.each(values)("%s takes no %s \"%s\"", ([name, flag, value, allowed]) =>
    refused(
      [name, flag, value, "--", ...command],
      `effect-wait: Invalid value for flag ${flag}: ${JSON.stringify(value)}. Expected: ${allowed}\n`
        + `Try: effect-wait ${name} --help\n`
    ))

  it.live.each(conflicts)(
    "refuses \"%s\"",
    ([options, message]) => refused(words(options), `effect-wait: ${message}\n`)
  )

  it.live.each(foreign)("names what is meant by \"%s\"", ([options, option, expected]) => {
    const [name = ""] = options.split(" ")
    return refused(
      words(options),
      `effect-wait: Unrecognized flag: ${option} in command effect-wait ${name}

  Did you mean this?
    ${expected}
Try: effect-wait ${name} --help
`
    )
  })

  it.live.each([
    ["watch -n 1 true", "watch", "loop"],
    ["wait-on tcp:1", "wait-on", "poll"],
    ["timeout 1 true", "timeout", "retry --attempts 1 --attempt-timeout"]
  ])("names what is meant by \"%s\"", ([options = "", command, expected]) =>
    refused(
      words(options),
      `effect-wait: Unknown subcommand "${command}" for "effect-wait"

  Did you mean this?
    ${expected}
Try: effect-wait --help
`
    ))

  // A variable that is not set is not a target that holds.
  it.live.each([["file", "a path"], ["unix", "the path of a socket"], ["dns", names], [
    "check",
    "a command such as 'pg_isready -h db'"
  ]])("refuses an empty --%s", ([flag, allowed]) =>
    refused(
      ["poll", `--${flag}`, ""],
      `effect-wait: Missing value for flag --${flag}. Expected: ${allowed}\nTry: effect-wait poll --help\n`
    ))

  it.live.each(unknown)("refuses \"%s\"", ([options, stderr]) => refused(words(options), stderr))
})

describe.concurrent("help", () => {
  const shown = (options: string, ...parts: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr, stdout } = yield* run(options)
      assert.strictEqual(stderr, "")
      parts.forEach((part) => assert.include(stdout, part))
      assert.strictEqual(code, 0)
      return stdout
    })

  it.live.each(["--help", "-h"])(
    "lists the commands: effect-wait %s",
    (options) => shown(options, "effect-wait <subcommand> [flags]", "\n  poll ", "\n  loop ", "\n  retry ")
  )

  it.live.each(
    [
      ["poll", ["--interval DURATION", "--tcp HOST:PORT", "--http URL", "--file PATH", "--timeout DURATION"]],
      ["loop", ["--period DURATION", "--cron CRON", "--survive", "--health FILE"]],
      ["retry", ["--attempts N", "--backoff FROM..TO", "--on-exit CODES", "--attempt-timeout DURATION"]]
    ] as const
  )(
    "tells of %s and its options",
    ([name, flags]) => shown(`${name} --help`, `effect-wait ${name} [flags]`, "EXAMPLES", ...flags, "--grace DURATION")
  )

  it.live("is not asked for by an option of the command", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stdout } = yield* run("retry --quiet -- echo --help --version")
      assert.strictEqual(stdout, "--help --version\n")
    }))

  it.live.each([["help retry", "retry"], ["retry -h", "retry"], ["poll --tcp 1 -h", "poll"]])(
    "tells of a command by \"%s\"",
    ([options = "", name]) => shown(options, `effect-wait ${name} [flags]`)
  )

  it.live.each(["--version", "-v", "retry --version", "version"])(
    "tells the version: effect-wait %s",
    (options) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* shown(options), `effect-wait v${manifest.version}\n`)
      })
  )

  it.live.each(["bash", "zsh", "fish"])(
    "completes for %s",
    (shell) => shown(`--completions ${shell}`, "effect-wait", "retry", "attempt-timeout")
  )
})

describe.concurrent("a command", () => {
  it.live.each(
    [
      ["retry --quiet echo -v --help -h -q --timeout 1s -- --version", "-v --help -h -q --timeout 1s -- --version\n"],
      ["retry --attempts 2 -q echo --attempts 3", "--attempts 3\n"],
      ["poll -timeout 10s -interval=1ms -quiet echo -timeout", "-timeout\n"],
      ["retry -q --attempts=2 echo -n", ""],
      ["loop --times 1 --immediate --cron @daily -q echo -v", "-v\n"],
      ["loop --period 0 --times 1 -q echo -- -v", "-- -v\n"],
      ["poll --no-immediate --interval 1ms -q echo --immediate", "--immediate\n"],
      ["poll --interval 0 -q echo a --help", "a --help\n"],
      ["poll --file . -q echo -5 --file", "-5 --file\n"],
      ["poll --insecure --http http://[::1]:1 --invert -q echo --insecure", "--insecure\n"]
    ] as const
  )(
    "takes all that comes after its first word, with or without --: %s",
    ([options, expected]) =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { code, stderr, stdout } = yield* run(options)
        assert.deepStrictEqual({ code, stderr, stdout }, { code: 0, stderr: "", stdout: expected })
      })
  )

  it.live.each([poll, loop, retry].map(({ name }) => name))(
    "begins after options whose values are known: %s",
    (name) =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { stdout } = yield* run(`${name} --help`)
        const bare = [...stdout.matchAll(/^  --([a-z-]+)(, -\w)?(?:  |$)/gm)].map(([, flag = ""]) => flag)
        assert.isAtLeast(bare.length, 2)
        assert.deepStrictEqual(bare.filter((flag) => !switches.has(flag)), [])
        const valued = [...stdout.matchAll(/^  --([a-z-]+) \S/gm)].map(([, flag = ""]) => flag)
        assert.isAtLeast(valued.length, 5)
        assert.deepStrictEqual(valued.filter((flag) => switches.has(flag)), [])
      })
  )

  it.live("takes options with =", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr } = yield* run(["retry", "--attempts=1", "--backoff=1ms..1ms", ...sh("exit 3")])
      assert.strictEqual(code, 3)
      assert.match(stderr, /gave up after 1 run/)
    }))
})
