/** The controls: what they are called, what they say, and the values that arrows and sliders go through. */
import { ways } from "./documents.ts"
import { inUse, type Name, type State } from "./State.ts"

export type Field =
  | {
    readonly kind: "choice"
    readonly label: string
    readonly options: ReadonlyArray<readonly [value: string, label: string]>
    readonly groups?: ReadonlyArray<readonly [label: string, values: ReadonlyArray<string>]>
  }
  /** A text, with a slider if there are `steps`. */
  | {
    readonly kind: "text"
    readonly label: string
    readonly steps?: ReadonlyArray<string>
    /** What an empty field means. */
    readonly empty?: string
  }
  | { readonly kind: "area"; readonly label: string }

const millis = ["1ms", "2ms", "5ms", "10ms", "20ms", "50ms", "100ms", "200ms", "500ms"]
const seconds = ["1s", "2s", "3s", "5s", "10s", "15s", "20s", "30s"]
const minutes = ["1m", "2m", "5m", "10m", "15m", "30m"]
const short = [...millis, ...seconds, ...minutes, "1h"]

const tenths = (from: number, to: number) =>
  Array.from({ length: Math.round(10 * (to - from)) + 1 }, (_, i) => String(Number((from + i / 10).toFixed(1))))

const whole = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i))

const missed = [["", "as the schedule does by itself"], ["one", "one run for all"], ["skip", "none"], [
  "all",
  "one run each"
]] as const

export const fields: Readonly<Record<Name, Field>> = {
  source: {
    kind: "choice",
    label: "Schedule from",
    options: [["controls", "Controls"], ["document", "A policy document"]]
  },
  kind: {
    kind: "choice",
    label: "Schedule",
    options: [
      ["exponential", "Backoff.exponential"],
      ["linear", "Backoff.linear"],
      ["decorrelated", "Backoff.decorrelated"],
      ["decorrelatedV2", "Backoff.decorrelatedV2"],
      ["delays", "Backoff.fromDelays"],
      ["sliding", "Period.sliding"],
      ["nonSliding", "Period.nonSliding"],
      ["ticker", "Period.ticker"],
      ["cron", "Period.cron"]
    ],
    groups: [
      ["Backoff: the delays grow", ["exponential", "linear", "decorrelated", "decorrelatedV2", "delays"]],
      ["Period: the delays stay", ["sliding", "nonSliding", "ticker", "cron"]]
    ]
  },
  base: { kind: "text", label: "First delay", steps: short },
  factor: { kind: "text", label: "Factor", steps: tenths(1, 5) },
  increment: { kind: "text", label: "Increment", steps: short },
  cap: { kind: "text", label: "Longest delay", steps: [...short, "inf"] },
  delays: { kind: "text", label: "Delays" },
  period: { kind: "text", label: "Period", steps: short },
  cron: { kind: "text", label: "Expression" },
  zone: { kind: "text", label: "Time zone", empty: "of this machine" },
  from: { kind: "text", label: "Begins", empty: "now" },
  missed: { kind: "choice", label: "Missed slots", options: missed },
  jitter: {
    kind: "choice",
    label: "Jitter",
    options: [
      ["none", "none"],
      ["full", "full: from 0 to the delay"],
      ["equal", "equal: from half of the delay"],
      ["additive", "additive: a share on top"],
      ["between", "between two factors"]
    ]
  },
  share: { kind: "text", label: "Share", steps: tenths(0, 2) },
  least: { kind: "text", label: "Least factor", steps: tenths(0, 2) },
  most: { kind: "text", label: "Greatest factor", steps: tenths(0, 2) },
  attempts: { kind: "text", label: "Attempts", empty: "no limit", steps: ["", ...whole(1, 20), "30", "50", "100"] },
  within: { kind: "text", label: "Within", empty: "no limit", steps: ["", ...short] },
  document: { kind: "area", label: "Policy document" },
  as: { kind: "choice", label: "Read as", options: ways },
  policy: { kind: "choice", label: "Policy", options: [] },
  work: { kind: "text", label: "A run takes", steps: ["0", ...short] },
  slow: { kind: "text", label: "The third run takes", empty: "as long", steps: ["", ...short] },
  clients: { kind: "text", label: "Clients", steps: whole(1, 200) },
  down: {
    kind: "text",
    label: "The server is down for",
    steps: ["1s", "2s", "5s", "10s", "20s", "30s", ...minutes, "1h"]
  },
  failure: {
    kind: "choice",
    label: "While it is down, it",
    options: [["hangs", "hangs: requests wait"], ["refuses", "refuses all requests"]]
  },
  budget: {
    kind: "choice",
    label: "Retry budget",
    options: [
      ["none", "none"],
      ["throttling", "throttling, as in gRPC"],
      ["quota", "quota, as in AWS' SDKs"],
      ["ratio", "10 % retries, as in Google's SRE book"]
    ]
  }
}

/** The choices in use that are none of their options. A link can have such a choice. */
export const wrongChoices = (state: State): ReadonlyArray<{ readonly field: Name; readonly reason: string }> =>
  Array.from(inUse(state)).flatMap((name) => {
    const field = fields[name]
    const isRight = field.kind !== "choice" || name === "policy" ||
      field.options.some(([value]) => value === state[name])
    return isRight
      ? []
      : [{ field: name, reason: `has no choice ${JSON.stringify(state[name].slice(0, 40))}: choose another` }]
  })

/** The form that each field is in, and what it is for. */
export const sections: ReadonlyArray<readonly [form: string, legend: string, fields: ReadonlyArray<Name>]> = [
  ["controls", "Schedule", [
    "source",
    "document",
    "as",
    "policy",
    "kind",
    "base",
    "factor",
    "increment",
    "cap",
    "delays",
    "period",
    "cron",
    "zone",
    "from",
    "missed",
    "jitter",
    "share",
    "least",
    "most",
    "attempts",
    "within"
  ]],
  ["controls", "Work", ["work", "slow"]],
  ["crowd-controls", "Crowd", ["clients", "down", "failure", "budget"]]
]
