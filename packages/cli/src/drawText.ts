/** Tables, bars and timelines as text, as wide as the terminal. */
import type { Spread } from "@effect-wait/draw"
import { clusters, cropped, type Scale } from "@effect-wait/draw/scale"
import { time } from "@effect-wait/draw/time"
import * as Timeline from "effect-wait/Timeline"
import * as Effect from "effect/Effect"
import * as Terminal from "effect/Terminal"
import type { Named } from "./Document.ts"
import { date, endOf, type Outcome, type Preview, type Row, type Settings } from "./Preview.ts"

/** The number of columns of the terminal; 80 if it is not known. */
export const columns: Effect.Effect<number, never, Terminal.Terminal> = Effect.flatMap(
  Terminal.Terminal,
  ({ columns }) => Effect.map(columns, (n) => n > 0 ? n : 80)
)

const widest = (lines: ReadonlyArray<string>): number => lines.reduce((most, line) => Math.max(most, line.length), 0)

export const trimmed = (lines: ReadonlyArray<string>): string => lines.map((line) => line.trimEnd()).join("\n")

/** Wraps a text into lines of at most this many columns. A longer word stays whole. */
export const wrap = (text: string, width: number, indent: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(indent + word)
  }
  return lines
}

/** Columns that end where their longest cell does, two spaces apart. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows.reduce<ReadonlyArray<number>>(
    (widths, row) => row.map((cell, i) => Math.max(widths[i] ?? 0, cell.length)),
    []
  )
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join("  "))
}

// Blocks of lines, side by side.
const beside = (blocks: ReadonlyArray<ReadonlyArray<string>>, between: string): ReadonlyArray<string> => {
  const height = blocks.reduce((most, lines) => Math.max(most, lines.length), 0)
  const widths = blocks.map(widest)
  return Array.from(
    { length: height },
    (_, i) => blocks.map((lines, block) => (lines[i] ?? "").padEnd(widths[block] ?? 0)).join(between)
  )
}

const entitled = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const width = Math.max(title.length, widest(lines))
  return [width > title.length + 1 ? `${title} ${"─".repeat(width - title.length - 1)}` : title, ...lines]
}

const isFixed = (spread: Spread): boolean => spread.min === spread.max

const areFixed = (rows: ReadonlyArray<Row>): boolean =>
  rows.every(({ delay, start }) => isFixed(delay) && isFixed(start))

/* The delays of a run: from the shortest to the longest, on a logarithmic scale. */

const bar = ({ max, mean, min, p95 }: Spread, scale: Scale, width: number): string => {
  const column = (millis: number) => Math.round(scale.at(millis) * (width - 1))
  const cells = Array.from({ length: width }, () => " ")
  for (const mark of scale.marks) cells[column(mark)] = "·"
  if (mean > 0) {
    if (min < max) {
      cells.fill("─", column(min), column(max))
      cells[column(p95)] = "┼"
      cells[column(min)] = min < scale.from ? "‹" : "├"
      cells[column(max)] = "┤"
    }
    cells[column(mean)] = "●"
  }
  return cells.join("")
}

const axis = (scale: Scale, width: number): string =>
  scale.marks.reduce((drawn, mark) => {
    const column = Math.round(scale.at(mark) * (width - 1))
    const label = time(mark)
    const isFree = drawn === "" ? true : drawn.length < column
    return isFree && column + label.length <= width ? drawn.padEnd(column) + label : drawn
  }, "")

const leastBar = 12

const legends = ["├ min  ● mean  ┼ p95  ┤ max, logarithmic", "├ min ● mean ┼ p95 ┤ max", "● mean ┼ p95"]

const bars = (rows: ReadonlyArray<Row>, width: number): ReadonlyArray<string> => {
  const scale = cropped(rows.map(({ delay }) => delay))
  const fixed = areFixed(rows)
  return [
    fixed ? "" : legends.find((legend) => legend.length <= width) ?? "",
    ...rows.map(({ delay }) => bar(delay, scale, width)),
    axis(scale, width)
  ]
}

const percent = (share: number): string => share > 0 && share < 0.01 ? "<1%" : `${Math.floor(share * 100)}%`

// A first run has no delay.
const delayOf = (millis: number, { run }: Row): string => run === 1 ? "" : time(millis)

