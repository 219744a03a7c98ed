/** The readers of all systems whose documents have keys. */
import type { Reader } from "./reader.ts"
import { argoCd, argoWorkflows } from "./systems/argo.ts"
import { cronJob, github } from "./systems/calendars.ts"
import { envoy, istio } from "./systems/envoy.ts"
import { cloudTasks, pubsub } from "./systems/google.ts"
import { grpc } from "./systems/grpc.ts"
import { kubernetes } from "./systems/kubernetes.ts"
import { otel } from "./systems/otel.ts"
import { own } from "./systems/own.ts"
import { resilience4j } from "./systems/resilience4j.ts"
import { spring } from "./systems/spring.ts"
import { stepFunctions } from "./systems/stepFunctions.ts"
import { temporal } from "./systems/temporal.ts"

export const readers: ReadonlyArray<Reader> = [
  kubernetes,
  grpc,
  temporal,
  stepFunctions,
  otel,
  argoCd,
  argoWorkflows,
  resilience4j,
  spring,
  envoy,
  istio,
  cloudTasks,
  pubsub,
  github,
  cronJob,
  own
]
