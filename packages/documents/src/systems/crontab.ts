/** Crontabs, by the rules of cronie. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Read, Reading, Trouble } from "../model.ts"
import { crons, parseCron } from "../options.ts"
import type { Job } from "../text.ts"

export const crontab = (jobs: ReadonlyArray<Job>): Reading<ReadonlyArray<Read>> => {
  const troubles: Array<Trouble> = []
  const reads: Array<Read> = []
  const reboots = jobs.filter(({ schedule }) => /^@reboot$/i.test(schedule)).length
  jobs.forEach(({ command, schedule, timeZone }, i) => {
    if (/^@reboot$/i.test(schedule) && reboots < jobs.length) return
    if (Option.isNone(parseCron(schedule))) {
      troubles.push({ keys: [i], reason: `must start with ${crons(schedule)}` })
      return
    }
    reads.push({
      name: command,
      keys: [i],
      kind: "calendar",
      settings: { base: { kind: "cron", expression: schedule, timeZone } },
      timeouts: {},
      notes: [
        ...timeZone === undefined ? ["A crontab is read in the time zone of the machine"] : [],
        "cron starts a run at its time, also beside one that still goes on",
        ...reboots === 0 ? [] : ["@reboot is no time: its jobs are left out"]
      ],
      parts: [{ keys: [i], shows: "schedule" }]
    })
  })
  return troubles.length > 0 ? Result.fail(troubles) : Result.succeed(reads)
}
