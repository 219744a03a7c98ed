/** The metrics of a name: in Effect's registry, with the naming conventions of Prometheus. */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** The kind of a driver, as an attribute of its metrics. */
export type Kind = "loop" | "poll" | "retry" | "hedge"

type Attributes = Readonly<Record<string, string>>

export const counter = (id: string, attributes: Attributes, description: string) =>
  Metric.counter(`effect_wait_${id}_total`, { description, attributes, incremental: true })

const histogram = (id: string, attributes: Attributes, description: string) =>
  Metric.histogram(`effect_wait_${id}_seconds`, {
    description,
    attributes: { ...attributes, unit: "s" },
    boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800, 3600]
  })

const active = (state: string, attributes: Attributes) =>
  Metric.gauge("effect_wait_active", {
    description: "Loops, polls and retries that are waiting, running or paused now",
    attributes: { ...attributes, state }
  })

// The values of the attribute `reason` by kind. A hedge has those of a retry.
const reasons: Readonly<Partial<Record<Kind, ReadonlyArray<string>>> & Record<"retry", ReadonlyArray<string>>> = {
  loop: ["error", "defect", "exhausted"],
  poll: ["error", "defect", "deadline", "exhausted", "stopped"],
  retry: ["error", "defect", "schedule", "budget"]
}

const makeMeter = (kind: Kind, name: string) => {
  const attributes = { kind, name }
  const giveUpsFor = (reason: string) =>
    counter("give_ups", { ...attributes, reason }, "Loops, polls and retries that ended with a failure")
  const giveUps = new Map((reasons[kind] ?? reasons.retry).map((reason) => [reason, giveUpsFor(reason)]))
  const counters = {
    runs: counter("runs", attributes, "Runs that started"),
    failures: counter("failures", attributes, "Runs that failed"),
    retries: counter("retries", attributes, "Runs that came after one that failed"),
    missed: counter("missed", attributes, "Slots of a ticker or a calendar that passed without a run")
  }
  return {
    ...counters,
    counters: [...Object.values(counters), ...giveUps.values()],
    giveUps: (reason: string) => giveUps.get(reason) ?? giveUpsFor(reason),
    duration: histogram("run_duration", attributes, "How long runs took"),
    lateness: histogram("lateness", attributes, "How much later than planned runs started"),
    delay: histogram("delay", attributes, "Delays before runs"),
    lastSuccess: Metric.gauge("effect_wait_last_success_timestamp_seconds", {
      description: "When the last run succeeded, in seconds since the epoch",
      attributes: { ...attributes, unit: "s" }
    }),
    waiting: active("waiting", attributes),
    running: active("running", attributes),
    paused: active("paused", attributes)
  }
}

/** The metrics of a name. */
export type Meter = ReturnType<typeof makeMeter>

// A registry never drops a series. So a meter lives as long as its registry.
const registries = new WeakMap<Metric.MetricRegistry, Map<string, Meter>>()

/** The metrics of a name, in the registry of the context. All loops with that name share them. */
export const meterOf = (context: Context.Context<never>, kind: Kind, name: string): Meter => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const meters = registries.get(registry) ?? new Map<string, Meter>()
  const key = `${kind} ${name}`
  const meter = meters.get(key) ?? makeMeter(kind, name)
  registries.set(registry, meters.set(key, meter))
  return meter
}
