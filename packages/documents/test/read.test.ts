import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Timeline } from "effect-wait"
import { read } from "../src/index.ts"

const fromText = (file: string, content: string) => Effect.fromResult(read(content, { name: file }))

// Delays to a nanosecond, with a draw in the middle.
const delaysOf = Effect.fnUntraced(function*(content: string, options: { random?: number; file?: string } = {}) {
  const { file = "policy.yaml", random = 0.5 } = options
  const policies = yield* fromText(file, content)
  return yield* Effect.forEach(policies, ({ schedule }) =>
    Effect.map(
      Timeline.simulate(schedule, { until: Infinity, random: [random], maxRuns: 11 }),
      (timeline) => Timeline.delays(timeline).map((delay) => Number(delay.toFixed(6)))
    ))
})

const reasonOf = (content: string, file = "policy.yaml") =>
  Effect.map(Effect.flip(fromText(file, content)), ({ message }) => message)

const problemsOf = (content: string) =>
  Effect.map(
    Effect.flip(fromText("policy.yaml", content)),
    ({ problems }) => problems.map(({ path, reason }) => `${path || "this"} ${reason}`).join("; ")
  )

interface Case {
  readonly name: string
  readonly document: string
  readonly delays: ReadonlyArray<number>
  readonly random?: number
  readonly notes?: ReadonlyArray<string>
}

const cases = (title: string, cases: ReadonlyArray<Case>) =>
  it.effect.each(cases)(title, ({ delays, document, notes = [], random = 0.5 }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* delaysOf(document, { random }), [delays])
      const [found] = yield* fromText("policy.yaml", document)
      assert.deepStrictEqual(found?.notes, notes)
    }))

describe("a Kubernetes Backoff", () => {
  cases("has the delays of ExponentialBackoff: $name", [
    {
      name: "retry.DefaultBackoff",
      document: "{ duration: 10ms, factor: 5, jitter: 0.1, steps: 4 }",
      delays: [10.5, 52.5, 262.5]
    },
    {
      name: "as Go marshals it",
      document: `{ "Duration": 10000000, "Factor": 1, "Jitter": 0, "Steps": 5, "Cap": 0 }`,
      delays: [10, 10, 10, 10]
    },
    {
      name: "of two runs, for its cap",
      document: "{ duration: 1s, factor: 2, jitter: 0, steps: 10, cap: 3s }",
      delays: [1000],
      notes: ["Go gives up once the cap is passed: after 2 of 10 runs, and a last wait that no run follows"]
    },
    {
      name: "of one run, for a cap below its duration",
      document: "{ duration: 1s, factor: 1, steps: 3, cap: 500ms }",
      delays: [],
      notes: ["Go gives up once the cap is passed: after 1 of 3 runs, and a last wait that no run follows"]
    },
    {
      name: "of all runs, for a cap that is met and not passed",
      document: "{ duration: 1s, factor: 2, steps: 3, cap: 4s }",
      delays: [1000, 2000]
    },
    {
      name: "of all runs, for a cap that is passed by less than a nanosecond, which Go cuts off",
      document: "{ duration: 3ns, factor: 1.5, steps: 2, cap: 4ns }",
      delays: [0.000003]
    },
    {
      name: "without growth, for a factor of 0",
      document: "{ duration: 1m30s, steps: 3, cap: 1s }",
      delays: [90_000, 90_000]
    },
    {
      name: "that go down",
      document: "{ duration: 1s, factor: 0.5, steps: 4, cap: 1s }",
      delays: [1000, 500, 250]
    },
    { name: "without jitter, for one below 0", document: "{ duration: 3ns, jitter: -1, steps: 2 }", delays: [0.000003] }
  ])
})

