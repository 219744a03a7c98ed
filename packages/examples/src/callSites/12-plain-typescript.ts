/**
 * 12. Loops, polls and retries for a codebase of Promises and AbortSignals, which sees nothing of Effect.
 *
 * Go: `go wait.UntilWithContext(ctx, sync, time.Minute)`, `wait.PollUntilContextTimeout(ctx, time.Second, time.Minute, true, condition)`
 * and `retry.OnError(backoff, retriable, fn)`. The signal is Go's context; `stop` is Go's stop channel, which lets a run finish.
 *
 * `npx --yes pnpm@12 examples 12-plain-typescript`
 */
import { Cause, type Duration, Effect, Exit, Layer, ManagedRuntime, Option, Scope } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll, Retry } from "effect-wait"
import { listen, portOf } from "../listen.ts"
import { claim, main } from "./support/program.ts"

type Call<A> = (signal: AbortSignal) => Promise<A>

interface Signalled {
  /** An abort interrupts at once: a sleep is cut, and what is in flight gets the signal. */
  readonly signal?: AbortSignal | undefined
}

export interface Status {
  readonly state: Loop.Status["state"]
  readonly runs: number
  readonly failures: number
  readonly lastError: unknown
  /** In milliseconds since the epoch, while it waits. */
  readonly nextStart: number | undefined
}

export interface Sync {
  /** Ends it gracefully: a run in flight finishes first. */
  readonly stop: () => Promise<void>
  /** Makes it run now. */
  readonly trigger: () => Promise<void>
  readonly status: () => Promise<Status>
}

const call = <A>(f: Call<A>) => Effect.tryPromise({ try: (signal) => f(signal), catch: (error) => error })

/** Once in a program, and `dispose` at its end: it interrupts all that is left, and nothing keeps the process alive. */
export const make = (layer: Layer.Layer<never> = Layer.empty) => {
  // The Scope of the loops is that of the runtime.
  const runtime = ManagedRuntime.make(Layer.merge(layer, Layer.effect(Scope.Scope, Effect.scope)))

  // Rejects with the error as it is; with the reason of the signal after an abort.
  const toPromise = async <A, E>(effect: Effect.Effect<A, E>, signal: AbortSignal | undefined): Promise<A> => {
    signal?.throwIfAborted()
    const exit = await runtime.runPromiseExit(effect, { signal })
    if (Exit.isSuccess(exit)) return exit.value
    signal?.throwIfAborted()
    throw Cause.squash(exit.cause)
  }

  return {
    dispose: runtime.dispose,

    /** Runs at once, and then so long after the end of each run. A run that fails is told, and the next one comes as ever. */
    startSync: ({ every, onError, signal, work }: Signalled & {
      readonly work: Call<unknown>
      readonly every: Duration.Input
      readonly onError: (error: unknown) => void
    }): Sync => {
      signal?.throwIfAborted()
      const period = Period.sliding(every)
      const loop = runtime.runSync(Loop.forkScoped(call(work), period, {
        backoff: period,
        onFailure: ({ cause }) =>
          Effect.catchCause(
            Effect.sync(() => onError(Cause.squash(cause))),
            (cause) => Effect.logError("onError failed", cause)
          )
      }))
      if (signal !== undefined) {
        runtime.runFork(Effect.raceFirst(loop.await, Effect.andThen(Loop.fromAbortSignal(signal), loop.interrupt)))
      }
      return {
        stop: () => Effect.runPromise(loop.stop),
        trigger: () => Effect.runPromise(loop.trigger),
        status: async () => {
          const { failures, lastCause, nextStart, runs, state } = await Effect.runPromise(loop.status)
          const lastError = Option.getOrUndefined(Option.map(lastCause, Cause.squash))
          return { state, runs, failures, lastError, nextStart: Option.getOrUndefined(nextStart) }
        }
      }
    },

    /** Rejects with a `WaitTimeout`, or with what the check rejects with. */
    pollUntil: (check: Call<boolean>, { interval, signal, timeout }: Signalled & {
      readonly interval: Duration.Input
      readonly timeout: Duration.Input
    }): Promise<void> =>
      toPromise(Effect.asVoid(Poll.until(call(check), Period.ticker(interval), { timeout })), signal),

    /** Rejects with a `RetryExhausted`, or with what is not retryable as it is. */
    retry: <A>(f: Call<A>, { attempts, attemptTimeout, retryable = () => true, signal }: Signalled & {
      readonly attempts: number
      readonly attemptTimeout?: Duration.Input | undefined
      readonly retryable?: ((error: unknown) => boolean) | undefined
    }): Promise<A> => {
      const schedule = Backoff.exponential({ base: "100 millis", cap: "30 seconds" }).pipe(
        Jitter.full,
        Limit.attempts(attempts)
      )
      return toPromise(Retry.run(call(f), schedule, { attemptTimeout, while: retryable }), signal)
    }
  }
}

