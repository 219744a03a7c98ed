/**
 * `effect-wait herd`, once its options are read: many clients that write the same row, under each policy. The experiment of
 * AWS' "Exponential Backoff And Jitter".
 */
import { charts } from "@effect-wait/draw"
import * as Backoff from "effect-wait/Backoff"
import { Herd } from "effect-wait/testing"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { type Asked, asked, type Named } from "./Document.ts"
import { show } from "./drawSvg.ts"
import { columns, counted, labelsOf, legend, table, trimmed, wrap } from "./drawText.ts"
import { misused } from "./options.ts"
import * as Policy from "./Policy.ts"
import { rounded } from "./Preview.ts"
import { tell } from "./Report.ts"
import { format, toInput } from "./Time.ts"

/** The mean of several rounds. The time is in milliseconds. */
export interface Contention extends Named {
  readonly time: number
  readonly calls: number
  readonly written: number
}

interface Size {
  readonly clients: number
  readonly rounds: number
}

const growing = { kind: "exponential", base: 10, factor: 2, cap: 2000 } as const

/** Those of AWS. */
export const five: ReadonlyArray<Named> = [
  { name: "none", policy: Policy.fromSettings({ base: { kind: "sliding", period: 0 } }) },
  { name: "exponential", policy: Policy.fromSettings({ base: growing }) },
  { name: "equal", policy: Policy.fromSettings({ base: growing, jitter: { kind: "equal" } }) },
  { name: "full", policy: Policy.fromSettings({ base: growing, jitter: { kind: "full" } }) },
  {
    name: "decorrelated",
    policy: Policy.make(
      Policy.call("Backoff.decorrelated", Backoff.decorrelated, { base: toInput(5), cap: toInput(2000) })
    )
  }
]

// Who waits for longer than anybody lives has given up.
const mortal = ({ policy }: Named) =>
  Schedule.while(policy.schedule, ({ duration }) => Duration.toMillis(duration) < 1e15)

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Simulates rounds of clients. The same numbers give the same result: the seeds are 0, 1, 2 and so on. */
export const contend = (named: Named, { clients, rounds }: Size) =>
  Effect.forEach(
    Array.from({ length: rounds }, (_, seed) => seed),
    (seed) => Random.withSeed(Herd.contend(mortal(named), { clients }), seed)
  ).pipe(
    Effect.map((results): Contention => ({
      name: named.name,
      policy: named.policy,
      time: mean(results.map(({ time }) => time)),
      calls: mean(results.map(({ calls }) => calls)),
      written: mean(results.map(({ written }) => written))
    }))
  )

export const toJson = ({ clients, rounds }: Size, results: ReadonlyArray<Contention>) => ({
  clients,
  rounds,
  policies: results.map(({ calls, name, policy, time, written }) => ({
    name,
    code: policy.code,
    notes: policy.notes,
    time: rounded(time),
    calls: rounded(calls),
    callsPerClient: rounded(calls / clients),
    written: rounded(written),
    gaveUp: rounded(clients - written)
  }))
})

const grouped = (n: number): string =>
  n < 100 ? String(Number(n.toFixed(1))) : n.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",")

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

const bar = (share: number, width: number): string => {
  const length = Math.max(1, Math.round(share * width * 8))
  return `${"█".repeat(Math.floor(length / 8))}${eighths[length % 8] ?? ""}`.padEnd(width)
}

const widestBar = 24

