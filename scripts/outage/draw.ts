/** The picture: the requests that the server is sent, and below it the operations that succeed. */
import { Herd } from "effect-wait/testing"
import { type Name, names, type Seconds, type Settings, sizeOf } from "./model.ts"

const width = 860
const height = 330
// In seconds: a line is level for so long.
const step = 10

type Point = readonly [x: number, y: number]

export const stairs = (counts: ReadonlyArray<number>): ReadonlyArray<Point> =>
  Array.from({ length: Math.floor(counts.length / step) }, (_, i): ReadonlyArray<Point> => {
    const [begin, end] = [i * step, (i + 1) * step]
    const mean = counts.slice(begin, end).reduce((sum, count) => sum + count, 0) / step
    return [[begin, mean], [end, mean]]
  }).flat()

// Where an axis begins and ends, and where a value is drawn, from the places and the numbers of its ticks.
const axisOf = (svg: string, ticks: RegExp) => {
  const all = [...svg.matchAll(ticks)].map(([, at, value]) => [Number(at), Number(value!.replaceAll(",", ""))] as const)
  const [[start, first], [end, last]] = [all[0]!, all.at(-1)!]
  const at = (value: number): number => Math.round(start + (value - first) / (last - first) * (end - start))
  return { start, end, at }
}

// A chart that says when the server is down, and what it can do at most.
export const chart = (
  title: string,
  lines: Readonly<Record<string, ReadonlyArray<Point>>>,
  { from, to }: Settings,
  capacity?: number
): string => {
  const svg = Herd.lineChart({ title, x: "seconds", y: `a second, mean of ${step}`, lines, width, height })
  const x = axisOf(svg, /<path d="M([\d.]+) [\d.]+v5".*>(.+)<\/text>/g)
  const y = axisOf(svg, /<path d="M[\d.]+ ([\d.]+)H.*>(.+)<\/text>/g)
  const gray = `fill="#666666"`
  const outage = [
    `<rect x="${x.at(from)}" y="${y.end}" width="${x.at(to) - x.at(from)}" height="${
      y.start - y.end
    }" fill="#eeeeee"/>`,
    `<text x="${(x.at(from) + x.at(to)) / 2}" y="${
      y.start - 10
    }" text-anchor="middle" ${gray}>the server is down</text>`
  ]
  const limit = capacity === undefined ? [] : [
    `<path d="M${x.start} ${y.at(capacity)}H${x.end}" stroke="#666666" stroke-dasharray="2 3"/>`,
    `<text x="${x.start + 6}" y="${y.at(capacity) - 6}" ${gray}>capacity</text>`
  ]
  // Above the background, below everything else.
  return svg.trimEnd().replace(/<rect.*/, (background) => [background, ...outage, ...limit].join("\n"))
}

export const draw = (results: ReadonlyMap<Name, Seconds>, settings: Settings): string => {
  // One is dashed: there are more lines than colors.
  const ordered = [...names.filter((name) => name !== "no retry"), "no retry"] as const
  const linesOf = (what: keyof Seconds) =>
    Object.fromEntries(ordered.map((name) => [name, stairs(results.get(name)![what])]))
  const title = `An outage of ${settings.to - settings.from} seconds`
  const load = `${title}: requests that the server is sent`
  const success = `${title}: operations that succeed`
  const size = `width="${width}" height="${2 * height}" viewBox="0 0 ${width} ${2 * height}"`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`,
    `<title>${title}</title>`,
    chart(load, linesOf("requests"), settings, sizeOf(settings).capacity),
    chart(success, linesOf("succeeded"), settings).replace("<svg ", `<svg y="${height}" `),
    "</svg>\n"
  ].join("\n")
}
