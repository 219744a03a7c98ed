/** `--policy`: the schedule comes from a file. */
import { type System, systems } from "@effect-wait/documents/model"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as options from "./options.ts"
import type { Any } from "./Policy.ts"

const isSystem = (name: string): name is System => Object.hasOwn(systems, name)

const file = Flag.String("policy").pipe(Flag.withMetavar("FILE[#POINTER]"))

/** Of which system a document is, where that is not clear. */
export const as = options.optional(Flag.Literals("as", Object.keys(systems).filter(isSystem))).pipe(
  Flag.withMetavar("SYSTEM"),
  Flag.withDescription(`read --policy as a document of this system: ${Object.keys(systems).join(", ")}`)
)

/** Any number of files. */
export const all = {
  policy: options.repeated(file).pipe(
    Flag.withDescription(
      "a policy in YAML, JSON, properties or a crontab: of gRPC, Kubernetes, Argo and others, or these options under their names; - is stdin; may be repeated"
    )
  ),
  as
}

/** The one that is followed. */
export const one = {
  policy: options.optional(file).pipe(
    Flag.withDescription(
      "read the delays and limits from a file of gRPC, Kubernetes, Argo and others; - is stdin. See effect-wait preview"
    )
  ),
  as
}

export interface Asked extends options.Waits {
  readonly policy: string | undefined
  readonly as: System | undefined
}

/** What is followed, and what else the file says. */
export interface Followed {
  readonly schedule: Any
  readonly isCalendar: boolean
  readonly attemptTimeout?: number | undefined
  readonly timeout?: number | undefined
}

/** What the options say, or the file. `byDefault` stands in for both. */
export const followed = Effect.fnUntraced(function*(
  asked: Asked,
  byDefault: Pick<options.Waits, "attempts" | "backoff" | "interval"> = {}
) {
  const { as, policy, ...waits } = asked
  if (policy === undefined) {
    if (as !== undefined) return yield* options.misused("--as is allowed with --policy only")
    const schedule = yield* options.scheduleOf({
      ...waits,
      attempts: waits.attempts ?? byDefault.attempts,
      backoff: waits.backoff ?? byDefault.backoff,
      interval: waits.interval ?? byDefault.interval
    })
    const own: Followed = { schedule, isCalendar: waits.cron !== undefined }
    return own
  }
  const { chosen } = yield* Effect.promise(() => import("./Document.ts"))
  return yield* chosen(policy, as, waits)
})
