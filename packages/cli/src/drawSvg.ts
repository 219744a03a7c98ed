/** What policies will do, as an SVG: the delay of each run, and when a few seeds run. */
import { delaysBox, gap, herdBox, legend, page, signOf } from "@effect-wait/draw"
import type { ValidationError } from "effect/cli/CliError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { misused } from "./options.ts"
import { date, type Preview } from "./Preview.ts"
import { diskError, NotWritten } from "./Stdout.ts"

const width = 860

const manyRows = 48

const isFixed = ({ rows }: Preview): boolean =>
  rows.every(({ delay, start }) => delay.min === delay.max && start.min === start.max)

/** The same previews give the same text. */
export const toSvg = (previews: ReadonlyArray<Preview>): string => {
  const [one, ...others] = previews
  const isOne = others.length === 0
  // Where nothing is drawn at random, all clients do the same.
  const most = previews.every(isFixed) ? 1 : Math.max(4, Math.floor(manyRows / previews.length))
  const herds = previews.map(({ lanes, name }) => ({ name: isOne ? "" : name, clients: lanes.slice(0, most) }))
  const from = isOne && one?.from !== undefined ? date(one.from) : undefined
  const runs = previews.reduce((most, { rows }) => Math.max(most, rows.length), 0)
  return page({
    title: isOne ? one?.name ?? "" : `${previews.length} policies`,
    description: `Delays before each run, and runs of clients, under ${previews.map(({ name }) => name).join("; ")}. ` +
      `At most ${runs} runs.`,
    width
  }, [
    ...isOne ? [] : [legend(previews.map(({ name }, i) => signOf(name, i)), width)],
    delaysBox(previews, width),
    gap(12),
    herdBox(herds, { width, from })
  ])
}

// Writes a picture.
const save = (file: string, svg: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.writeFileString(file, svg)).pipe(
    Effect.catch(({ message, reason }): Effect.Effect<never, NotWritten | ValidationError> => {
      const why = diskError(reason)
      return why === undefined
        ? misused(`Invalid value for flag --svg: ${JSON.stringify(file)}. ${message}`)
        : Effect.fail(new NotWritten({ what: `--svg ${file}`, why }))
    })
  )

/** Prints the text, and writes the picture that was asked for. A picture to `-` is printed in place of the text. */
export const show = <E, A, B>(
  { json, svg }: { readonly json: boolean; readonly svg: string | undefined },
  { picture, text }: { readonly picture: Effect.Effect<string, E, A>; readonly text: Effect.Effect<string, never, B> }
) =>
  Effect.gen(function*() {
    if (svg === "-" && json) return yield* misused("Only one of --json and --svg - is allowed: both go to stdout")
    if (svg === "-") return yield* Console.log((yield* picture).trimEnd())
    if (svg !== undefined) yield* save(svg, yield* picture)
    yield* Console.log(yield* text)
  })
