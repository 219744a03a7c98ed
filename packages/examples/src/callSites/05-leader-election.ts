/**
 * 5. One leader among many candidates, by a lease in the API.
 *
 * Go: `wait.JitterUntil(func() { succeeded = le.tryAcquireOrRenew(ctx); ... cancel() }, le.config.RetryPeriod, JitterFactor, true,
 * ctx.Done())` to acquire, and `wait.PollImmediateUntil(le.config.RetryPeriod, ...)` in a `wait.Until` to renew, in client-go's LeaderElector.
 * Here the RenewDeadline counts from when the last renewal was sent, so that slow answers never make two leaders, and the lease is
 * released (Go's ReleaseOnCancel) once the work has ended, not before.
 *
 * A lease cannot hold up a write of a process that was paused and wakes up late. Where that matters, where the service has a SQL
 * database anyway, or where there are many loops (each lease is a write every 2 s), use `ClusterLoop` and `Fence` of `@effect-wait/cluster`.
 *
 * `npx --yes pnpm@12 examples 05-leader-election`
 */
import { Clock, Duration, Effect, FiberMap, Option, Schema } from "effect"
import { Jitter, Loop, Period, Poll } from "effect-wait"
import { Faults, kind } from "./support/api.ts"
import { layerHttp } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

/** The time is for people to read. A candidate goes by when it saw the lease change, on its own clock. */
export const Leases = kind("leases", Schema.Struct({ holderIdentity: Schema.String, renewTime: Schema.Finite }))

export const times = { leaseDuration: "15 seconds", renewDeadline: "10 seconds", retryPeriod: "2 seconds" } as const

interface Candidate {
  readonly lease: string
  readonly identity: string
  /** How long the others wait for a leader that does not renew. */
  readonly leaseDuration: Duration.Input
  /** How long it leads without a renewal. The difference is left for the work to end, and for clocks that run fast. */
  readonly renewDeadline: Duration.Input
  readonly retryPeriod: Duration.Input
}

const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)

/** Runs the work while it leads, and succeeds with its value. Whenever it is leader no more the work is interrupted. */
export const lead = Effect.fnUntraced(function*<A, E, R>(work: Effect.Effect<A, E, R>, candidate: Candidate) {
  const { identity, lease, renewDeadline, retryPeriod } = candidate
  const leaseDuration = Duration.toMillis(candidate.leaseDuration)
  let observed = { version: -1, at: 0 }
  let renewed = 0

  const tryAcquireOrRenew = Effect.gen(function*() {
    const renewTime = yield* Clock.currentTimeMillis
    const held = yield* Effect.catchTag(
      Leases.get(lease),
      "NotFound",
      () => Leases.create(lease, { holderIdentity: "", renewTime })
    )
    const seen = yield* now
    if (held.version !== observed.version) observed = { version: held.version, at: seen }
    const isFree = ["", identity].includes(held.spec.holderIdentity) || seen - observed.at >= leaseDuration
    if (!isFree) return false
    // It fails with a Conflict when another one was faster.
    yield* Leases.update({ ...held, spec: { holderIdentity: identity, renewTime } })
    renewed = seen
    return true
  }).pipe(
    Effect.timeout(renewDeadline),
    Effect.catch(({ message }) => Effect.as(Effect.logWarning(`${identity}: ${message}`), false))
  )

  const acquire = Poll.until(tryAcquireOrRenew, Period.sliding(retryPeriod).pipe(Jitter.additive(1.2)))

  const renew = Effect.gen(function*() {
    const timeout = Math.max(0, renewed + Duration.toMillis(renewDeadline) - (yield* now))
    yield* Poll.until(tryAcquireOrRenew, Period.ticker(retryPeriod), { timeout })
  })

  const term = Effect.gen(function*() {
    yield* Effect.orDie(acquire) // without a timeout it never fails
    yield* Effect.log(`${identity} became leader`)
    const lost = Loop.run(renew, Period.sliding(retryPeriod)).pipe(
      Effect.catch(({ attempts }) => Effect.log(`${identity} lost the lease, failed renewals: ${attempts}`)),
      Effect.as(Option.none<A>())
    )
    return yield* Effect.raceFirst(Effect.asSome(work), lost)
  })

  const release = Effect.gen(function*() {
    const held = yield* Leases.get(lease)
    if (held.spec.holderIdentity !== identity) return
    yield* Leases.update({ ...held, spec: { ...held.spec, holderIdentity: "" } })
    yield* Effect.log(`${identity} released the lease`)
  }).pipe(
    Effect.retry({ while: ({ _tag }) => _tag === "Conflict" }), // with a renewal that was under way
    Effect.timeout(renewDeadline),
    Effect.ignore
  )

  const terms = Effect.repeat(term, { until: Option.isSome })
  return Option.getOrThrow(yield* Effect.ensuring(terms, release))
})

/** A time as leader: from when the work began until it had ended. */
export interface Term {
  readonly identity: string
  readonly start: number
  end: number
}

/** Notes each time that the work is done. */
export const noted = <A, E, R>(work: Effect.Effect<A, E, R>, identity: string, terms: Array<Term>) =>
  Effect.acquireUseRelease(
    Effect.map(now, (start) => {
      const term = { identity, start, end: Infinity }
      terms.push(term)
      return term
    }),
    () => work,
    (term) =>
      Effect.map(now, (end) => {
        term.end = end
      })
  )

/** The terms that began before an earlier one had ended. */
export const overlaps = (terms: ReadonlyArray<Term>) =>
  terms.filter(({ start }, i) => terms.slice(0, i).some(({ end }) => end > start))

const program = Effect.gen(function*() {
  const { down } = yield* Faults
  const terms: Array<Term> = []
  const candidates = yield* FiberMap.make<string>()
  const start = (identity: string) =>
    FiberMap.run(
      candidates,
      identity,
      lead(noted(Effect.never, identity, terms), {
        lease: "scheduler",
        identity,
        leaseDuration: "1500 millis",
        renewDeadline: "1 second",
        retryPeriod: "200 millis"
      })
    )
  const leading = Effect.sync(() => terms.filter(({ end }) => end === Infinity).map(({ identity }) => identity))
  const until = (leaders: number) =>
    Poll.until(leading, Period.sliding("10 millis"), {
      accept: ({ length }) => length === leaders,
      timeout: "20 seconds"
    })

  yield* start("a")
  yield* start("b")
  const [first = ""] = yield* until(1)
  const { spec: { renewTime } } = yield* Leases.get("scheduler")
  yield* Effect.log(`${first} dies`)
  yield* down(FiberMap.remove(candidates, first)) // it cannot release its lease
  const [second = ""] = yield* until(1)
  yield* claim("the other takes over", second, first === "a" ? "b" : "a")
  yield* claim("not before the lease has run out", (yield* Clock.currentTimeMillis) - renewTime >= 1500, true)

  yield* start(first)
  yield* Effect.log(`${second} is stopped`)
  yield* FiberMap.remove(candidates, second)
  const { spec: { holderIdentity } } = yield* Leases.get("scheduler")
  yield* claim("who is stopped leaves no lease behind", holderIdentity === second, false)
  yield* claim("the other takes over", yield* until(1), [first])

  yield* start(second)
  yield* Effect.log("the server is away")
  yield* down(until(0))
  yield* Effect.log("without an answer the leader has ended its work")
  yield* until(1)
  yield* claim("at no time there are two leaders", overlaps(terms), [])
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(layerHttp)))
