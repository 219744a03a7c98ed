/** `effect-wait preview`, once its options are read. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { asked } from "./Document.ts"
import { save, toSvg } from "./drawSvg.ts"
import { columns, toText } from "./drawText.ts"
import { misused, type Waits } from "./options.ts"
import { preview, type Settings, toJson } from "./Preview.ts"

export interface Options extends Waits, Settings {
  readonly policy: ReadonlyArray<string>
  readonly svg: string | undefined
  readonly json: boolean
}

export const run = Effect.fnUntraced(function*(options: Options) {
  const policies = yield* asked(options)
  if (policies.length === 0) {
    return yield* misused(
      "There is nothing to preview. Expected: --backoff, --interval, --period, --cron, or --policy FILE"
    )
  }
  const previews = yield* Effect.forEach(policies, (named) => preview(named, options)).pipe(
    Effect.catchTag("CronParseError", ({ message }) => misused(message))
  )
  if (options.svg !== undefined) yield* save(options.svg, toSvg(previews))
  yield* Console.log(
    options.json
      ? JSON.stringify(toJson(options, previews), null, 2)
      : toText(previews, options, yield* columns)
  )
})
