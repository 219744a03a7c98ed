/** How many times better or worse than others, as bars with their spread. */
import {
  at,
  type Box,
  edge,
  fit,
  type Frame,
  gap,
  heading,
  legend,
  page,
  type Sign,
  text,
  widthOf,
  widthOfText
} from "./page.ts"
import { number } from "./time.ts"

/** So many times better: worse, if less than 1. */
export interface Bar {
  readonly name: string
  readonly value: number
  readonly min: number
  readonly max: number
}

export interface Comparison extends Frame {
  readonly groups: ReadonlyArray<{ readonly heading: string; readonly bars: ReadonlyArray<Bar> }>
}

const figure = (value: number): string =>
  value >= 1000 ? `> ${number(1000)}` : value >= 10 ? number(Math.round(value)) : number(Number(value.toPrecision(2)))

const worse = (x: number, y: number): string => `<path class="lost" d="M${at(x)} ${at(y - 6)}h20v12h-20z"/>`
const better = (x: number, y: number): string => `<path class="run" d="M${at(x)} ${at(y - 6)}h20v12h-20z"/>`
// With a rim, to be seen on any bar.
const whisker = (from: number, to: number, y: number): string => {
  const path = `d="M${at(from)} ${at(y)}H${at(to)}M${at(from)} ${at(y - 3)}v6M${at(to)} ${at(y - 3)}v6" fill="none"`
  return `<path class="halo" ${path} stroke-width="4"/><path class="end" ${path} stroke-width="1.3"/>`
}

// A ratio of 0 or less is indistinguishable from nothing, and a ratio of more than 1,000 is too long to draw.
const clamp = (value: number): number => Math.min(1000, Math.max(0.01, value))

const row = 22

/** Bars from 1, to the right where it is better, to the left where it is worse. */
export const comparison = (options: Comparison): string => {
  const width = widthOf(options)
  const isAbove = width < 560
  const all = options.groups.flatMap(({ bars }) => bars)
  // From a whole power of ten to another.
  const powers = all.flatMap(({ max, min, value }) => [min, max, value]).map((value) => Math.log10(clamp(value)))
  const low = powers.reduce((low, power) => Math.min(low, Math.floor(power)), 0)
  const high = powers.reduce((high, power) => Math.max(high, Math.ceil(power)), 1)
  const longest = all.reduce((most, { name }) => Math.max(most, widthOfText(name)), 0)
  const left = isAbove ? edge + 8 : Math.min(0.46 * width, edge + 12 + longest)
  const right = width - 92
  const toX = (value: number) => left + (Math.log10(clamp(value)) - low) / (high - low) * (right - left)
  const marks = Array.from({ length: high - low + 1 }, (_, i) => Number(`1e${low + i}`))
  const box: Box = (top) => {
    const drawn: Array<string> = []
    let y = top
    for (const { bars, heading: title } of options.groups) {
      if (bars.length === 0) continue
      // On the ground, not on the grid.
      drawn.push(
        `<rect class="ground" y="${at(y)}" width="${width}" height="28"/>`,
        ...heading(title, width)(y + 4).lines
      )
      y += 28
      for (const { max, min, name, value } of bars) {
        if (isAbove) {
          drawn.push(text(edge, y + 12, fit(name, width - 2 * edge), { whole: name }))
          y += 18
        }
        const middle = y + 8
        const [from, to] = [Math.min(toX(1), toX(value)), Math.max(toX(1), toX(value))]
        const isWorse = value < 1
        drawn.push(
          ...isAbove ? [] : [text(left - 10, middle + 4, fit(name, left - 10 - edge), { anchor: "end", whole: name })],
          `<rect class="${isWorse ? "lost" : "run"}" x="${at(from)}" y="${at(y + 1)}" width="${
            at(Math.max(2, to - from))
          }" height="14"/>`,
          ...min < max ? [whisker(toX(min), toX(max), middle)] : [],
          text(Math.max(to, min < max ? toX(max) : 0) + 8, middle + 4, `${figure(value)}x${isWorse ? ", worse" : ""}`, {
            isBold: true
          })
        )
        y += row
      }
      y += 8
    }
    return {
      height: y - top + 28,
      lines: [
        ...marks.map((mark) =>
          `<path class="${mark === 1 ? "axis" : "grid"}" d="M${at(toX(mark))} ${at(top)}V${at(y)}"/>`
        ),
        // The words are on the grid, not under it.
        ...drawn,
        ...marks.map((mark) => text(toX(mark), y + 17, `${number(mark)}x`, { anchor: "middle", style: "dim" }))
      ]
    }
  }
  const signs: ReadonlyArray<Sign> = [
    { draw: better, text: "better, by the median" },
    ...all.some(({ value }) => value < 1) ? [{ draw: worse, text: "worse" }] : [],
    ...all.some(({ max, min }) => min < max)
      ? [{ draw: (x: number, y: number) => whisker(x, x + 20, y), text: "least to most, of all rounds" }]
      : []
  ]
  return page(options, [box, gap(6), legend(signs, width)])
}
