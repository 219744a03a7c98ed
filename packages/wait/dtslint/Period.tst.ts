import type { Cron, Schedule } from "effect"
import { Effect } from "effect"
import { Period } from "effect-wait"
import { expectTypeOf } from "vitest"

// `pnpm check:dtslint` compiles this folder; nothing here runs.

// A period counts its runs, whatever they give.
expectTypeOf(Period.sliding("1 second")).toEqualTypeOf<Schedule.Schedule<number>>()

// An expression that does not parse is an error of the schedule, not a throw.
expectTypeOf(Period.cron("0 * * * *")).toEqualTypeOf<Schedule.Schedule<number, unknown, Cron.CronParseError>>()

// Works with plain Effect.repeat.
expectTypeOf(Effect.repeat(Effect.void, Period.nonSliding("1 second"))).toEqualTypeOf<Effect.Effect<number>>()

// @ts-expect-error a missed slot is kept or skipped
Period.ticker("1 second", { missed: "drop" })
