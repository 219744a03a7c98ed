/** GitHub's `on.schedule` and Kubernetes' CronJob, with Argo's CronWorkflow. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { anything, fieldsOf, flag, integer, type Kind, kind, text } from "../fields.ts"
import type { Read, Reading } from "../model.ts"
import { crons, parseCron } from "../options.ts"
import type { Base } from "../Policy.ts"
import { alone, collect, entriesOf, keyOf, type Node, type Reader } from "../reader.ts"
import { format, parse } from "../Time.ts"

const cronText = (fix: (text: string) => string): Kind<string> =>
  kind(
    (value) => Predicate.isString(value) ? Option.map(parseCron(fix(value)), () => value) : Option.none(),
    (value) => crons(fix(String(value)))
  )

interface Slots {
  readonly value: unknown
  readonly keys: Read["keys"]
}

// `schedule: [{ cron }]` under `on`, which YAML 1.1 reads as true.
const schedulesOf = (node: Node): ReadonlyArray<Slots> => {
  const keys = keyOf(node) === "on" || keyOf(node) === "true" ? [] : ["on", "true"].filter((key) => key in node.value)
  const [key] = keys
  const on = key === undefined ? node.value : entriesOf(node.value[key])
  const list = on?.["schedule"]
  const at = key === undefined ? node.keys : [...node.keys, key]
  if (!Array.isArray(list) || list.length === 0) return []
  const isCron = list.every((item: unknown) => {
    const entries = entriesOf(item)
    return entries !== undefined && "cron" in entries
  })
  return isCron ? list.map((value: unknown, i): Slots => ({ value, keys: [...at, "schedule", i] })) : []
}

export const github: Reader = {
  system: "github",
  tells: /^(on|true|schedule)$/,
  match: (node) => schedulesOf(node).length > 0 ? "certain" : 0,
  read: (node) =>
    collect(
      schedulesOf(node).map(({ keys, value }) => {
        const fields = fieldsOf(entriesOf(value) ?? {}, keys, { title: "a GitHub schedule" })
        const cron = fields.schedule("cron", cronText((text) => text)) ?? ""
        const timeZone = fields.schedule("timezone", text) ?? "UTC"
        return alone(fields.done(() => ({
          kind: "calendar",
          settings: { base: { kind: "cron", expression: cron, timeZone } },
          notes: [
            "GitHub starts late when it is busy, most of all at the full hour, and can leave a run out",
            "It runs on the default branch only, and not more often than every 5 minutes"
          ],
          name: cron
        })))
      })
    )
}

const isStar = (field: string) => field.split(",").some((part) => /^\*(\/1)?$/.test(part))

// robfig/cron takes a day by either field unless one of them is a plain `*`. Here a field that begins with `*` is one.
const robfig = (expression: string): string => {
  const fields = expression.trim().replaceAll("?", "*").split(/\s+/)
  if (fields.length !== 5) return expression
  const [minute, hour, day = "", month, weekday = ""] = fields
  if (isStar(day) || isStar(weekday)) {
    // A star in a list is that field's star.
    return [minute, hour, isStar(day) ? "*" : day, month, isStar(weekday) ? "*" : weekday].join(" ")
  }
  return [minute, hour, day.replace(/^\*\//, "1-31/"), month, weekday.replace(/^\*\//, "0-6/")].join(" ")
}

const every = /^@every (.+)$/

const zone = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/

const slots: Kind<string> = kind(
  (value) => {
    if (!Predicate.isString(value)) return Option.none()
    const [, duration] = every.exec(value) ?? []
    if (duration !== undefined) {
      return Option.map(Option.filter(parse(duration), (millis) => millis >= 1000), () => value)
    }
    const [, , cron = value] = zone.exec(value) ?? []
    return /\b7\b/.test(cron.split(/\s+/)[4] ?? "")
      ? Option.none()
      : Option.map(parseCron(robfig(cron)), () => value)
  },
  (value) =>
    Predicate.isString(value) && /\b7\b/.test(value.split(/\s+/)[4] ?? "")
      ? "a schedule whose weekdays are 0 to 6: Kubernetes does not take 7"
      : crons(robfig(String(value)))
)

const policies: { readonly [policy: string]: string } = {
  Allow: "A run starts at its time, also beside one that still goes on (concurrencyPolicy Allow)",
  Forbid: "A slot at which the last run still goes on is left out (concurrencyPolicy Forbid)",
  Replace: "A run that still goes on at the next slot is ended (concurrencyPolicy Replace)"
}

const readJob = (node: Node): Reading<ReadonlyArray<Read>> => {
  const spec = entriesOf(node.value["spec"]) ?? {}
  const keys = [...node.keys, "spec"]
  const fields = fieldsOf(spec, keys, { title: "a CronJob" })
  const list: Kind<ReadonlyArray<string>> = kind(
    (value) => Array.isArray(value) ? Option.all(value.map(slots.read)) : Option.none(),
    "a list of schedules"
  )
  const one = fields.schedule("schedule", slots)
  const several = fields.schedule("schedules", list) ?? []
  const timeZone = fields.schedule("timeZone", text) ?? fields.schedule("timezone", text)
  const isSuspended = fields.note("suspend", flag) ?? false
  const starting = fields.note("startingDeadlineSeconds", integer(0))
  const policy = fields.note("concurrencyPolicy", text) ?? "Allow"
  fields.note("successfulJobsHistoryLimit", anything)
  fields.note("failedJobsHistoryLimit", anything)
  const active = entriesOf(entriesOf(spec["jobTemplate"])?.["spec"])?.["activeDeadlineSeconds"]
  if (several.length === 0) fields.missing("schedule")
  fields.leave()
  const metadata = entriesOf(node.value["metadata"])
  const name = typeof metadata?.["name"] === "string" ? metadata["name"] : ""
  const all = one === undefined ? several : [one, ...several]
  const readings = all.map((expression, i): Reading<ReadonlyArray<Read>> => {
    const [, written, cron = expression] = zone.exec(expression) ?? []
    const [, duration] = every.exec(expression) ?? []
    const inZone = timeZone ?? written ?? "UTC"
    const base: Base = duration === undefined
      ? { kind: "cron", expression: robfig(cron), timeZone: inZone }
      : { kind: "ticker", period: Option.getOrElse(parse(duration), () => 0) }
    return alone(fields.done(() => ({
      kind: "calendar",
      settings: { base },
      timeouts: { attempt: typeof active === "number" ? active * 1000 : undefined },
      notes: [
        ...isSuspended ? ["It is suspended: nothing runs"] : [],
        policies[policy] ?? `concurrencyPolicy ${policy} is not known`,
        ...timeZone === undefined && written === undefined && duration === undefined
          ? ["Without a timeZone it is the zone of the controller, mostly UTC"]
          : [],
        ...written === undefined ? [] : ["Kubernetes refuses a zone in the schedule: write timeZone"],
        ...starting === undefined ? [] : [`A run that cannot start within ${format(starting * 1000)} is left out`],
        ...robfig(cron) === cron.trim() ? [] : ["A day matches by either of its fields, as Kubernetes reads them"]
      ],
      name: all.length === 1 ? name : `${name}[${i}]`
    })))
  })
  return readings.length > 0
    ? collect(readings)
    : Result.map(
      fields.done(() => ({ kind: "calendar", settings: { base: { kind: "sliding", period: 0 } }, notes: [] })),
      () => []
    )
}

export const cronJob: Reader = {
  system: "cronjob",
  tells: /^(kind|spec)$/,
  match: ({ value }) =>
    (value["kind"] === "CronJob" || value["kind"] === "CronWorkflow") && entriesOf(value["spec"]) !== undefined
      ? "certain"
      : 0,
  read: readJob
}
