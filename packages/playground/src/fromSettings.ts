/** The state of the page for a policy in plain data. */
import type { Jitters, Settings } from "@effect-wait/documents"
import { write } from "@effect-wait/documents/Time"
import { defaults, type State } from "./State.ts"

const jitterOf = (jitter: Jitters | undefined): Partial<State> => {
  switch (jitter?.kind) {
    case undefined:
      return { jitter: "none" }
    case "additive":
      return { jitter: "additive", share: String(jitter.factor) }
    case "between":
      return { jitter: "between", least: String(jitter.min), most: String(jitter.max) }
    case "full":
    case "equal":
      return { jitter: jitter.kind }
  }
}

/** Of what the command line can ask for. Undefined for what only documents have. */
const baseOf = ({ base }: Settings): Partial<State> | undefined => {
  switch (base.kind) {
    case "exponential":
      return {
        kind: base.kind,
        base: write(base.base),
        factor: String(base.factor),
        cap: base.cap === Infinity ? "inf" : write(base.cap)
      }
    case "sliding":
    case "nonSliding":
    case "ticker":
      return { kind: base.kind, period: write(base.period) }
    case "cron":
      return { kind: base.kind, cron: base.expression, zone: base.timeZone ?? "" }
    default:
      return undefined
  }
}

/** Undefined where the page has no controls for it. */
export const fromSettings = (settings: Settings): State | undefined => {
  const { attempts, jitter, longest, until, within } = settings
  const base = baseOf(settings)
  return base === undefined || longest !== undefined || until === "both" ? undefined : {
    ...defaults,
    ...base,
    ...jitterOf(jitter),
    attempts: attempts === undefined ? "" : String(attempts),
    within: within === undefined ? "" : write(within)
  }
}
