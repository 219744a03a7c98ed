/**
 * Times on a busy machine. A process that is ready to run waits there for a processor, and Linux counts this: the limits are for
 * the rest of the time. On a quiet machine that is all of it.
 */
import { spawnSync } from "node:child_process"
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

/**
 * The fastest of some runs, without the time in which it waits for a processor: the disk may be busy too. A run that is fast enough
 * is the last one.
 */
export const fastest = (
  node: string,
  words: ReadonlyArray<string>,
  { below, file }: { readonly below: number; readonly file: string }
) => {
  const { ended, options } = accounting(file)
  const least = { elapsed: Infinity, processor: Infinity }
  for (let i = 0; i < 40 && Math.max(least.elapsed, least.processor) >= below; i++) {
    const before = performance.now()
    const { status } = spawnSync(node, [...options, ...words], { stdio: "ignore" })
    const elapsed = performance.now() - before
    if (status !== 0) throw new Error(`${words.join(" ")} exits with ${status}`)
    const { processor, wait } = ended()
    least.elapsed = Math.min(least.elapsed, elapsed - wait)
    least.processor = Math.min(least.processor, processor)
  }
  return least
}