const oneTable = ({ from, rows }: Preview, width: number): ReadonlyArray<string> => {
  const column = (
    title: string,
    cell: (row: Row) => string
  ) => ["", ...table([[title], ...rows.map((row) => [cell(row)])])]
  const runs = column("run", ({ run }) => String(run))
  const reached = column("reached", ({ reached }) => percent(reached))
  const numbers = areFixed(rows)
    ? [
      column("delay", (row) => delayOf(row.delay.mean, row)),
      column("start", ({ start }) => time(start.mean)),
      ...from === undefined ? [] : [column("date", ({ start }) => date(from + start.mean))]
    ]
    : [
      entitled(
        "delay",
        table([
          ["min", "mean", "p95", "max"],
          ...rows.map((row) =>
            [row.delay.min, row.delay.mean, row.delay.p95, row.delay.max].map((n) => delayOf(n, row))
          )
        ])
      ),
      entitled("start", table([["mean", "p95"], ...rows.map(({ start }) => [time(start.mean), time(start.p95)])]))
    ]
  const blocks = [runs, ...rows.some(({ reached }) => reached < 1) ? [reached] : [], ...numbers]
  const gap = width < 100 ? "  " : "   "
  const left = width - widest(beside(blocks, gap)) - gap.length
  const isLevel = areFixed(rows) && rows.slice(1).every(({ delay }) => delay.min === rows[1]?.delay.min)
  const all = left < leastBar || isLevel ? blocks : [...blocks, ["", ...bars(rows, left)]]
  return beside(all, gap).filter((line) => line.trim() !== "")
}

