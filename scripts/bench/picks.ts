/** The claims that are shown, and the table of them. */
import { readFileSync, writeFileSync } from "node:fs"
import { figure, type Finding, part, type Result } from "./report.ts"

/** Some of the claims of a section, by their texts. */
interface Group {
  readonly heading: string
  readonly section: string
  /** Where that is no comparison with a peer. */
  readonly onlyInTable?: true
  readonly rows: Readonly<Record<string, string>>
}

const groups: ReadonlyArray<Group> = [
  {
    heading: "Loop.run, an iteration: times as fast as",
    section: "An iteration without a delay",
    rows: {
      "Loop.run sliding : Effect.repeat spaced(0)": "Effect.repeat: a fixed delay",
      "Loop.run nonSliding : Effect.repeat fixed(0)": "Effect.repeat: a fixed rate",
      "Loop.run sliding, additive : Effect.repeat spaced(0), jittered": "Effect.repeat: with jitter",
      "Loop.run exponential, full, attempts : Effect.repeat exponential(0), jittered, upTo times":
        "Effect.repeat: exponential, jitter, attempts",
      "Loop.run sliding : Go JitterUntilWithContext, period 0": "Go wait.JitterUntilWithContext"
    }
  },
  {
    heading: "Loop.run with a name, an iteration with its span and metrics",
    section: "An iteration without a delay",
    onlyInTable: true,
    rows: {
      "Loop.run sliding, with a name : Effect.repeat spaced(0), with a span":
        "Effect.repeat with a span, without metrics"
    }
  },
  {
    heading: "Poll.until, a check: times as fast as",
    section: "A check without a delay",
    rows: {
      "Poll.until sliding : Effect.repeat { until }": "Effect.repeat({ until })",
      "Poll.until sliding : Go PollUntilContextCancel, interval 0": "Go wait.PollUntilContextCancel"
    }
  },
  {
    heading: "Retry.run, a failed attempt: times as fast as",
    section: "A failed attempt without a delay",
    rows: {
      "Retry.run sliding : Effect.retry spaced(0)": "Effect.retry: a fixed delay",
      "Retry.run exponential, full, attempts : Effect.retry exponential(0), jittered, upTo times":
        "Effect.retry: exponential, jitter, attempts"
    }
  },
  {
    heading: "Retry.run, a rejection: times less overhead than",
    section: "An attempt that awaits one and the same rejected promise",
    rows: {
      "Retry.run, over a bare Effect loop : p-retry, over a bare loop": "p-retry",
      "Retry.run, over a bare Effect loop : cockatiel, its timers made microtasks, over a bare loop":
        "cockatiel, its timers left out",
      "Retry.run, over a bare Effect loop : exponential-backoff, its timers made microtasks, over a bare loop":
        "exponential-backoff, its timers left out",
      "Retry.run, over a bare Effect loop : async-retry, its timers made microtasks, over a bare loop":
        "async-retry, its timers left out"
    }
  },
  {
    heading: "Our schedules under plain Effect.repeat, an iteration",
    section: "A schedule under Effect.repeat, an iteration without a delay",
    onlyInTable: true,
    rows: {
      "sliding, additive, attempts : spaced, jittered, upTo times": "Effect's: with jitter and attempts",
      "exponential, full, attempts, within : exponential, jittered, upTo both":
        "Effect's: exponential, jitter, attempts, a time"
    }
  },
  {
    heading: "Retry.run, a success of a synchronous effect: times less overhead than",
    section: "A success, of a synchronous effect",
    rows: {
      "Retry.run, over bare Effect : Effect.retry exponential, jittered, upTo, over bare Effect": "Effect.retry"
    }
  },
  {
    heading: "Retry.run, a success of a call, overhead",
    section: "A success, of an asynchronous call",
    onlyInTable: true,
    rows: {
      "Retry.run, over bare Effect : Effect.retry exponential, jittered, upTo, over bare Effect": "Effect.retry"
    }
  },
  {
    heading: "Retry.run, a success of a call: times as fast as",
    section: "A success, of an asynchronous call",
    rows: {
      "Retry.run : Effect.promise(p-retry)": "p-retry, in an Effect",
      "Retry.run : Effect.promise(cockatiel)": "cockatiel, in an Effect",
      "Retry.run : p-retry, awaited": "p-retry, without any Effect",
      "Retry.run : cockatiel, awaited": "cockatiel, without any Effect"
    }
  },
  {
    heading: "Memory of a sleeping loop: times lighter than",
    section: "a sleeping loop, of 100,000",
    rows: {
      "Loop.run sliding : Effect.repeat spaced": "Effect.repeat: a fixed delay",
      "Loop.run jittered : Effect.repeat spaced.jittered": "Effect.repeat: with jitter",
      "Loop.run sliding : Go wait.UntilWithContext": "a goroutine in Go wait.UntilWithContext",
      "Loop.run sliding : setInterval": "setInterval"
    }
  },
  {
    heading: "Memory of a sleeping loop, beside the bare one",
    section: "a sleeping loop, of 100,000",
    onlyInTable: true,
    rows: {
      "Loop.run nonSliding : Effect.repeat spaced": "non-sliding; Effect.repeat",
      "Loop.run with name : Loop.run sliding": "with a name",
      "Loop.run with stop : Loop.run sliding": "with a stop",
      "Loop.forkScoped : scoped Loop.run": "with a handle, in a Scope"
    }
  },
  {
    heading: "To start a loop: times as fast as",
    section: "to start a loop, one of 100,000, up to its sleep",
    rows: {
      "scoped Loop.run : scoped Effect.repeat": "Effect.repeat",
      "scoped Loop.run : Go wait.UntilWithContext": "Go wait.UntilWithContext"
    }
  },
  {
    heading: "To close a Scope, for each loop",
    section: "to end a loop, one of 100,000, by closing their Scope",
    onlyInTable: true,
    rows: {
      "scoped Loop.run : scoped Effect.sleep": "a fiber that only sleeps",
      "scoped Loop.run : Go wait.UntilWithContext": "Go wait.UntilWithContext"
    }
  },
  {
    heading: "Timeline.simulate, a step: times as fast as",
    section: "a step of a loop in time that nobody waits for",
    rows: {
      "Timeline.simulate sliding : TestClock, Loop.run sliding": "TestClock"
    }
  },
  {
    heading: "A tick each 10 ms, how far from its slot, the 99th of 100",
    section: "10 s of ticks, among 10,000 other loops; each 2 s are a round",
    onlyInTable: true,
    rows: {
      "Period.ticker, p99 : setInterval, p99": "setInterval, which drifts",
      "Period.ticker, p99 : setInterval, its gaps, p99": "setInterval, one gap at a time"
    }
  },
  {
    heading: "The command line, from its start to its command",
    section: "the command line, from its start to the first output of its command",
    onlyInTable: true,
    rows: {
      "effect-wait retry -- echo : 250 ms": "the limit, 250 ms",
      "effect-wait retry -- echo : node -e 0": "node -e 0"
    }
  },
  {
    heading: "The command line, resident while it waits",
    section: "the command line, while it waits",
    onlyInTable: true,
    rows: { "effect-wait loop --period 1h : node, a timer": "node with a timer" }
  },
  {
    heading: "To load the library in Node",
    section: "to load a module in Node, with what it needs of Effect",
    onlyInTable: true,
    rows: {
      "effect-wait : effect/Effect": "effect/Effect alone",
      "effect-wait : effect": "all of effect"
    }
  },
  {
    heading: "Bytes that an import adds, min+gzip",
    section: "what an import adds to a small program in Effect",
    onlyInTable: true,
    rows: {
      "Backoff and Jitter : 2200 bytes": "Backoff and Jitter; the limit",
      "all but Policy, cron and hedge : 8000 bytes": "all but Policy, cron and hedge; the limit",
      "all but Policy, cron and hedge : cockatiel": "the same; all of cockatiel"
    }
  },
  {
    heading: "Bytes that named imports of the packed library add, min+gzip",
    section: "what named imports add to a small program in Effect, from the packed library",
    onlyInTable: true,
    rows: {
      "Loop.run, esbuild : 6000 bytes": "Loop.run, esbuild; the limit",
      "Loop.run, Rollup : 8500 bytes": "Loop.run, Rollup; the limit",
      "Loop.run, Vite : 9500 bytes": "Loop.run, Vite; the limit",
      "Backoff, Jitter, Limit, Rollup : 2000 bytes": "Backoff, Jitter and Limit, Rollup; the limit",
      "Retry.run and what it needs of Effect, Vite : p-retry": "Retry.run with what it needs of Effect, Vite; p-retry"
    }
  },
  {
    heading: "The same, in a service that logs, counts and traces",
    section: "what named imports add to a service in Effect that logs, counts and traces, from the packed library",
    onlyInTable: true,
    rows: {
      "Loop.run by its own path, esbuild : 6000 bytes": "Loop.run by its own path, esbuild; 6 kB",
      "Loop.run, Rollup : 8500 bytes": "Loop.run, Rollup; the limit",
      "Loop.run, Vite : 9500 bytes": "Loop.run, Vite; the limit"
    }
  }
]

