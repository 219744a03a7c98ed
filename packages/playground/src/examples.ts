/** Links at the top of the page. */
import type { State } from "./State.ts"

const grpc = `retryPolicy:
  maxAttempts: 4
  initialBackoff: 0.1s
  maxBackoff: 1s
  backoffMultiplier: 2
  retryableStatusCodes: [UNAVAILABLE]
`

const kubernetes = `# client-go's retry.DefaultBackoff
duration: 10ms
factor: 5
jitter: 0.1
steps: 4
`

export const examples: ReadonlyArray<readonly [name: string, changes: Partial<State>]> = [
  ["Retries with full jitter", {}],
  ["The same without jitter", { jitter: "none" }],
  ["A ticker, and a run that takes too long", {
    kind: "ticker",
    period: "1s",
    jitter: "none",
    attempts: "",
    work: "300ms",
    slow: "2.3s"
  }],
  ["Every weekday at nine", {
    kind: "cron",
    cron: "0 9 * * 1-5",
    zone: "Europe/Berlin",
    from: "2026-03-26T00:00Z",
    jitter: "none",
    attempts: "",
    work: "10m"
  }],
  ["gRPC's retryPolicy", { source: "document", document: grpc }],
  ["Kubernetes' Backoff", { source: "document", document: kubernetes }]
]