// From here on nothing is Effect but the claims and the server.

const holds = (what: string, actual: unknown, expected: unknown) => Effect.runPromise(claim(what, actual, expected))

const caught = (error: unknown) => error

const caller = async (url: string) => {
  const { dispose, pollUntil, retry, startSync } = make()
  const patience = { interval: "20 millis", timeout: "30 seconds" } as const
  const get = async (path: string, signal: AbortSignal) => {
    const response = await fetch(`${url}${path}`, { signal })
    if (!response.ok) throw new Error(`${response.status} ${path}`)
    return response.text()
  }

  await pollUntil(async (signal) => (await fetch(`${url}/ready`, { signal })).ok, patience)
  const timeout = await pollUntil(async () => false, { ...patience, timeout: "100 millis" }).catch(caught)
  await holds("a poll in vain rejects", Poll.isWaitTimeout(timeout) && timeout.reason._tag, "Deadline")

  const third = await retry((signal) => get("/busy", signal), { attempts: 5 })
  await holds("a call that fails is made again", third, "request 3")
  const exhausted = await retry((signal) => get("/missing", signal), { attempts: 2 }).catch(caught)
  await holds("a retry in vain rejects", Retry.isRetryExhausted(exhausted) && exhausted.attempts, 2)

  const errors: Array<string> = []
  const sync = startSync({
    work: (signal) => get("/sync", signal),
    every: "50 millis",
    onError: (error) => errors.push(String(error))
  })
  await pollUntil(async () => (await sync.status()).runs > 3, patience)
  await sync.stop()
  await holds("a run that fails does not end the loop", errors, ["Error: 503 /sync", "Error: 503 /sync"])

  const controller = new AbortController()
  const signals: Array<AbortSignal> = []
  const slow = startSync({
    work: (signal) => {
      signals.push(signal)
      return get("/slow", signal)
    },
    every: "1 hour",
    onError: console.error,
    signal: controller.signal
  })
  await pollUntil(async () => signals.length === 1, patience)
  controller.abort()
  await pollUntil(async () => (await slow.status()).state === "ended", patience)
  await holds("an abort reaches the run in flight", signals.map(({ aborted }) => aborted), [true])

  const hourly = startSync({ work: async () => {}, every: "1 hour", onError: console.error })
  await dispose()
  await holds("what was left ends with the program", (await hourly.status()).state, "ended")
}

const program = Effect.gen(function*() {
  const server = yield* listen(0)
  const requests = new Map<string, number>()
  server.on("request", ({ url = "" }, response) => {
    const nth = (requests.get(url) ?? 0) + 1
    requests.set(url, nth)
    if (url === "/slow") return
    response.writeHead(url === "/missing" ? 404 : nth < 3 ? 503 : 200).end(`request ${nth}`)
  })
  const port = yield* portOf(server)
  yield* Effect.promise(() => caller(`http://127.0.0.1:${port}`))
})

if (import.meta.main) main(Effect.scoped(program))