describe("a gRPC retryPolicy", () => {
  const policy = (maxAttempts: number, more = "") =>
    `{ maxAttempts: ${maxAttempts}, initialBackoff: 0.1s, maxBackoff: 0.3s, backoffMultiplier: 1.6,
       retryableStatusCodes: [UNAVAILABLE, 8]${more} }`
  const statuses = "gRPC retries UNAVAILABLE, 8 only: that is up to the program, not to its schedule"

  cases("has the delays of gRFC A6: $name", [
    {
      name: "in the middle",
      document: policy(5),
      delays: [100, 160, 256, 300],
      notes: [statuses]
    },
    { name: "the shortest", document: policy(4), random: 0, delays: [80, 128, 204.8], notes: [statuses] },
    {
      name: "no more than 5 attempts",
      document: policy(8),
      delays: [100, 160, 256, 300],
      notes: ["gRPC's clients make at most 5 attempts, not 8", statuses]
    },
    {
      name: "inside of a retryPolicy",
      document: `{ timeout: 10s, retryPolicy: ${policy(2)} }`,
      delays: [100],
      notes: [statuses]
    },
    {
      name: "without statuses",
      document: "{ maxAttempts: 2, initialBackoff: 1s, maxBackoff: 1s, backoffMultiplier: 1 }",
      delays: [1000],
      notes: ["gRPC takes no retryPolicy without retryableStatusCodes"]
    }
  ])

  it.effect("has one for each method of a service config", () =>
    Effect.gen(function*() {
      const retryPolicy = (maxAttempts: number) => ({
        maxAttempts,
        initialBackoff: "1s",
        maxBackoff: "10s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"]
      })
      const config = JSON.stringify({
        loadBalancingConfig: [{ round_robin: {} }],
        retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
        methodConfig: [
          {
            name: [{ service: "a.B", method: "M" }, { service: "a.C" }],
            waitForReady: true,
            retryPolicy: retryPolicy(3)
          },
          { name: [{ service: "a.D" }] },
          { name: [{}], retryPolicy: retryPolicy(4) },
          { retryPolicy: retryPolicy(2) }
        ]
      })
      const policies = yield* fromText("config.json", config)
      assert.deepStrictEqual(policies.map(({ name }) => name), ["a.B/M, a.C", "methodConfig[2]", "methodConfig[3]"])
      assert.deepStrictEqual(policies[1]?.notes, [
        "gRPC retries UNAVAILABLE only: that is up to the program, not to its schedule",
        "retryThrottling stops the retries of all calls to a server that fails often: RetryBudget.layerThrottling"
      ])
      assert.deepStrictEqual(yield* delaysOf(config, { file: "config.json" }), [[1000, 2000], [1000, 2000, 4000], [
        1000
      ]])
    }))
})

describe("a Temporal RetryPolicy", () => {
  cases("has the delays of its options: $name", [
    {
      name: "as in the documentation",
      document: "{ initialInterval: 1s, backoffCoefficient: 2, maximumInterval: 100s, maximumAttempts: 5 }",
      delays: [1000, 2000, 4000, 8000]
    },
    {
      name: "unlimited, up to 100 intervals",
      document: "{ initialInterval: 10, maximumAttempts: 0 }",
      delays: [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]
    },
    {
      name: "in snake case, and an interval of a second",
      document:
        "{ backoff_coefficient: 3, maximum_interval: 10s, non_retryable_error_types: [BadInput], maximum_attempts: 4 }",
      delays: [1000, 3000, 9000],
      notes: ["Temporal does not retry BadInput: that is up to the program, not to its schedule"]
    }
  ])
})

describe("a Retry filter of Spring's gateway", () => {
  const filter = (more: string) =>
    `{ name: Retry, args: { retries: 4, backoff: { firstBackoff: 10ms, maxBackoff: 50ms }${more} } }`

  cases("has the delays of reactor-addons: $name", [
    { name: "without jitter", document: filter(""), delays: [10, 20, 40, 50] },
    {
      name: "with the longest jitter",
      document: filter(", jitter: { randomFactor: 0.2 }"),
      random: 1 - 2 ** -53,
      delays: [12, 24, 48, 50],
      notes: ["The jitter makes no delay shorter than firstBackoff: that is not shown"]
    },
    { name: "with a limit for all attempts", document: filter(", timeout: 45ms"), delays: [10, 20] }
  ])
})

