/** The picture: how slow the slowest reads are; and what a server is sent after it stood still. */
import { Herd } from "effect-wait/testing"
import { chart, stairs } from "../outage/draw.ts"
import { type Seconds, type Settings, sizeOf } from "../outage/model.ts"
import { type Hedge, type Name, percentile, type Reads } from "./model.ts"

const width = 860
const height = 330

// 1 is the 90th percentile, 2 the 99th, 3 the 99.9th.
const nines = Array.from({ length: 31 }, (_, i) => i / 10)

const shown: ReadonlyArray<Hedge> = ["no hedge", "after 50 ms", "after 20 ms", "after 10 ms"]

export const draw = (
  reads: ReadonlyMap<Hedge, Reads>,
  results: ReadonlyMap<Name, Seconds>,
  settings: Settings
): string => {
  const tails = shown.map((name) => {
    const { reads: times } = reads.get(name)!
    return [name, nines.map((n) => [n, percentile(times, 1 - 10 ** -n)] as const)] as const
  })
  const tail = Herd.lineChart({
    title: "The slowest reads, with a second attempt after a while",
    x: "1: the 90th percentile, 2: the 99th, 3: the 99.9th",
    y: "milliseconds",
    lines: Object.fromEntries(tails),
    width,
    height
  })
  const { from, to } = settings
  const load = `A server that stands still for ${to - from} seconds: requests that it is sent`
  const lines = Object.fromEntries([...results].map(([name, { requests }]) => [name, stairs(requests)]))
  const size = `width="${width}" height="${2 * height}" viewBox="0 0 ${width} ${2 * height}"`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`,
    "<title>Hedging: the slowest reads, and an overloaded server</title>",
    tail.trimEnd(),
    chart(load, lines, settings, sizeOf(settings).capacity).replace("<svg ", `<svg y="${height}" `),
    "</svg>\n"
  ].join("\n")
}
