import { Effect, type FileSystem, type Layer, type Scope } from "effect"
import { Loop, Period } from "effect-wait"
import * as LoopStore from "effect-wait/LoopStore"
import type { KeyValueStore } from "effect/persistence"
import type { PlatformError } from "effect/PlatformError"
import { expectTypeOf } from "vitest"

declare const work: Effect.Effect<string, "failed", "work">
const schedule = Period.sliding("1 minute")

// With catchUp a loop requires a store, and can fail with its error; without it, it does not.
expectTypeOf(Loop.forkScoped(work, schedule, { name: "sync", catchUp: {} })).toEqualTypeOf<
  Effect.Effect<
    Loop.Loop<number, "failed" | LoopStore.LoopStoreError, string>,
    never,
    "work" | LoopStore.LoopStore | Scope.Scope
  >
>()
expectTypeOf(work.pipe(Loop.forkScoped(schedule, { name: "sync", catchUp: { missed: "all", window: "1 hour" } })))
  .toEqualTypeOf<
    Effect.Effect<
      Loop.Loop<number, "failed" | LoopStore.LoopStoreError, string>,
      never,
      "work" | LoopStore.LoopStore | Scope.Scope
    >
  >()
expectTypeOf(Loop.forkScoped(work, schedule, { name: "sync" })).toEqualTypeOf<
  Effect.Effect<Loop.Loop<number, "failed", string>, never, "work" | Scope.Scope>
>()
expectTypeOf(Loop.forkScoped(work, schedule, { name: "sync", catchUp: undefined })).toEqualTypeOf<
  Effect.Effect<Loop.Loop<number, "failed", string>, never, "work" | Scope.Scope>
>()
expectTypeOf(Loop.layer(work, schedule, { name: "sync", catchUp: { missed: "skip" } })).toEqualTypeOf<
  Layer.Layer<never, never, "work" | LoopStore.LoopStore>
>()
expectTypeOf(work.pipe(Loop.layer(schedule, { name: "sync", catchUp: {} }))).toEqualTypeOf<
  Layer.Layer<never, never, "work" | LoopStore.LoopStore>
>()
expectTypeOf(Loop.layer(work, schedule, { name: "sync" })).toEqualTypeOf<Layer.Layer<never, never, "work">>()

// What may be there requires the store.
declare const perhaps: Loop.CatchUp | undefined
expectTypeOf(Loop.layer(work, schedule, { name: "sync", catchUp: perhaps })).toEqualTypeOf<
  Layer.Layer<never, never, "work" | LoopStore.LoopStore>
>()

// @ts-expect-error the memory is kept under a name
Loop.forkScoped(work, schedule, { catchUp: {} })
// @ts-expect-error the memory is kept under a name
work.pipe(Loop.forkScoped(schedule, { catchUp: { missed: "one" } }))
// @ts-expect-error no such policy
Loop.forkScoped(work, schedule, { name: "sync", catchUp: { missed: "maybe" } })
// @ts-expect-error a misspelt option
Loop.layer(work, schedule, { name: "sync", catchUp: { widow: "1 hour" } })
// @ts-expect-error a loop in the calling fiber remembers nothing
Loop.run(work, schedule, { name: "sync", catchUp: {} })

expectTypeOf(LoopStore.layerMemory).toEqualTypeOf<Layer.Layer<LoopStore.LoopStore>>()
expectTypeOf(LoopStore.layerKeyValueStore).toEqualTypeOf<
  Layer.Layer<LoopStore.LoopStore, never, KeyValueStore.KeyValueStore>
>()
expectTypeOf(LoopStore.layerFile("/var/lib/service")).toEqualTypeOf<
  Layer.Layer<LoopStore.LoopStore, PlatformError, FileSystem.FileSystem>
>()
// @ts-expect-error a store saves too
LoopStore.make({ load: () => Effect.undefined })
