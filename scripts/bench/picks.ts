/** The claims that are shown, and the table of them. */
import { readFileSync, writeFileSync } from "node:fs"
import { figure, type Finding, part, type Result } from "./report.ts"

/** Some of the claims of a section, by their texts. */
interface Group {
  readonly heading: string
  readonly section: string
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
    heading: "Retry.run, a success: times as fast as",
    section: "A success, of an asynchronous call",
    rows: {
      "Retry.run : p-retry, awaited": "p-retry, awaited",
      "Retry.run : Effect.promise(cockatiel)": "cockatiel in an Effect"
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
    heading: "To start a loop: times as fast as",
    section: "to start a loop, one of 100,000, up to its sleep",
    rows: {
      "scoped Loop.run : scoped Effect.repeat": "Effect.repeat",
      "scoped Loop.run : Go wait.UntilWithContext": "Go wait.UntilWithContext"
    }
  },
  {
    heading: "Timeline.simulate, a step: times as fast as",
    section: "a step of a loop in time that nobody waits for",
    rows: {
      "Timeline.simulate sliding : TestClock, Loop.run sliding": "TestClock"
    }
  }
]

/** What is shown of a section: its claims, and what their peers are called. */
interface Picked {
  readonly heading: string
  readonly medians: ReadonlyMap<string, number>
  readonly findings: ReadonlyArray<{ readonly name: string; readonly finding: Finding }>
}

/** What is shown of the results. Only a claim about a Go that is not there may be missing. */
export const pick = (results: ReadonlyArray<Result>): ReadonlyArray<Picked> =>
  groups.map(({ heading, rows, section }) => {
    const result = results.find(({ title }) => title === section)
    const findings = Object.entries(rows).flatMap(([text, name]) => {
      const finding = result?.claims.find((claim) => claim.text === text)
      if (finding === undefined && !text.includes("Go ")) throw new Error(`${section}: nobody claims ${text}`)
      return finding === undefined ? [] : [{ name, finding }]
    })
    return { heading, medians: new Map(result?.series.map(({ median, name }) => [name, median])), findings }
  })

const begin = "<!-- What follows is written by the benchmark. -->"
const end = "<!-- That was written by the benchmark. -->"

/** Puts the table into a file, between the lines that say so. */
export const tabulate = (file: string, measured: string, results: ReadonlyArray<Result>): void => {
  const table = [
    measured,
    "",
    "| beside | ours | theirs | ratio: least, median, most | target |",
    "|---|---|---|---|---|"
  ]
  for (const { findings, heading, medians } of pick(results)) {
    table.push(`| **${heading}** | | | | |`)
    for (const { finding: { atMost, ours, peer, ratio }, name } of findings) {
      const { max, median, min } = ratio
      const ratios = min === max ? part(median) : [min, median, max].map(part).join(" &nbsp; ")
      const [our, their] = [ours, peer].map((name) => figure(medians.get(name) ?? NaN))
      table.push(`| ${name} | ${our} | ${their} | ${ratios} | ${atMost === undefined ? "" : part(atMost)} |`)
    }
  }
  const text = readFileSync(file, "utf8")
  const [before, after] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  if (before < begin.length || after < before) throw new Error(`${file} has no place for the table`)
  writeFileSync(file, `${text.slice(0, before)}\n\n${table.join("\n")}\n\n${text.slice(after)}`)
}
