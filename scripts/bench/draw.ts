/** The picture: how many times faster or lighter than each peer, by the median, on a scale of powers of ten. */
import type { Finding, Result } from "./report.ts"

/** Some of the claims of a section, by their texts. */
interface Group {
  readonly heading: string
  readonly section: string
  readonly rows: Readonly<Record<string, string>>
}

/** What is shown. A claim that was not made is left out, as one about a Go that is not there. */
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

const width = 860
const [left, right] = [340, width - 70]
const row = 22

const decades = { from: -1, to: 3 } as const
const x = (times: number): number => {
  const power = Math.min(Math.max(Math.log10(times), decades.from), decades.to)
  return Math.round(left + (power - decades.from) / (decades.to - decades.from) * (right - left))
}

// Readable on white and on black.
const [gray, blue, orange] = ["#6e7781", "#2f81f7", "#d1752a"]

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
const label = (at: number, y: number, text: string, more = ""): string =>
  `<text x="${at}" y="${y}" ${more}>${escape(text)}</text>`

const mark = (at: number, y: number): string => `<path d="M${at} ${y}v${row - 4}" stroke="${orange}" stroke-width="3"/>`

const timesOf = ({ ratio }: Finding): number => ratio.median > 0 ? 1 / ratio.median : Infinity

const bar = (finding: Finding, name: string, y: number): ReadonlyArray<string> => {
  const times = timesOf(finding)
  const [begin, end] = [Math.min(x(1), x(times)), Math.max(x(1), x(times))]
  // An overhead may be too small to be told from none.
  const figure = times > 10 ** decades.to
    ? `> ${(10 ** decades.to).toLocaleString("en")}`
    : times >= 10
    ? Math.round(times).toLocaleString("en")
    : times.toPrecision(2)
  const target = finding.atMost === undefined ? undefined : x(1 / finding.atMost)
  return [
    label(left - 8, y + 12, name, `text-anchor="end"`),
    `<rect x="${begin}" y="${y}" width="${Math.max(end - begin, 1)}" height="${row - 8}" rx="2" fill="${blue}"/>`,
    target === undefined ? "" : mark(target, y - 2),
    label(Math.max(end, target ?? 0) + 8, y + 12, figure, `font-weight="bold"`)
  ]
}

/** An SVG of what was found. */
export const draw = (results: ReadonlyArray<Result>): string => {
  const lines: Array<string> = []
  let y = 24
  for (const { heading, rows, section } of groups) {
    const claims = results.find(({ title }) => title === section)?.claims.filter(({ text }) => text in rows) ?? []
    if (claims.length === 0) continue
    lines.push(label(12, y + 14, heading, `font-weight="bold"`))
    y += row + 2
    for (const finding of claims) {
      lines.push(...bar(finding, rows[finding.text]!, y))
      y += row
    }
    y += 10
  }
  const powers = Array.from({ length: decades.to - decades.from + 1 }, (_, i) => 10 ** (decades.from + i))
  const grid = powers.flatMap((times) => [
    `<path d="M${x(times)} 20V${y}" stroke="${gray}" stroke-opacity="${times === 1 ? 1 : 0.35}"/>`,
    label(x(times), y + 16, `${times.toLocaleString("en")}x`, `text-anchor="middle"`)
  ])
  const title = "effect-wait beside its peers"
  const height = y + 28
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img"`,
    `  font-family="system-ui, sans-serif" font-size="13" fill="${gray}">`,
    `<title>${title}</title>`,
    ...grid,
    ...lines,
    mark(14, y + 2),
    label(22, y + 16, "target"),
    "</svg>\n"
  ].join("\n")
}
