/** Lines over numbers. The name of a line is at its end. */
import { look } from "./ink.ts"
import { at, type Box, edge, fitAll, type Frame, heading, page, text, widthOf, widthOfText } from "./page.ts"
import { numbers } from "./scale.ts"
import { number } from "./time.ts"

export interface Line {
  readonly name: string
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
}

export interface Chart {
  readonly title: string
  readonly x: string
  readonly y: string
  /** The numbers of x that are named, and their names; default: round numbers. */
  readonly names?: ReadonlyArray<readonly [x: number, name: string]> | undefined
  readonly lines: ReadonlyArray<Line>
}

/** Moves labels that overlap apart, within top and bottom. `ys` are in order, from top to bottom. */
export const separate = (
  ys: ReadonlyArray<number>,
  { bottom, gap, top }: { readonly gap: number; readonly top: number; readonly bottom: number }
): ReadonlyArray<number> => {
  const placed: Array<number> = []
  for (const y of ys) placed.push(Math.max(y, (placed.at(-1) ?? top - gap) + gap))
  return placed.map((y, i) => Math.min(y, bottom - (placed.length - 1 - i) * gap))
}

const line = 16

export const chartBox = ({ lines, names: xNames, title, x, y }: Chart, width: number): Box => (top) => {
  const isNarrow = width < 480
  const shown = lines.filter(({ points }) => points.length > 0)
  const widest = lines.reduce((most, { name }) => Math.max(most, widthOfText(name)), 0)
  const room = Math.min(widest, 0.3 * width)
  const names = fitAll(shown.map(({ name }) => name), room)
  const most = (axis: 0 | 1) =>
    shown.reduce((most, { points }) => points.reduce((most, point) => Math.max(most, point[axis]), most), 0)
  const height = Math.max(isNarrow ? 180 : 260, line * shown.length)
  const [begin, end] = [top + 52, top + 52 + height]
  // Numbers of up to six digits: plots below each other are aligned.
  const left = edge + 56
  const right = width - edge - room - 44
  const areWhole = (axis: 0 | 1) => shown.every(({ points }) => points.every((point) => Number.isInteger(point[axis])))
  const xs = numbers(most(0), Math.max(3, Math.floor((right - left) / 60)), areWhole(0))
  const ys = numbers(most(1), 7, areWhole(1))
  const toX = (value: number) => left + xs.at(value) * (right - left)
  const toY = (value: number) => end - ys.at(value) * (end - begin)
  const ends = shown.map(({ name, points }, i) => {
    const [lastX, lastY] = points.at(-1)!
    return { i, name, x: toX(lastX), y: toY(lastY) }
  }).toSorted((a, b) => a.y - b.y)
  const labels = separate(ends.map(({ y }) => y), { gap: line, top: begin, bottom: end })
  return {
    height: height + 110,
    lines: [
      ...heading(title, width)(top).lines,
      text(edge, top + 36, y, { style: "dim" }),
      ...ys.marks.flatMap((mark) => [
        `<path class="${mark === 0 ? "axis" : "grid"}" d="M${at(left)} ${at(toY(mark))}H${at(right)}"/>`,
        text(left - 8, toY(mark) + 4, number(mark), { anchor: "end", style: "dim" })
      ]),
      ...(xNames ?? xs.marks.map((mark) => [mark, number(mark)] as const)).flatMap(([mark, name]) => [
        `<path class="axis" d="M${at(toX(mark))} ${at(end)}v5"/>`,
        text(toX(mark), end + 19, name, { anchor: "middle", style: "dim" })
      ]),
      ...shown.length === 0
        ? [text((left + right) / 2, (begin + end) / 2, "no data", { anchor: "middle", style: "dim" })]
        : [],
      text((left + right) / 2, end + 37, x, { anchor: "middle", style: "dim" }),
      ...shown.flatMap(({ points }, i) => {
        const { dash, hue } = look(i)
        const [[firstX, firstY] = [0, 0]] = points
        return points.length === 1
          ? [`<circle class="fill${hue}" cx="${at(toX(firstX))}" cy="${at(toY(firstY))}" r="4"/>`]
          : [
            `<polyline class="line${hue}" fill="none" stroke-width="2" stroke-linejoin="round"${dash} ` +
            `points="${points.map(([x, y]) => `${at(toX(x))},${at(toY(y))}`).join(" ")}"/>`
          ]
      }),
      // From the end of the line to its name, wherever that had to go.
      ...ends.flatMap(({ i, name, x, y }, j) => {
        const { dash, hue } = look(i)
        const labelY = labels[j]!
        return [
          `<path class="grid" d="M${at(x + 3)} ${at(y)}L${at(right + 12)} ${at(labelY)}" fill="none"/>`,
          `<path class="line${hue}" d="M${at(right + 14)} ${at(labelY)}h20" stroke-width="2"${dash}/>`,
          text(right + 40, labelY + 4, names[i]!, { whole: name })
        ]
      })
    ]
  }
}

/** One chart or several, below each other and aligned. */
export const charts = (options: Frame & { readonly charts: ReadonlyArray<Chart> }): string =>
  page(options, options.charts.map((chart) => chartBox(chart, widthOf(options))))
