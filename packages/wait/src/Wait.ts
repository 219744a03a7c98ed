/**
 * Go's names and Go's exact behaviour, to port Go code: the package `k8s.io/apimachinery/pkg/util/wait`, release
 * 0.37.2, to the millisecond. For new code use `Loop`, `Poll` and the schedule values.
 *
 * **A failure ends the loop.** Go's `f` returns nothing, so no error ends its loops. Here a failure of the work ends the
 * loop. Go's `f` is `Loop.survive(work)`, which logs the failure, or `Effect.ignore(work)`.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Jitter, Period, Timeline } from "effect-wait"
 *
 * // wait.JitterUntil(f, time.Second, 0.5, sliding, stopCh)
 * const jittered = Period.sliding("1 second").pipe(Jitter.additive(0.5))
 * const options = { work: 400, until: "5 seconds", random: [0, 0.6, 0.3] } as const
 *
 * console.log(Timeline.render(Effect.runSync(Effect.all({
 *   "sliding: true": Timeline.simulate(jittered, options),
 *   "sliding: false": Timeline.simulate(jittered.pipe(Period.fromStart), options)
 * })), { width: 56 }))
 * ```
 *
 * ```text
 * sliding: true  [==]..........[==].............[==]...........[==].
 * sliding: false [==]......[==].........[==].......[==]......[==]...
 *                0         1s        2s        3s        4s        5s
 * ```
 *
 * Where Go takes a channel or a context, these functions take `stop`, see `Loop.run`. An Effect carries its context, so
 * Go's `...WithContext` twins are the same functions here.
 *
 * A loop completes when it is stopped, and fails with the error of its work. A poll succeeds when its condition holds.
 * It fails with the condition's error, or with a `WaitTimeout`. A bad argument is a defect: an `IllegalArgumentError`
 * that names it.
 *
 * Functions that Go deprecates are deprecated here too. The note names Go's successor, and the better form for new
 * code.
 *
 * @since 0.1.0
 */
export * from "./Wait/loops.ts"
export * from "./Wait/managers.ts"
export * from "./Wait/polls.ts"