/** What is shown of a section: its claims, and what their peers are called. */
interface Picked {
  readonly heading: string
  readonly medians: ReadonlyMap<string, number>
  readonly findings: ReadonlyArray<{ readonly name: string; readonly finding: Finding }>
}

/** What the picture shows of the results. Only a claim about a Go that is not there may be missing. */
export const pickDrawn = (results: ReadonlyArray<Result>): ReadonlyArray<Picked> =>
  pickOf(groups.filter(({ onlyInTable = false }) => !onlyInTable), results)

/** What the table shows, which is more. */
const pick = (results: ReadonlyArray<Result>): ReadonlyArray<Picked> => pickOf(groups, results)

const pickOf = (groups: ReadonlyArray<Group>, results: ReadonlyArray<Result>): ReadonlyArray<Picked> => {
  const hasGo = results.some(({ series }) => series.some(({ name }) => name.startsWith("Go ")))
  return groups.map(({ heading, rows, section }) => {
    const result = results.find(({ title }) => title === section)
    const findings = Object.entries(rows).flatMap(([text, name]) => {
      const finding = result?.claims.find((claim) => claim.text === text)
      if (finding === undefined && (hasGo || !text.includes("Go "))) {
        throw new Error(`${section}: nobody claims ${text}`)
      }
      return finding === undefined ? [] : [{ name, finding }]
    })
    const medians = new Map(result?.series.map(({ median, name }) => [name, median]))
    return { heading, medians, findings }
  })
}

