/** The pictures of the page, and what they say in words. */
import type { Preview } from "@effect-wait/documents/Preview"
import {
  delaysBox,
  gap,
  type Lane,
  outage,
  page,
  type Policy,
  timelines as timelinesOf,
  verdictOf
} from "@effect-wait/draw"
import { number, time } from "@effect-wait/draw/time"
import type { Timeline } from "effect-wait/Timeline"
import * as Crowd from "./Crowd.ts"
import type { Program } from "./Program.ts"

/** What retries without a budget are called. */
export const withoutBudget = "no budget"

/** How many runs are shown, and of how many seeds. */
export const shown = { runs: 12, seeds: 1000, lanes: 4 }

/** Whether it does the same each time. */
export const isFixed = ({ rows }: Preview): boolean => rows.every(({ start }) => start.min === start.max)

const lanesOf = (preview: Preview): ReadonlyArray<Timeline> =>
  preview.lanes.slice(0, isFixed(preview) ? 1 : shown.lanes)

/** When the runs start: one lane, or those of a few seeds. */
export const timelines = (preview: Preview, { period, slots }: Program, width: number): string => {
  const lanes = lanesOf(preview)
  return timelinesOf({
    title: "When it runs",
    description: lanes.length === 1 ? "Its runs, from the first on" : `The runs of ${lanes.length} clients`,
    isInline: true,
    isUntitled: true,
    width,
    lanes: lanes.map((timeline, i): Lane => ({
      name: lanes.length === 1 ? "runs" : `client ${i + 1}`,
      timeline,
      period,
      slots
    }))
  })
}

/** The delays of all seeds. */
export const delays = (preview: Preview, width: number): string => {
  const policy: Policy = { name: preview.name, rows: preview.rows }
  return page({
    title: "Delay before each run",
    description:
      "The delay before each run: its mean, its 95th percentile, and a band from the shortest to the longest",
    isInline: true,
    isUntitled: true,
    width
  }, [delaysBox([policy], width), gap(0)])
}

/** What becomes of the server, under each kind of retry. */
export const crowd = (results: ReadonlyArray<Crowd.Result>, settings: Crowd.Settings, width: number): string => {
  const { capacity, every, from, to } = Crowd.outageOf(settings)
  return outage({
    title: "A server that is down for a while",
    description: results.map(({ strip }) => `${strip.name}: ${verdictOf(strip)}`).join("; "),
    isInline: true,
    isUntitled: true,
    width,
    strips: results.map(({ strip }) => strip),
    every,
    down: [from, to],
    height: 88,
    capacity: Math.round(capacity)
  })
}

const about = (millis: number): string => time(Number(millis.toPrecision(2)))

/** How it ends, in a sentence. */
export const ending = ({ outcome }: Preview): string => {
  switch (outcome.kind) {
    case "never":
      return "Runs without an end."
    case "waits-forever":
      return `Waits for ever after ${number(outcome.runs)} ${outcome.runs === 1 ? "run" : "runs"}.`
    case "unknown":
      return `Goes on for more than ${number(outcome.runs)} runs.`
    case "gives-up": {
      const { after, runs } = outcome
      const count = runs.min === runs.max
        ? `${number(runs.max)} ${runs.max === 1 ? "run" : "runs"}`
        : `${number(runs.min)} to ${number(runs.max)} runs`
      return after.min === after.max
        ? `Ends after ${count} and ${time(after.max)}.`
        : `Ends after ${count} and ${about(after.mean)} on average, ${about(after.max)} at most.`
    }
  }
}

/** What happened to the server, in a sentence for each kind of retry. */
export const verdict = ({ cutAt, isSilent, requests, strip: { name, recovery } }: Crowd.Result): string => {
  const how = name === withoutBudget ? "Without a budget" : `With ${name}`
  if (cutAt !== undefined) return `${how}, there are so many requests that the picture ends after ${time(cutAt)}.`
  if (isSilent) {
    return `${how}, no client calls the server after the outage: their delays are longer than the picture; it is sent ` +
      `${number(requests)} requests.`
  }
  const end = recovery === undefined ? "the server stays down" : `the server is back after ${time(recovery)}`
  return `${how}, ${end}; it is sent ${number(requests)} requests.`
}
