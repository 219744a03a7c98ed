/** What was found, and its table. */
import { readFileSync } from "node:fs"
import { cpus } from "node:os"
import { makeGo } from "./go.ts"
import type { Claim, Effort, Section, Series } from "./section.ts"

const packages = [
  "effect",
  "tinybench",
  "p-retry",
  "cockatiel",
  "exponential-backoff",
  "async-retry",
  "esbuild",
  "rollup",
  "vite"
]

const versionOf = (name: string): string => {
  const manifest = readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")
  return (JSON.parse(manifest) as { readonly version: string }).version
}

/** Where it is measured, and with which versions. */
export const describeMachine = ({ smoke }: Effort) => {
  const go = smoke ? undefined : makeGo(console.log)?.version.replace("go", "")
  const [cpu] = cpus()
  return {
    cpu: cpu?.model.trim() ?? "unknown",
    cpus: cpus().length,
    platform: `${process.platform} ${process.arch}`,
    versions: {
      node: process.versions.node,
      ...(go === undefined ? {} : { go }),
      ...Object.fromEntries(packages.map((name) => [name, versionOf(name)]))
    }
  }
}

/** Of the values of all rounds. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

const spreadOf = (values: ReadonlyArray<number>): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { min: sorted[0]!, median, max: sorted.at(-1)! }
}

const leastOf = ({ least, values }: Series): number => least ?? Math.min(...values)

/** What became of a claim. */
export interface Finding extends Claim {
  readonly ratio: Spread
  /** Of the least of both: noise only adds time. */
  readonly least: number
  /** What was compared with the target. */
  readonly decisive: number
  readonly verdict: "ok" | "short" | "MISSED" | "stated" | "too noisy"
}

/** A section, with what became of its claims. */
export interface Result {
  readonly title: string
  readonly unit: string
  readonly series: ReadonlyArray<{ readonly name: string } & Spread>
  readonly claims: ReadonlyArray<Finding>
}

/**
 * Claims about a peer that is not there are left out. The median decides. In a smoke test, which has no time for many
 * rounds, it is the ratio of the least of both, and times, which have rounds, may take half as much again. Where what one
 * of them adds is less than nothing, there is too much noise to decide.
 */
export const judge = ({ claims, series, title, unit }: Section, { smoke }: Effort): Result => {
  const named = new Map(series.map((one) => [one.name, one]))
  const find = (claim: Claim): ReadonlyArray<Finding> => {
    const { aim = Infinity, atMost = Infinity } = claim
    const [ours, peer] = [named.get(claim.ours), named.get(claim.peer)]
    if (ours === undefined || peer === undefined) return []
    const ratio = spreadOf(ours.values.map((value, round) => value / peer.values[round]!))
    const least = leastOf(ours) / leastOf(peer)
    const hasRounds = ours.values.length > 1
    const decisive = hasRounds && smoke ? least / 1.5 : ratio.median
    const verdict = claim.atMost === undefined
      ? "stated"
      : [ours, peer].some((one) => leastOf(one) <= 0)
      ? "too noisy"
      : decisive > atMost
      ? "MISSED"
      : decisive > aim
      ? "short"
      : "ok"
    return [{ ...claim, ratio, least, decisive, verdict }]
  }
  return {
    title,
    unit,
    series: series.map((one) => ({ name: one.name, ...spreadOf(one.values), min: leastOf(one) })),
    claims: claims.flatMap(find)
  }
}

export const figure = (value: number): string =>
  Math.abs(value) < 100 ? String(Number(value.toPrecision(3))) : Math.round(value).toLocaleString("en")

/** A small ratio is told as a part: 1/25. */
export const part = (ratio: number): string => ratio > 0 && ratio <= 0.1 ? `1/${figure(1 / ratio)}` : figure(ratio)

const row = (name: string, ...columns: ReadonlyArray<string>): void =>
  console.log(name.padEnd(108) + columns.map((column) => column.padStart(12)).join(""))

// What was measured once has no spread.
const columns = ({ max, median, min }: Spread, format: (value: number) => string): ReadonlyArray<string> =>
  min === max ? ["", format(median), ""] : [min, median, max].map(format)

export const print = ({ claims, series, title, unit }: Result): void => {
  row(`${title}, ${unit}`, "min", "median", "max")
  for (const { name, ...values } of series) row(`          ${name}`, ...columns(values, figure))
  if (claims.length > 0) row("", "min", "median", "max", "of the least", "at most")
  for (const { aim, atMost, least, ratio, text, verdict } of claims) {
    const most = aim ?? atMost
    row(
      verdict.padEnd(10) + text,
      ...columns(ratio, part),
      ratio.min === ratio.max ? "" : part(least),
      most === undefined ? "" : part(most)
    )
  }
  console.log("")
}