const begin = "<!-- What follows is written by the benchmark. -->"
const end = "<!-- That was written by the benchmark. -->"

/** Puts lines into a file, between the lines that say so. */
const insert = (file: string, lines: ReadonlyArray<string>): void => {
  const text = readFileSync(file, "utf8")
  const [before, after] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  if (before < begin.length || after < before) throw new Error(`${file} has no place for the table`)
  writeFileSync(file, `${text.slice(0, before)}\n\n${lines.join("\n")}\n\n${text.slice(after)}`)
}

const cells = (medians: ReadonlyMap<string, number>, { ours, peer }: Finding): string =>
  [ours, peer].map((name) => figure(medians.get(name) ?? NaN)).join(" | ")

/** Puts all rows into the guide. */
export const tabulate = (file: string, measured: string, results: ReadonlyArray<Result>): void => {
  const table = [
    measured,
    "",
    "| beside | ours | theirs | ratio: least, median, most | target |",
    "|---|---|---|---|---|"
  ]
  for (const { findings, heading, medians } of pick(results)) {
    // What single rounds cannot tell from zero is noise.
    const clear = findings.filter(({ finding: { ratio } }) => ratio.min > 0)
    if (clear.length > 0) table.push(`| **${heading.split(":")[0]}** | | | | |`)
    for (const { finding, name } of clear) {
      const { aim, atMost, ratio: { max, median, min }, verdict } = finding
      const ratios = min === max ? part(median) : [min, median, max].map(part).join(" &nbsp; ")
      const target = aim ?? atMost
      const reached = target === undefined ? "" : `${part(target)}${verdict === "ok" ? "" : ", not reached"}`
      table.push(`| ${name} | ${cells(medians, finding)} | ${ratios} | ${reached} |`)
    }
  }
  insert(file, table)
}

/** The rows of the front page: what it is, the section, the claim. */
const front = [
  [
    "an iteration of a loop, CPU time",
    "An iteration without a delay",
    "Loop.run sliding : Effect.repeat spaced(0)",
    "`Effect.repeat`",
    "ns"
  ],
  [
    "a sleeping loop, memory",
    "a sleeping loop, of 100,000",
    "Loop.run sliding : Effect.repeat spaced",
    "`Effect.repeat`",
    "bytes"
  ],
  [
    "a check of a poll",
    "A check without a delay",
    "Poll.until sliding : Effect.repeat { until }",
    "`Effect.repeat`",
    "ns"
  ],
  [
    "a failed attempt",
    "A failed attempt without a delay",
    "Retry.run sliding : Effect.retry spaced(0)",
    "`Effect.retry`",
    "ns"
  ],
  [
    "a call that succeeds, what a retry adds",
    "A success, of an asynchronous call",
    "Retry.run, over bare Effect : Effect.retry exponential, jittered, upTo, over bare Effect",
    "`Effect.retry`",
    "ns"
  ],
  [
    "`Loop.run` in a bundle of Vite, min+gzip",
    "what named imports add to a small program in Effect, from the packed library",
    "Loop.run, Vite : cockatiel",
    "all of cockatiel, without Effect",
    "bytes"
  ]
] as const

/** Puts six rows into the front page. */
export const tabulateFront = (file: string, results: ReadonlyArray<Result>): void => {
  const rows = front.map(([what, section, text, peer, unit]) => {
    const result = results.find(({ title }) => title === section)
    const finding = result?.claims.find((claim) => claim.text === text)
    if (finding === undefined) throw new Error(`${section}: nobody claims ${text}`)
    const medians = new Map(result?.series.map(({ median, name }) => [name, median]))
    return `| ${what} | ${cells(medians, finding).replaceAll(" | ", ` ${unit} | `)} ${unit} | ${peer} |`
  })
  insert(file, ["| | here | there | |", "|---|---|---|---|", ...rows])
}
