/** Delays before each run: the mean, and a band from the shortest to the longest, on a logarithmic scale. */
import { look } from "./ink.ts"
import { at, type Box, edge, heading, legend, paragraph, type Sign, stack, text } from "./page.ts"
import { logarithmic } from "./scale.ts"
import { time } from "./time.ts"

export interface Spread {
  readonly min: number
  readonly mean: number
  readonly p95: number
  readonly max: number
}

/** A run, and the delay before it. `reached`: the share of the simulations that come to it. */
export interface Row {
  readonly run: number
  readonly reached: number
  readonly delay: Spread
}

export interface Policy {
  readonly name: string
  /** From the first run on. */
  readonly rows: ReadonlyArray<Row>
}

const isFixed = ({ delay }: Row): boolean => delay.min === delay.max

const points = (points: ReadonlyArray<readonly [x: number, y: number]>): string =>
  points.map(([x, y]) => `${at(x)},${at(y)}`).join(" ")

/** The line of a policy in a legend. */
export const signOf = (name: string, i: number): Sign => {
  const { dash, hue } = look(i)
  return {
    text: name,
    draw: (x, y) => `<path class="line${hue}" d="M${at(x)} ${at(y)}h22" stroke-width="2.5"${dash}/>`
  }
}

const plot = (policies: ReadonlyArray<Policy>, width: number): Box => (top) => {
  const waits = policies.map(({ rows }) => rows.slice(1))
  const last = policies.reduce((most, { rows }) => Math.max(most, rows.length), 2)
  const scale = logarithmic(waits.flatMap((rows) => rows.map(({ delay }) => delay)))
  const hasZero = waits.some((rows) => rows.some(({ delay }) => delay.min === 0))
  const height = width < 480 ? 200 : 300
  const [left, right] = [edge + 52, width - edge - 4]
  // 0 has no place on a logarithmic scale: it has a line of its own under it.
  const [begin, end] = [top + 6, top + height]
  const bottom = end - (hasZero ? 26 : 8)
  const toX = (run: number) =>
    last === 2 ? (left + right) / 2 : left + 14 + (run - 2) / (last - 2) * (right - left - 28)
  const toY = (millis: number) => millis <= 0 ? end - 6 : bottom - scale.at(millis) * (bottom - begin - 6)
  // As many labels as there is room for, from the shortest delay on.
  const labels: Array<number> = []
  for (const mark of scale.marks) {
    const last = labels.at(-1)
    if (last === undefined || toY(last) - toY(mark) >= 16) labels.push(mark)
  }
  // The more bands lie on each other, the lighter is each.
  const opacity = Number(Math.min(0.13, 0.5 / policies.length).toFixed(3))
  const every = Math.ceil((last - 1) / Math.max(2, Math.floor((right - left) / 26)))
  return {
    height: height + 46,
    lines: [
      ...labels.flatMap((mark) => [
        `<path class="grid" d="M${left} ${at(toY(mark))}H${right}"/>`,
        text(left - 8, toY(mark) + 4, time(mark), { anchor: "end", style: "dim" })
      ]),
      ...hasZero ? [text(left - 8, toY(0) + 4, "0", { anchor: "end", style: "dim" })] : [],
      `<path class="axis" d="M${left} ${begin}V${end}H${right}" fill="none"/>`,
      ...Array.from({ length: Math.ceil((last - 1) / every) }, (_, i) => 2 + i * every).flatMap((run) => [
        `<path class="axis" d="M${at(toX(run))} ${end}v5"/>`,
        text(toX(run), end + 19, String(run), { anchor: "middle", style: "dim" })
      ]),
      text((left + right) / 2, end + 36, "run", { anchor: "middle", style: "dim" }),
      ...waits.flatMap((rows, i) => {
        if (rows.every(isFixed)) return []
        const { hue } = look(i)
        const side = (of: "min" | "p95" | "max") => rows.map((row) => [toX(row.run), toY(row.delay[of])] as const)
        const [first] = rows
        const band = rows.length === 1 && first !== undefined
          ? `<path class="line${hue} band" d="M${at(toX(first.run))} ${at(toY(first.delay.max))}V${
            at(toY(first.delay.min))
          }" stroke-width="12" stroke-opacity="0.25"/>`
          : `<polygon class="fill${hue} line${hue} band" points="${
            points([...side("max"), ...side("min").toReversed()])
          }" fill-opacity="${opacity}" stroke-opacity="0.6" stroke-linejoin="round"/>`
        return [
          band,
          `<polyline class="line${hue}" points="${points(side("p95"))}" fill="none" stroke-width="1.5" ` +
          `stroke-dasharray="1 3"/>`
        ]
      }),
      ...waits.map((rows, i) => {
        const { dash, hue } = look(i)
        return `<polyline class="line${hue}" points="${
          points(rows.map(({ delay, run }) => [toX(run), toY(delay.mean)]))
        }" fill="none" stroke-width="2" stroke-linejoin="round"${dash}/>`
      }),
      ...waits.flatMap((rows, i) =>
        rows.map(({ delay, reached, run }) => {
          const { hue } = look(i)
          const paint = reached < 1 ? `class="ground line${hue}" stroke-width="1.8"` : `class="fill${hue}"`
          return `<circle ${paint} cx="${at(toX(run))}" cy="${at(toY(delay.mean))}" r="3.5"/>`
        })
      )
    ]
  }
}

/** The delays of several policies, by their place in the picture's colors. */
export const delaysBox = (policies: ReadonlyArray<Policy>, width: number): Box => {
  const waits = policies.flatMap(({ rows }) => rows.slice(1))
  const isRandom = !waits.every(isFixed)
  const signs: ReadonlyArray<Sign> = [
    ...isRandom
      ? [
        {
          text: "mean",
          draw: (x: number, y: number) => `<path class="end" d="M${at(x)} ${at(y)}h22" stroke-width="2"/>`
        },
        {
          text: "95th percentile",
          draw: (x: number, y: number) =>
            `<path class="end" d="M${at(x)} ${at(y)}h22" stroke-width="1.5" stroke-dasharray="1 3"/>`
        },
        {
          text: "band: shortest to longest",
          draw: (x: number, y: number) => `<path class="shade" d="M${at(x)} ${at(y - 6)}h22v12h-22z"/>`
        }
      ]
      : [],
    ...waits.some(({ reached }) => reached < 1)
      ? [{
        text: "only of the clients that get this far",
        draw: (x: number, y: number) =>
          `<circle class="ground end" cx="${at(x + 11)}" cy="${at(y)}" r="3.5" stroke-width="1.8"/>`
      }]
      : []
  ]
  return stack([
    heading("Delay before each run", width),
    ...waits.length === 0
      ? [paragraph("There is no second run.", width)]
      : [plot(policies, width), legend(signs, width)]
  ])
}
