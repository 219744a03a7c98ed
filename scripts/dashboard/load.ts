/**
 * What a dashboard costs with many loops that change all the time. Both figures are CPU time, so that other programs on the machine
 * do not change them.
 *
 * `npx --yes pnpm@12 dashboard-load`
 */
import { executable, launch, missing, open } from "@effect-wait/browser"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout } from "node:timers/promises"

export interface Load {
  /** Percent of a core that the dashboard uses while a page is open. */
  readonly server: number
  /** The longest task of the page's main thread, in milliseconds, from its navigation on: no frame takes longer. */
  readonly task: number
}

/** Above these a page stutters, or a dashboard is too dear. */
export const bounds = { server: 5, task: 50 }

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** The CPU time of the thread, in microseconds. */
  readonly tdur?: number
  readonly args?: {
    readonly name?: string
    /** Of a page that was opened. */
    readonly data?: { readonly url?: string; readonly processId?: number }
  }
}

const longestTask = (trace: Buffer, url: string): number => {
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: ReadonlyArray<TraceEvent> }
  // The browser draws parts of its own window with pages too.
  const { processId } =
    traceEvents.find(({ args, name }) => name === "FrameCommittedInBrowser" && args?.data?.url === url)?.args?.data ??
      {}
  const isMain = new Set(
    traceEvents.filter(({ args, name, pid }) =>
      pid === processId && name === "thread_name" && args?.name === "CrRendererMain"
    ).map(({ pid, tid }) => `${pid} ${tid}`)
  )
  const tasks = traceEvents.filter(({ name, pid, tid }) => name.endsWith("RunTask") && isMain.has(`${pid} ${tid}`))
  if (tasks.length === 0) throw new Error("The trace has no task")
  return tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0) / 1000
}

/** Measures for so many seconds without a page, and for as many with one. */
export const measure = async (loops: number, changesASecond: number, seconds: number): Promise<Load> => {
  const path = executable()
  if (path === undefined) throw new Error(missing)
  const program = join(import.meta.dirname, "many.ts")
  const child = spawn(process.execPath, [program, String(loops), String(changesASecond)], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  try {
    const [url] = await once(createInterface(child.stdout), "line") as [string]
    const cpu = () => fetch(`${url}/cpu`).then((response) => response.text()).then(Number)
    const percent = async () => {
      const [start, before] = [performance.now(), await cpu()]
      await setTimeout(1000 * seconds)
      return 100 * (await cpu() - before) / (performance.now() - start)
    }
    await setTimeout(3000)
    const idle = await percent()
    const browser = await launch(path)
    try {
      const { page } = await open(browser, "about:blank")
      await browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline"] })
      await page.goto(`${url}/loops`)
      const busy = await percent()
      const trace = await browser.stopTracing()
      // After the trace: what looks into a page runs in it.
      await page.locator(".row .next").first().waitFor({ timeout: 60_000 })
      return { server: busy - idle, task: longestTask(trace, `${url}/loops`) }
    } finally {
      await browser.close()
    }
  } finally {
    child.kill()
  }
}

if (import.meta.main) {
  const { server, task } = await measure(1000, 100, 10)
  console.log(`1,000 loops, 100 changes a second
the server, with a page that is open   ${server.toFixed(1)} % of a core
the page, its longest task             ${task.toFixed(0)} ms`)
}