describe("an instance of resilience4j", () => {
  cases("has a note for a setting that is not enabled: $name", [
    {
      name: "of the growth",
      document: "resilience4j.retry: { instances: { a: { waitDuration: 1s, exponentialBackoffMultiplier: 3 } } }",
      delays: [1000, 1000],
      notes: ["Without enableExponentialBackoff each wait is as long as the first"]
    },
    {
      name: "of the jitter",
      document: "resilience4j.retry: { instances: { a: { wait-duration: 1s, randomized-wait-factor: 0.9, " +
        "enable-exponential-backoff: true, exponential-backoff-multiplier: 3 } } }",
      random: 0,
      delays: [1000, 3000],
      notes: ["Without enableRandomizedWait there is no randomized wait"]
    }
  ])
})

describe("a Backoff of Argo Events", () => {
  const jitter = "Without a jitter Argo Events has one of 1: each delay is up to twice as long"

  cases("has its own defaults: $name", [
    { name: "an empty one", document: "connectionBackoff: {}", delays: [1500, 1500, 1500, 1500], notes: [jitter] },
    { name: "steps alone", document: "retryStrategy: { steps: 3 }", delays: [1500, 1500], notes: [jitter] },
    {
      name: "in a Sensor",
      document:
        "{ apiVersion: argoproj.io/v1alpha1, kind: Sensor, policy: { backoff: { steps: 0, factor: 2, jitter: 0 } } }",
      delays: [1000, 2000, 4000, 8000]
    }
  ])

  it.effect("is not one in a manifest of others", () =>
    Effect.gen(function*() {
      const manifest = (apiVersion: string, kind: string, inner: string) =>
        `{ apiVersion: ${apiVersion}, kind: ${kind}, spec: { retryStrategy: ${inner} } }`
      const read = (document: string) => Effect.map(fromText("m.yaml", document), ([found]) => found?.system)
      assert.strictEqual(yield* read(manifest("argoproj.io/v1alpha1", "Workflow", "{}")), "argo-workflows")
      assert.strictEqual(yield* read(manifest("argoproj.io/v1alpha1", "Sensor", "{}")), "kubernetes")
      assert.match(
        yield* reasonOf(manifest("numaflow.numaproj.io/v1alpha1", "Pipeline", "{}")),
        /^policy\.yaml: there is no/
      )
    }))
})

describe("a policy of our own", () => {
  cases("is what the options of the same names are: $name", [
    {
      name: "a backoff",
      document: "{ backoff: 100ms..1s, factor: 3, jitter: 0.2, attempts: 5 }",
      delays: [110, 330, 990, 1100]
    },
    { name: "full jitter", document: "{ backoff: 1s..inf, jitter: full, within: 3s }", delays: [500, 1000] },
    { name: "jitter by a flag", document: "{ interval: 1s, full-jitter: true, times: 3 }", delays: [500, 500] },
    {
      name: "a range of jitter",
      document: "{ interval: 1s, jitter: 0.8..1.2, attempts: 2 }",
      random: 0,
      delays: [800]
    },
    { name: "a period", document: "{ period: 1s, non-sliding: true, attempts: 3 }", delays: [1000, 1000] },
    { name: "a ticker", document: "{ period: 1s, ticker: true, attempts: 2, within: 1m }", delays: [1000] },
    { name: "a calendar", document: "{ cron: \"*/5 * * * *\", attempts: 3 }", delays: [300_000, 300_000] },
    { name: "no delay", document: "{ interval: 0, attempts: 3 }", delays: [0, 0] }
  ])
})

