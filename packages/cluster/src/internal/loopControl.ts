import type * as Sharding from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import { type Control, ControlError, type Status } from "./controlModels.ts"

const noStorage = (name: string) => new ControlError({ name, reason: "noStorage", message: "not yet" })

/** The control of a loop of the cluster, from any process. */
export const control = (name: string): Effect.Effect<Control, ControlError, Sharding.Sharding> =>
  Effect.fail(noStorage(name))

/** All loops that the cluster knows, by name. */
export const list: Effect.Effect<ReadonlyArray<Status>, ControlError, Sharding.Sharding> = Effect.fail(noStorage(""))
