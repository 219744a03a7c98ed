/**
 * Times on a busy machine. A process that is ready to run waits there for a processor, and Linux counts this: the limits are for
 * the rest of the time. On a quiet machine that is all of it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"

/** How long the main thread of a process has waited for a processor, in milliseconds; 0 where that is not counted. */
const waited = (file: string): number => existsSync(file) ? Number(readFileSync(file, "utf8").split(" ")[1]) / 1e6 : 0

export const waitOf = (pid: number): number => waited(`/proc/${pid}/schedstat`)

/** The same of this thread. */
export const ownWait = (): number => waited("/proc/thread-self/schedstat")

/** What Node loads before the bin, so that it leaves its times here. */
export const accounting = (file: string) => {
  const hook = `${file}.cjs`
  writeFileSync(
    hook,
    `const fs = require("node:fs")
process.on("exit", () => {
  const stat = fs.existsSync("/proc/self/schedstat") ? fs.readFileSync("/proc/self/schedstat", "utf8") : "0 0"
  const { system, user } = process.cpuUsage()
  fs.writeFileSync(${JSON.stringify(file)}, (user + system) / 1000 + " " + stat.split(" ")[1])
})`
  )
  return {
    options: ["--require", hook],
    /** After its end: the processor time of all its threads, and {@link waitOf} it. */
    ended: () => ({ processor: Number(readFileSync(file, "utf8").split(" ")[0]), wait: waited(file) })
  }
}
