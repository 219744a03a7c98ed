/** What a dashboard costs: frames of the page, and CPU time of the server, with many loops that change all the time. */
import { executable, launch, missing, open } from "@effect-wait/browser"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"

export interface Load {
  /** Percent of a core that the dashboard uses while a page is open: least of the windows. */
  readonly server: number
  /** The longest frame of each window, in milliseconds; least of the windows. */
  readonly frame: number
  /** From the navigation to the first row, in milliseconds. */
  readonly first: number
  /** Longest task while the page loads. */
  readonly loading: number
}

const seconds = (n: number) => new Promise((resolve) => setTimeout(resolve, 1000 * n))

/** Above these a page stutters, or a dashboard is too dear. */
export const bounds = { server: 5, frame: 50 }

/** Measures in windows of so many seconds, until one is within the bounds: other programs only make it slower. */
export const measure = async (
  loops: number,
  changesASecond: number,
  windows: number,
  length: number
): Promise<Load> => {
  const path = executable()
  if (path === undefined) throw new Error(missing)
  const child = spawn(process.execPath, [
    join(import.meta.dirname, "many.ts"),
    String(loops),
    String(changesASecond)
  ], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  try {
    const [url] = await once(createInterface(child.stdout), "line") as [string]
    const cpu = () => fetch(`${url}/cpu`).then((response) => response.text()).then(Number)
    const percent = async () => {
      const [start, before] = [performance.now(), await cpu()]
      await seconds(length)
      return 100 * (await cpu() - before) / (performance.now() - start)
    }
    await seconds(3)
    const idle: Array<number> = []
    for (let i = 0; i < 2; i++) idle.push(await percent())
    const browser = await launch(path)
    try {
      const { page } = await open(browser, "about:blank")
      await page.addInitScript(() => {
        const tasks: Array<number> = []
        const frames: Array<number> = []
        Object.assign(globalThis, { tasks, frames })
        new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
          .observe({ type: "longtask", buffered: true })
        let last = 0
        const frame = (now: number) => {
          if (last > 0) frames.push(now - last)
          last = now
          requestAnimationFrame(frame)
        }
        requestAnimationFrame(frame)
      })
      const start = performance.now()
      await page.goto(`${url}/loops`)
      await page.locator(".row .next").first().waitFor()
      const first = performance.now() - start
      await seconds(2)
      const loading = await page.evaluate("Math.max(0, ...tasks.splice(0))") as number
      const busy: Array<number> = []
      const frames: Array<number> = []
      const load = () => ({ server: Math.min(...busy) - Math.min(...idle), frame: Math.min(...frames), first, loading })
      for (let i = 0; i < windows; i++) {
        await page.evaluate("frames.length = 0")
        busy.push(await percent())
        frames.push(await page.evaluate("Math.max(...frames)") as number)
        const { frame, server } = load()
        if (frame < bounds.frame && server < bounds.server) break
      }
      return load()
    } finally {
      await browser.close()
    }
  } finally {
    child.kill()
  }
}

if (import.meta.main) {
  console.log(await measure(1000, 100, 8, 3))
}
