/** `effect-wait preview`, once its options are read. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Asked, asked } from "./Document.ts"
import { show, toSvg } from "./drawSvg.ts"
import { columns, toText } from "./drawText.ts"
import { misused } from "./options.ts"
import { isCalendar, preview, type Settings, toJson } from "./Preview.ts"

export interface Options extends Asked, Settings {
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
  if (options.from !== undefined && !policies.some(({ policy }) => isCalendar(policy))) {
    return yield* misused("--from is allowed with --cron, or a policy that has one, only")
  }
  const from = options.from ?? (yield* Clock.currentTimeMillis) // one for all
  const previews = yield* Effect.forEach(policies, (named) => preview(named, { ...options, from })).pipe(
    Effect.catchTag("CronParseError", ({ message }) => misused(message))
  )
  yield* show(options, {
    picture: Effect.sync(() => toSvg(previews)),
    text: Effect.map(columns, (width) =>
      options.json
        ? JSON.stringify(toJson(options, previews), null, 2)
        : toText(previews, options, width))
  })
})
