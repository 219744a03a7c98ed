/** What the page says about a loop. */
import { time } from "@effect-wait/draw/time"
import type { Info, Run } from "../src/DashboardApi.ts"

/** `bad`: somebody should look at it. `quiet`: nothing happens, as it should be. */
export type Mood = "good" | "busy" | "quiet" | "late" | "bad"

export interface Health {
  readonly mood: Mood
  readonly word: string
}

export const healthOf = ({ consecutiveFailures, healthy, state }: Info): Health => {
  if (state === "ended") return healthy ? { mood: "quiet", word: "ended" } : { mood: "bad", word: "failed" }
  if (state === "paused") return { mood: "quiet", word: "paused" }
  if (consecutiveFailures > 0) return { mood: "bad", word: "failing" }
  if (!healthy) return { mood: "late", word: "late" }
  return state === "running" ? { mood: "busy", word: "running" } : { mood: "good", word: "waiting" }
}

/** A name as it is shown: one of blanks could neither be seen nor clicked. */
export const nameOf = ({ name }: Info): string => name.trim() === "" ? JSON.stringify(name) : name

/** For a sentence: a name may be longer than the page. */
export const shortName = (info: Info): string => {
  const name = nameOf(info)
  return name.length > 60 ? `${name.slice(0, 60)}\u2026` : name
}

/** The filters of the page, and the loops that they show. */
export const filters = {
  all: () => true,
  failing: ({ mood }: Health) => mood === "bad",
  late: ({ mood }: Health) => mood === "late",
  paused: ({ word }: Health) => word === "paused",
  ended: ({ word }: Health) => word === "ended" || word === "failed"
} as const

export type Filter = keyof typeof filters

export const filterNames = Object.keys(filters) as ReadonlyArray<Filter>

/** In whole seconds from one second on, so that a countdown counts. */
export const span = (millis: number): string =>
  millis < 1000 ? time(Math.max(0, Math.round(millis))) : time(Math.floor(millis / 1000) * 1000)

export const took = ({ end, start }: Pick<Run, "start" | "end">): string => time(Math.max(0, end - start))

// It takes milliseconds to make, so the start of the page does not wait for it.
let clock: Intl.DateTimeFormat | undefined

export const date = (millis: number): string =>
  (clock ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" })).format(millis)

export const ago = (millis: number, now: number): string =>
  now - millis < 1000 ? "just now" : `${span(now - millis)} ago`

/** When the next run is, as a countdown. */
export const next = ({ lastStart, nextStart, state }: Info, now: number): string => {
  if (state === "running") {
    return lastStart === null || now - lastStart < 1000
      ? "running"
      : `running for ${span(now - lastStart)}`
  }
  if (state === "paused") return "paused"
  if (state === "ended") return "none"
  if (nextStart === null) return "\u2013"
  const rest = nextStart - now
  // Between a slot and the news of its run there are some hundred milliseconds.
  return rest > 0
    ? `in ${span(Math.max(1000, Math.ceil(rest / 1000) * 1000))}`
    : rest > -2000
    ? "now"
    : `${span(-rest)} overdue`
}

export const last = ({ history, lastEnd, lastStart, state }: Info, now: number): string => {
  const run = history.at(-1)
  if (run !== undefined) return `${ago(run.end, now)}, took ${took(run)}`
  if (lastEnd !== null) return ago(lastEnd, now)
  return lastStart === null || state === "running" ? "never" : ago(lastStart, now)
}

/** With a comma for each thousand. `toLocaleString` would take milliseconds before the first number. */
export const digits = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",")

export const count = (n: number, one: string, many: string): string => `${digits(n)} ${n === 1 ? one : many}`

export const missedSlots = (n: number): string => count(n, "slot missed", "slots missed")
