/**
 * Photographs the dashboard of packages/examples/src/dashboard: light and dark, wide and narrow. It waits until the loops have something to show.
 *
 * `npx --yes pnpm@12 dashboard-pictures`
 */
import { executable, launch, missing, open, screenshot } from "@effect-wait/browser"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout } from "node:timers/promises"

const path = executable()
if (path === undefined) throw new Error(missing)
const folder = join(import.meta.dirname, "../../docs/dashboard")

const service = spawn(process.execPath, [join(import.meta.dirname, "../../packages/examples/src/dashboard/main.ts")], {
  env: { ...process.env, PORT: "0" },
  stdio: ["ignore", "pipe", "inherit"]
})
const [url] = await once(createInterface(service.stdout), "line") as [string]
const browser = await launch(path)

const views = [
  { name: "wide-light", width: 1200, height: 540, scheme: "light" },
  { name: "wide-dark", width: 1200, height: 540, scheme: "dark" },
  { name: "narrow-light", width: 390, height: 844, scheme: "light" },
  { name: "narrow-dark", width: 390, height: 844, scheme: "dark" }
] as const

const pages = await Promise.all(views.map((view) => open(browser, url, view).then(({ page }) => page)))
await setTimeout(70_000)
for (const page of pages) await page.getByText("late").filter({ visible: true }).nth(1).waitFor({ timeout: 30_000 })
for (const [i, { name }] of views.entries()) await screenshot(pages[i]!, join(folder, `${name}.png`))
await pages[0]!.getByRole("button", { name: "export-ledger", exact: true }).click()
await pages[0]!.setViewportSize({ width: 1200, height: 760 })
await screenshot(pages[0]!, join(folder, "details.png"))
await browser.close()
service.kill()
