/** What becomes of a service during and after an outage: a strip for each policy. */
import {
  at,
  bold,
  type Box,
  edge,
  fit,
  type Frame,
  gap,
  legend,
  page,
  type Sign,
  stack,
  text,
  widthOf,
  widthOfText
} from "./page.ts"
import { linear } from "./scale.ts"
import { number, time } from "./time.ts"

/** Counts a second, at equal distances from 0 on. */
export interface Strip {
  readonly name: string
  /** Operations that succeed. */
  readonly succeeded: ReadonlyArray<number>
  /** Operations that fail. */
  readonly failed: ReadonlyArray<number>
  /** What the server is sent. */
  readonly requests: ReadonlyArray<number>
  /** When the server is well again, in milliseconds after the outage; undefined: never. */
  readonly recovery: number | undefined
  /** What to say instead, where it was not seen whether the server gets well. */
  readonly verdict?: string | undefined
}

export interface Outages {
  readonly strips: ReadonlyArray<Strip>
  /** From one count to the next, in milliseconds. */
  readonly every: number
  /** When the server is down, in milliseconds. */
  readonly down: readonly [from: number, to: number]
  /** What the server can do in a second. */
  readonly capacity: number
  /** Of a strip, in pixels; default 54. */
  readonly height?: number | undefined
}

const block = (style: string) => (x: number, y: number) =>
  `<path class="${style}" d="M${at(x)} ${at(y - 6)}h20v12h-20z"/>`
const line = (style: string, more: string) => (x: number, y: number) =>
  `<path class="${style}" d="M${at(x)} ${at(y)}h20"${more}/>`

/** How it ends, in two or three words. */
export const verdictOf = ({ recovery, verdict }: Pick<Strip, "recovery" | "verdict">): string =>
  verdict ?? (recovery === undefined ? "never back" : `back after ${time(recovery)}`)

/** The strips, and their legend. */
export const outageBox = (options: Outages, width: number): Box => {
  const { capacity, down: [from, to], every, height = 54, strips } = options
  const isAbove = width < 560
  const until = every * strips.reduce((most, { requests }) => Math.max(most, requests.length), 1)
  const most = strips.reduce((most, { requests }) => requests.reduce((most, n) => Math.max(most, n), most), capacity)
  const names = strips.reduce((most, { name }) => Math.max(most, widthOfText(name) * bold), 0)
  const left = isAbove ? edge : edge + 10 + Math.min(0.35 * width, names)
  const verdicts = strips.reduce(
    (most, strip) => Math.max(most, widthOfText(verdictOf(strip)) * bold),
    122
  )
  const right = isAbove ? width - edge : width - verdicts - 10
  const box: Box = (top) => {
    const scale = linear(until, Math.max(2, Math.floor((right - left) / 52)))
    const toX = (millis: number) => left + scale.at(millis) * (right - left)
    const drawn: Array<string> = []
    let y = top + 20
    for (const strip of strips) {
      const { failed, name, recovery, requests, succeeded } = strip
      if (isAbove) y += 20
      const base = y + height
      const toY = (count: number) => base - count / most * height
      // Stairs, from left to right.
      const stairs = (counts: ReadonlyArray<number>) =>
        counts.map((count, i) => `V${at(toY(count))}H${at(toX((i + 1) * every))}`).join("")
      const area = (counts: ReadonlyArray<number>) => `M${at(left)} ${at(base)}${stairs(counts)}V${at(base)}z`
      const total = succeeded.map((count, i) => count + (failed[i] ?? 0))
      drawn.push(
        `<path class="lost" d="${area(total)}"/>`,
        `<path class="fill0" d="${area(succeeded)}"/>`,
        `<path class="end" d="M${at(left)} ${at(toY(requests[0] ?? 0))}${
          stairs(requests)
        }" fill="none" stroke-width="1.5"/>`,
        `<path class="axis" d="M${at(left)} ${at(toY(capacity))}H${at(right)}" stroke-dasharray="2 3"/>`,
        `<path class="axis" d="M${at(left)} ${at(base)}H${at(right)}"/>`
      )
      const verdict = verdictOf(strip)
      const style = recovery === undefined ? "alarm" : undefined
      if (recovery !== undefined) {
        drawn.push(`<path class="end" d="M${at(toX(to + recovery))} ${at(base)}v5" stroke-width="2.5"/>`)
      }
      if (isAbove) {
        drawn.push(
          text(edge, y - 6, fit(name, (right - left - verdicts - 8) / bold), { isBold: true, whole: name }),
          text(right, y - 6, verdict, { anchor: "end", isBold: true, style })
        )
      } else {
        drawn.push(
          text(left - 10, base - 16, fit(name, (left - 10 - edge) / bold), {
            anchor: "end",
            isBold: true,
            whole: name
          }),
          text(right + 10, base - 16, verdict, { isBold: true, style })
        )
      }
      y += height + 14
    }
    return {
      height: y - top + 34,
      lines: [
        `<rect class="shade" x="${at(toX(from))}" y="${at(top)}" width="${at(toX(to) - toX(from))}" height="${
          at(y - top)
        }"/>`,
        text((toX(from) + toX(to)) / 2, top + 13, "the server is down", { anchor: "middle" }),
        ...drawn,
        ...scale.marks.map((mark) => text(toX(mark), y + 14, time(mark), { anchor: "middle", style: "dim" })),
        text((left + right) / 2, y + 30, "time since the start", { anchor: "middle", style: "dim" })
      ]
    }
  }
  const signs: ReadonlyArray<Sign> = [
    { draw: block("fill0"), text: "operations that succeed" },
    { draw: block("lost"), text: "operations that fail" },
    {
      draw: line("end", ` stroke-width="1.5"`),
      text: `requests, at most ${number(Math.round(most))} a second`
    },
    { draw: line("axis", ` stroke-dasharray="2 3"`), text: `its capacity, ${number(capacity)} a second` }
  ]
  return stack([box, gap(6), legend(signs, width)])
}

export const outage = (options: Frame & Outages): string => page(options, [outageBox(options, widthOf(options))])
