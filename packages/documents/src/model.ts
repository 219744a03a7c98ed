/** What is read, and what is said of a document that cannot be read. */
import * as Data from "effect/Data"
import type * as Result from "effect/Result"
import type { Policy, Settings } from "./Policy.ts"

/** The systems whose documents are read, by what `--as` calls them, and what their policies are called. */
export const systems = {
  kubernetes: "Kubernetes' wait.Backoff",
  grpc: "gRPC's retryPolicy and hedgingPolicy",
  temporal: "Temporal's RetryPolicy",
  "step-functions": "AWS Step Functions' Retry",
  otel: "OpenTelemetry's retry_on_failure",
  "argo-cd": "Argo CD's syncPolicy.retry",
  "argo-workflows": "Argo Workflows' retryStrategy",
  resilience4j: "resilience4j.retry",
  spring: "Spring's retry properties",
  envoy: "Envoy's retry_policy",
  istio: "Istio's retries",
  "cloud-tasks": "Google Cloud Tasks' retryConfig",
  pubsub: "Google Pub/Sub's retryPolicy",
  github: "GitHub's on.schedule",
  cronjob: "Kubernetes' CronJob",
  crontab: "a crontab",
  "effect-wait": "a policy of effect-wait"
} as const

export type System = keyof typeof systems

/** The way to a value: keys of objects and indices of lists. */
export type Keys = ReadonlyArray<string | number>

/**
 * Where something stands.
 *
 * - `path`: `spec.retry.limit`; `""` is the document itself
 * - `pointer`: the same as an RFC 6901 pointer, `/spec/retry/limit`
 * - `line`: from 1
 */
export interface Place {
  readonly path: string
  readonly pointer: string
  readonly line: number
}

/** What is wrong, and where. */
export interface Problem extends Place {
  readonly reason: string
}

/**
 * A key of a policy.
 *
 * - `shows`: what becomes of it. `"schedule"`: it is in the schedule, and so in a picture. `"timeout"`: it is in the `timeouts`.
 *   `"note"`: no schedule can say it; there is a note, or it changes no delay
 */
export interface Part extends Place {
  readonly shows: "schedule" | "timeout" | "note"
}

/** Limits in milliseconds: of one attempt, and of all attempts with the delays between them. */
export interface Timeouts {
  readonly attempt?: number | undefined
  readonly total?: number | undefined
}

/**
 * A policy as a reader of a system gives it.
 *
 * - `kind`: `"hedge"`: the next attempt begins beside the last one. `"calendar"`: it starts by the clock on the wall
 * - `settings`: how the schedule is made, in plain data
 * - `notes`: what a schedule cannot say, and what the one who wrote the policy may not expect
 */
export interface Read {
  readonly name: string
  readonly keys: Keys
  readonly kind: "retry" | "hedge" | "calendar"
  readonly settings: Settings
  readonly timeouts: Timeouts
  readonly notes: ReadonlyArray<string>
  readonly parts: ReadonlyArray<{ readonly keys: Keys; readonly shows: Part["shows"] }>
}

/** A policy of a document: its schedule, the TypeScript that makes it, and where it came from. */
export interface DocumentPolicy extends Policy {
  readonly system: System
  /** What it is called in the document; `""` for a document that is one policy and has no name. */
  readonly name: string
  readonly place: Place
  readonly kind: Read["kind"]
  readonly settings: Settings
  readonly timeouts: Timeouts
  readonly parts: ReadonlyArray<Part>
}

/**
 * A text that has no policies, or wrong ones.
 *
 * - `problems`: none when the text as a whole cannot be read
 * - `message`: all of it in one text, with the name of the document where it has one
 */
export class DocumentError extends Data.TaggedError("DocumentError")<{
  readonly problems: ReadonlyArray<Problem>
  readonly message: string
}> {}

/** A problem before its line is known. */
export interface Trouble {
  readonly keys: Keys
  readonly reason: string
}

export type Reading<A> = Result.Result<A, ReadonlyArray<Trouble>>
