/**
 * What the real package did, recorded by scripts/go-traces, and what Wait does: the same starts, ends, return time and
 * outcome, to the microsecond.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Data, Deferred, Effect, Exit, Random, Schedule, Stream } from "effect"
import { Backoff, Period, Timeline, Wait } from "effect-wait"
import { readdirSync, readFileSync } from "node:fs"