/** A table; the best of those that wrote most is marked. */
export const toText = ({ clients, rounds }: Size, results: ReadonlyArray<Contention>, width: number): string => {
  const labels = labelsOf(results)
  const margin = labels.reduce((longest, label) => Math.max(longest, label.length), "policy".length)
  const most = results.reduce((most, { written }) => Math.max(most, written), 0)
  const fair = results.filter(({ written }) => written === most)
  const column = (of: (result: Contention) => number, write: (n: number) => string) => {
    const least = fair.reduce((least, result) => Math.min(least, of(result)), Infinity)
    const isBest = (result: Contention) => results.length > 1 && fair.includes(result) && of(result) === least
    return results.map((result) => `${write(of(result))}${isBest(result) ? "*" : " "}`)
  }
  const times = column(({ time }) => time, format)
  const calls = column(({ calls }) => calls, grouped)
  const rows = (bars: number) => {
    const greatest = (of: (result: Contention) => number) =>
      results.reduce((greatest, result) => Math.max(greatest, of(result)), 0)
    const drawn = (of: (result: Contention) => number) => (result: Contention) =>
      bars === 0 ? [] : [bar(of(result) / greatest(of), bars)]
    const time = drawn(({ time }) => time)
    const call = drawn(({ calls }) => calls)
    const blank = bars === 0 ? [] : [""]
    return table([
      ["policy".padEnd(margin), "time ", ...blank, "calls ", ...blank, "per client", "written", "gave up"],
      ...results.map((result, i) => [
        (labels[i] ?? "").padEnd(margin),
        times[i] ?? "",
        ...time(result),
        calls[i] ?? "",
        ...call(result),
        grouped(result.calls / clients),
        grouped(result.written),
        grouped(clients - result.written)
      ])
    ])
  }
  const free = Math.floor((width - (rows(0)[0] ?? "").length - 4) / 2)
  const what = `${counted(clients, "client")} ${clients === 1 ? "writes" : "write"} one row, ` +
    `overtaken clients try again; mean of ${counted(rounds, "round")}`
  const named = legend(results, width)
  return trimmed([
    ...wrap(what, width, ""),
    ...named.length === 0 ? [] : ["", ...named],
    "",
    ...rows(free < 6 ? 0 : Math.min(widestBar, free)),
    ...results.length > 1 ? ["", "* the least of the policies with the most writes"] : []
  ])
}

const points = 8

/** Time and calls over the number of clients. */
export const toSvg = (curves: Readonly<Record<string, ReadonlyArray<Herd.Point>>>): string => {
  const lines = (of: (point: Herd.Point) => number) =>
    Object.entries(curves).map(([name, points]) => ({
      name,
      points: points.map((point) => [point.clients, of(point)] as const)
    }))
  const names = Object.keys(curves)
  return charts({
    title: "Clients that write one row",
    description: `Time and calls until all clients have written, by the number of clients, under ${names.join("; ")}.`,
    width: 860,
    charts: [
      {
        title: "Time until all clients have written",
        x: "clients",
        y: "seconds",
        lines: lines(({ time }) => time / 1000)
      },
      { title: "Writes until all clients have written", x: "clients", y: "writes", lines: lines(({ calls }) => calls) }
    ]
  })
}

// Fewer clients, and at last as many as the table has.
const curvesOf = (results: ReadonlyArray<Contention>, { clients, rounds }: Size) => {
  const numbers = Array.from({ length: points }, (_, i) => Math.ceil(clients * (i + 1) / points))
  const schedules = Object.fromEntries(results.map((result) => [result.name, mortal(result)]))
  return Herd.curves(schedules, {
    clients: [...new Set([1, ...numbers])].filter((n) => n < clients),
    runs: rounds
  }).pipe(
    Random.withSeed(0),
    Effect.map((curves) =>
      Object.fromEntries(
        results.map(({ calls, name, time }) => [name, [...curves[name] ?? [], { clients, time, calls }]])
      )
    )
  )
}

// A long simulation prints why it takes long: the work grows with the square of the number of clients.
const manyCalls = 500_000

export interface Options extends Asked, Size {
  readonly svg: string | undefined
  readonly json: boolean
}

export const run = Effect.fnUntraced(
  function*(options: Options) {
    const policies = yield* asked(options)
    const { clients, rounds } = options
    if (clients * clients * rounds > manyCalls) {
      yield* tell(`simulates ${clients} clients ${rounds} times, which may take minutes; --rounds 1 is faster`)
    }
    const results = yield* Effect.forEach(policies.length === 0 ? five : policies, (named) => contend(named, options))
    yield* show(options, {
      picture: Effect.map(curvesOf(results, options), toSvg),
      text: Effect.map(columns, (width) =>
        options.json
          ? JSON.stringify(toJson(options, results), null, 2)
          : toText(options, results, width))
    })
  },
  Effect.catchTag("CronParseError", ({ message }) => misused(message))
)
