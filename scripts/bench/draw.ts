/** The picture: how many times faster or lighter than each peer, by the median, on a scale of powers of ten. */
import { pick } from "./picks.ts"
import type { Finding, Result } from "./report.ts"

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
  const most = finding.aim ?? finding.atMost
  const target = most === undefined ? undefined : x(1 / most)
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
  for (const { findings, heading, isDrawn } of pick(results)) {
    if (!isDrawn) continue
    lines.push(label(12, y + 14, heading, `font-weight="bold"`))
    y += row + 2
    for (const { finding, name } of findings) {
      lines.push(...bar(finding, name, y))
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
