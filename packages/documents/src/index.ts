/** Retry policies and schedules that were written for other systems, as schedules of effect-wait. */
export {
  DocumentError,
  type DocumentPolicy,
  type Keys,
  type Part,
  type Place,
  type Problem,
  type System,
  systems,
  type Timeouts
} from "./model.ts"
export type { Base, Jitters, Policy, Settings } from "./Policy.ts"
export { read, type ReadOptions } from "./read.ts"