// The runs of one of several policies.
const block = (label: string, rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  entitled(
    label,
    table(
      areFixed(rows)
        ? [["delay", "start"], ...rows.map((row) => [delayOf(row.delay.mean, row), time(row.start.mean)])]
        : [
          ["delay", "p95", "start", "p95"],
          ...rows.map((row) => [
            ...[row.delay.mean, row.delay.p95].map((n) => delayOf(n, row)),
            ...[row.start.mean, row.start.p95].map(time)
          ])
        ]
    )
  )

const stack = (blocks: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const runs = blocks.reduce((most, lines) => Math.max(most, lines.length), 0) - 2
  const numbers = Array.from({ length: runs }, (_, i) => [String(i + 1)])
  return beside([["", ...table([["run"], ...numbers])], ...blocks], " │ ")
}

const manyTables = (
  previews: ReadonlyArray<Preview>,
  labels: ReadonlyArray<string>,
  width: number
): ReadonlyArray<string> => {
  const stacks: Array<ReadonlyArray<ReadonlyArray<string>>> = []
  for (const [i, { rows }] of previews.entries()) {
    const next = block(labels[i] ?? "", rows)
    const last = stacks.at(-1)
    const wider = last && [...last, next]
    if (wider !== undefined && widest(stack(wider)) <= width) stacks[stacks.length - 1] = wider
    else stacks.push([next])
  }
  return stacks.flatMap((blocks, i) => (i === 0 ? [] : [""]).concat(stack(blocks)))
}

/** `1 run`, `2 runs`. */
export const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`

export const describe = (outcome: Outcome): string => {
  switch (outcome.kind) {
    case "never":
      return "never gives up"
    case "waits-forever":
      return `waits for ever after ${counted(outcome.runs, "run")}`
    case "unknown":
      return `has not given up after ${counted(outcome.runs, "run")}`
    case "gives-up": {
      const { after, runs } = outcome
      const count = isFixed(runs)
        ? counted(runs.max, "run")
        : `${runs.min} to ${runs.max} runs, ${Number(runs.mean.toPrecision(3))} on average`
      if (after.max === 0) return `gives up after ${count}, at once`
      return isFixed(after)
        ? `gives up after ${count}, ${time(after.max)} after the first start`
        : `gives up after ${count}, ${time(after.min)} to ${time(after.max)} after the first start: ` +
          `${time(after.mean)} on average, p95 ${time(after.p95)}`
    }
  }
}

const indented = (text: string): string => text.replaceAll("\n", "\n  ")

const modules = (codes: ReadonlyArray<string>): string =>
  [...new Set(codes.flatMap((code) => code.match(/\b[A-Z][a-z]+(?=\.)/g) ?? []))].toSorted().join(", ")

/** The program that makes the schedules. */
export const program = (previews: ReadonlyArray<Preview>): ReadonlyArray<string> => {
  const [one, ...others] = previews
  const imports = `import { ${modules(previews.map(({ policy }) => policy.code))} } from "effect-wait"`
  if (one === undefined || others.length === 0) return [imports, "", `const schedule = ${one?.policy.code ?? ""}`]
  const fields = previews.map(({ name, policy }) =>
    `  ${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}: ${indented(policy.code)}`
  )
  return [imports, "", "const schedules = {", fields.join(",\n"), "}"]
}

const simulated = ({ seeds, work }: Settings, previews: ReadonlyArray<Preview>): ReadonlyArray<string> => {
  const isRandom = previews.some(({ rows }) => !areFixed(rows))
  const parts = [
    ...isRandom && seeds > 1 ? [`simulated ${seeds} times`] : [],
    ...work > 0 ? [`a run takes ${time(work)}`] : []
  ]
  return parts.length === 0 ? [] : [parts.join(", ").replace(/^./, (letter) => letter.toUpperCase())]
}

const seedLanes = 4

const lanesOf = ({ lanes, rows }: Preview, { seeds, work }: Settings): ReadonlyArray<Lane> => {
  if (seeds === 1 || areFixed(rows)) return lanes.slice(0, 1).map((lane) => ["", lane])
  const runs = rows.map(({ start }) => ({ start: start.mean, end: start.mean + work }))
  const outcome = lanes.every(({ outcome }) => outcome === "done") ? "done" : "cut"
  return [
    ...rows.every(({ reached }) => reached === 1) ? [["mean", { runs, outcome }] as const] : [],
    ...lanes.slice(0, seedLanes).map((lane, seed) => [`seed ${seed}`, lane] as const)
  ]
}

type Lane = readonly [name: string, timeline: Timeline.Timeline]

// Each cluster has an axis of its own.
const render = (lanes: ReadonlyArray<Lane>, width: number): ReadonlyArray<string> => {
  const margin = lanes.every(([name]) => name === "") ? 0 : widest(lanes.map(([name]) => name)) + 1
  return clusters(lanes, ([, timeline]) => endOf(timeline)).flatMap((cluster, i) => {
    const drawn = Timeline.render(
      Object.fromEntries(cluster.map(([name, timeline]) => [name.padEnd(margin - 1), timeline])),
      { width: Math.max(10, width - margin) }
    )
    return (i === 0 ? "" : "\n").concat(drawn).split("\n")
  })
}

const longestLabel = 24

const letter = (i: number): string =>
  i < 26 ? String.fromCharCode(65 + i) : `${letter(Math.floor(i / 26) - 1)}${letter(i % 26)}`

/** Short names for policies: their own, or letters. */
export const labelsOf = (policies: ReadonlyArray<Named>): ReadonlyArray<string> => {
  const names = policies.map(({ name }) => name)
  return widest(names) <= longestLabel ? names : names.map((_, i) => letter(i))
}

// A label and its text.
const listing = (labels: ReadonlyArray<string>, width: number) => {
  const margin = widest(labels) + 2
  return (label: string, text: string): ReadonlyArray<string> =>
    wrap(text, width, " ".repeat(margin)).map((line, i) => i === 0 ? label.padEnd(margin) + line.trimStart() : line)
}

/** What stands behind the labels, and the notes. */
export const legend = (policies: ReadonlyArray<Named>, width: number): ReadonlyArray<string> => {
  const labels = labelsOf(policies)
  const list = listing(labels, width)
  return policies.flatMap(({ name, policy }, i) =>
    (labels[i] === name ? [] : [name]).concat(policy.notes).flatMap((text, j) =>
      list(j === 0 ? labels[i] ?? "" : "", text)
    )
  )
}

export const toText = (previews: ReadonlyArray<Preview>, settings: Settings, width: number): string => {
  const [one, ...others] = previews
  if (one === undefined) return ""
  if (others.length === 0) {
    return trimmed([
      one.name,
      ...one.policy.notes.flatMap((note) => wrap(note, width, "")),
      ...simulated(settings, previews),
      "",
      ...oneTable(one, width),
      "",
      ...render(lanesOf(one, settings), width),
      "",
      ...wrap(describe(one.outcome).replace(/^./, (letter) => letter.toUpperCase()), width, ""),
      "",
      ...program(previews)
    ])
  }
  const labels = labelsOf(previews)
  const list = listing(labels, width)
  const head = [...legend(previews, width), ...simulated(settings, previews)]
  return trimmed([
    ...head,
    ...head.length === 0 ? [] : [""],
    ...manyTables(previews, labels, width),
    "",
    ...render(
      previews.flatMap(({ lanes }, i) => lanes.slice(0, 1).map((lane) => [labels[i] ?? "", lane] as const)),
      width
    ),
    "",
    ...previews.flatMap(({ outcome }, i) => list(labels[i] ?? "", describe(outcome))),
    "",
    ...program(previews)
  ])
}