describe("a document", () => {
  it.effect("is several policies as a map or a list, of any kind", () =>
    Effect.gen(function*() {
      const document = `
fast: { backoff: 10ms..1s, attempts: 2 }
others:
  - { duration: 1s, steps: 2 }
  - inner: { initialInterval: 2s, maximumAttempts: 2 }
`
      const policies = yield* fromText("policies.yaml", document)
      assert.deepStrictEqual(policies.map(({ name }) => name), ["fast", "others[0]", "others[1].inner"])
      assert.deepStrictEqual(yield* delaysOf(document), [[10], [1000], [2000]])
      assert.deepStrictEqual(yield* delaysOf(`[{"interval":"1s","attempts":2}]`, { file: "list.json" }), [[1000]])
    }))

  it.effect("is told in TypeScript", () =>
    Effect.gen(function*() {
      const [found] = yield* fromText("p.yaml", "{ duration: 10ms, factor: 5, jitter: 0.1, steps: 4, cap: 1h }")
      assert.strictEqual(
        found?.code,
        `Backoff.toSchedule({ duration: "10 millis", factor: 5, jitter: 0.1, steps: 4, cap: "1 hour" }).pipe(
  Limit.attempts(4)
)`
      )
    }))

  it.effect("has errors that know the file, the place and the reason", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(fromText("a/b.yaml", "x y: [{ duration: 1s, steps: 0 }]"))
      assert.deepStrictEqual(error.problems, [
        { path: `["x y"][0].steps`, pointer: "/x y/0/steps", line: 1, reason: "must be an integer of 1 or more, got 0" }
      ])
      assert.strictEqual(error.message, `a/b.yaml: ["x y"][0].steps must be an integer of 1 or more, got 0`)
    }))

  it.effect("that is no YAML is refused with the line", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* reasonOf("a: 1\nb: [1s", "a.yml"),
        "a.yml: line 2: this is no YAML: unexpected end of the stream within a flow collection"
      )
    }))

  it.effect("is refused where it is nested without end", () =>
    Effect.gen(function*() {
      const nested = (times: number, inner: string) => `${"[".repeat(times)}${inner}${"]".repeat(times)}`
      assert.strictEqual(
        yield* reasonOf(nested(100_000, ""), "a.json"),
        "a.json: this is nested deeper than 100 times"
      )
      assert.strictEqual((yield* fromText("a.json", nested(20, `{"interval":"1s"}`))).length, 1)
    }))

  const goDuration = `a duration such as "10ms" or "1m30s", or a number of nanoseconds`
  const seconds = `a duration in seconds such as "0.1s", longer than 0`
  const plain = "a duration such as 100ms, 1.5s or 2m30s"

  it.effect.each<{ readonly document: string; readonly reason: string }>([
    { document: "{ factor: 2, jitter: 1 }", reason: "duration is missing; steps is missing" },
    { document: "{ a: { interval: 1s }, b: { foo: 1 } }", reason: "b is no policy: its keys are foo" },
    {
      document: "{ steps: 3, maxAttempts: 3 }",
      reason: "maxAttempts is no key of a Kubernetes Backoff; duration is missing"
    },
    {
      document: "{ duration: 1d, factor: -1, jitter: a, steps: 1.5, cap: -1, foo: 1, bar: 1 }",
      reason: `foo is no key of a Kubernetes Backoff; bar is no key of a Kubernetes Backoff; ` +
        `duration must be ${goDuration}, got "1d"; factor must be a number of 0 or more, got -1; ` +
        `jitter must be a finite number, got "a"; steps must be an integer of 1 or more, got 1.5; ` +
        `cap must be ${goDuration}, got -1`
    },
    {
      document: "{ Factor: 2 }",
      reason: "duration is missing; steps is missing"
    },
    { document: "{ Steps: 0, Duration: 1 }", reason: "Steps must be an integer of 1 or more, got 0" },
    { document: "{ duration: 1s }", reason: "steps is missing" },
    {
      document: "{ steps: 1, Steps: 2 }",
      reason: "Steps is given twice, the other time as steps; duration is missing"
    },
    {
      document:
        "{ maxAttempts: 1, initialBackoff: 100ms, maxBackoff: 0s, backoffMultiplier: 0, retryableStatusCodes: 1 }",
      reason: `maxAttempts must be an integer greater than 1, got 1; initialBackoff must be ${seconds}, got "100ms"; ` +
        `maxBackoff must be ${seconds}, got "0s"; backoffMultiplier must be a number greater than 0, got 0; ` +
        `retryableStatusCodes must be a list of status codes such as ["UNAVAILABLE"], got 1`
    },
    {
      document: "{ methodConfig: [{ retryPolicy: { maxAttempts: 1.5 } }] }",
      reason: "methodConfig[0].retryPolicy.maxAttempts must be an integer greater than 1, got 1.5; " +
        ["initialBackoff", "maxBackoff", "backoffMultiplier"].map((key) =>
          `methodConfig[0].retryPolicy.${key} is missing`
        )
          .join("; ")
    },
    { document: "{ methodConfig: [{ name: [{}] }] }", reason: "methodConfig has no retryPolicy and no hedgingPolicy" },
    { document: "{ methodConfig: 1 }", reason: "methodConfig has no retryPolicy and no hedgingPolicy" },
    {
      document: "{ methodConfig: [{ retryPolicy: {} }] }",
      reason: ["maxAttempts", "initialBackoff", "maxBackoff", "backoffMultiplier"].map((key) =>
        `methodConfig[0].retryPolicy.${key} is missing`
      ).join("; ")
    },
    {
      document:
        "{ initial_interval: -1, backoffCoefficient: 0.5, maximumAttempts: -1, nonRetryableErrorTypes: {}, maximum_foo: 1 }",
      reason: "maximum_foo is no key of a Temporal RetryPolicy; " +
        `initial_interval must be a duration such as "1s" or "1 minute", or a number of milliseconds, got -1; ` +
        "backoffCoefficient must be a number of 1 or more, got 0.5; " +
        "maximumAttempts must be an integer of 0 or more, got -1; " +
        `nonRetryableErrorTypes must be a list of names, got {}`
    },
    {
      document: "{ initialInterval: 2s, maximumInterval: 1s }",
      reason: "this has a maximumInterval, 1s, below its initialInterval, 2s"
    },
    {
      document:
        "{ backoff: 1s, factor: x, jitter: -1, attempts: 0, non-sliding: 1, cron: \"61 * * * *\", within: 1, foo: 1 }",
      reason: "foo is no key of a policy of effect-wait; non-sliding must be true or false, got 1; " +
        `cron must be a cron expression such as '*/5 * * * *' (minute "61": write 0 to 59, a range a-b, a step */n, or a list of these), got "61 * * * *"; ` +
        `backoff must be a range such as 100ms..30s, or 100ms..inf, that begins above 0, got "1s"; ` +
        `factor must be a number of 0 or more, got "x"; ` +
        "jitter must be a factor of 0 or more such as 0.2, a range such as 0.8..1.2, full, or equal, got -1; " +
        `attempts must be an integer of 1 or more, got 0; within must be ${plain}, got 1`
    },
    { document: "{ interval: 1s, constructor: 1 }", reason: "constructor is no key of a policy of effect-wait" },
    { document: "{ times: 1, attempts: 1, interval: 1s }", reason: "attempts is given twice, the other time as times" },
    {
      document: "{ cron: 0 0 30 2 * }",
      reason:
        `cron must be a cron expression such as '*/5 * * * *' (no date ever matches: there is no day 30 in month 2), got "0 0 30 2 *"`
    },
    {
      document: "{ interval: 1s, backoff: 1s..2s }",
      reason: "this is not possible: Only one of interval and backoff is allowed"
    },
    {
      document: "{ a: { period: 0, ticker: true } }",
      reason: "a is not possible: period: \"0\". Expected: longer than 0, with ticker"
    },
    {
      document: "{ attempts: 3 }",
      reason: "this does not say how it is waited: interval, period, cron or backoff is missing"
    }
  ])("is refused: $document", ({ document, reason }) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* problemsOf(document), reason)
    }))

  it.effect.each([
    { what: "a workflow of steps", document: "runs: { using: composite, steps: [{ run: make }] }" },
    {
      what: "a client of one's own",
      document: "{ members: [{ retryPolicy: { maxAttempts: 3, initialDelayMs: 1000, maxDelayMs: 10000, " +
        "backoffMultiplier: 2, retryableErrors: [RATE_LIMIT] } }] }"
    },
    {
      what: "a resiliency of Dapr",
      document: "{ apiVersion: dapr.io/v1alpha1, kind: Resiliency, spec: { policies: { retries: { " +
        "important: { policy: exponential, maxInterval: 15s, maxRetries: 10 } } } } }"
    },
    {
      what: "a route of the Gateway API",
      document: "{ apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, spec: { rules: [{ retry: { " +
        "attempts: 3, backoff: 500ms, codes: [500] } }] } }"
    },
    {
      what: "values of a release",
      document: "{ apiVersion: helm.toolkit.fluxcd.io/v2, spec: { interval: 10m, values: { retry: { attempts: 3 } } } }"
    },
    {
      what: "a queue of Prometheus",
      document:
        "{ remote_write: [{ url: http://x, queue_config: { min_backoff: 30ms, max_backoff: 5s, capacity: 10000 } }] }"
    },
    { what: "a restart", document: "{ operation: { retryPolicy: { retryCount: 2, retryWindowInMinutes: 30 } } }" },
    { what: "updates", document: "{ version: 2, updates: [{ schedule: { interval: weekly } }] }" },
    { what: "a canary", document: "{ kind: Rollout, strategy: { steps: [{ pause: { duration: 1h } }] } }" }
  ])(
    "of something else is not measured by a format that it does not have: $what",
    ({ document }) =>
      Effect.gen(function*() {
        assert.match(yield* reasonOf(document), /^policy\.yaml: there is no policy in it\. What can be read: /)
      })
  )

  it.effect.each([
    {
      document: "{ kind: Job, spec: { retry: { maxAttempts: 3, initialBackoff: 1s, delay: 1s } } }",
      nearest: "spec.retry, line 1, as gRPC's retryPolicy and hedgingPolicy: spec.retry.delay is no key of a gRPC " +
        "retryPolicy; spec.retry.maxBackoff is missing; spec.retry.backoffMultiplier is missing"
    },
    {
      document: "{ kind: Job, spec: { retry: { interval: 1s, times: 3, within: 1m } } }",
      nearest: "spec.retry, line 1, as a policy of effect-wait: spec.retry has the keys of one: choose it with the " +
        "pointer /spec/retry"
    },
    {
      document: "{ apiVersion: example.com/v1, retries: { attempts: 3 } }",
      nearest: "retries, line 1, as Istio's retries: retries has the keys of one: choose it with the pointer /retries"
    },
    {
      document:
        "{ remote_write: [{ url: http://x, queue_config: { min_backoff: 30ms, max_backoff: 5s, max_doublings: 9, a: 1 } }] }",
      nearest: "remote_write[0].queue_config, line 1, as Google Cloud Tasks' retryConfig: " +
        "remote_write[0].queue_config.a is no key of Cloud Tasks' retryConfig"
    }
  ])("names the nearest place: $document", ({ document, nearest }) =>
    Effect.gen(function*() {
      assert.match(yield* reasonOf(document), /^policy\.yaml: there is no policy in it\. Nearest to one is /)
      assert.include(
        yield* reasonOf(document),
        `Nearest to one is ${nearest}. What can be read: Kubernetes' wait.Backoff, `
      )
    }))

  it.effect.each(["", "{}", "[]", "[1]", "{ foo: 1, bar: 2 }", "some text"])(
    "without a policy is refused with what can be read: %s",
    (document) =>
      Effect.gen(function*() {
        assert.match(
          yield* reasonOf(document),
          /^policy\.yaml: there is no (policy|document) in it.*\. What can be read: Kubernetes' wait\.Backoff, .* and a policy of effect-wait$/
        )
      })
  )
})
