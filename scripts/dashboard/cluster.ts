/**
 * Three replicas on a real Postgres, each with the same dashboard: who owns a loop, pause and run now from any of them, and a kill -9
 * of the owner. It prints how long a page takes to show each, and fails where it takes more than 5 seconds.
 */
import { executable, launch, missing, open } from "@effect-wait/browser"
import type { Page } from "@effect-wait/browser/test"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { layer as layerPostgres, Postgres } from "../../packages/examples/src/cluster/postgres.ts"

const path = executable()
if (path === undefined) throw new Error(missing)

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" ? address?.port ?? 0 : 0))
    })
  })

const startReplica = async (url: string) => {
  const [port, clusterPort] = [await freePort(), await freePort()]
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "replica.ts"), String(port), String(clusterPort), url],
    { stdio: ["ignore", "pipe", "inherit"] }
  )
  await once(createInterface(child.stdout), "line")
  return { child, url: `http://127.0.0.1:${port}/loops`, address: `127.0.0.1:${clusterPort}` }
}

const rowOf = (page: Page, name: string) =>
  page.getByRole("row").filter({ has: page.getByRole("button", { name, exact: true }) })

const stateOf = (page: Page, name: string) => rowOf(page, name).locator(".state").innerText()

const timed = async (what: string, act: () => Promise<unknown>, seen: () => Promise<unknown>): Promise<void> => {
  const start = performance.now()
  await act()
  await seen()
  const took = performance.now() - start
  console.log(`${what.padEnd(60)} ${(took / 1000).toFixed(2)} s`)
  if (took > 5000) process.exitCode = 1
}

const trial = async (url: string): Promise<void> => {
  const replicas = await Promise.all([startReplica(url), startReplica(url), startReplica(url)])
  const browser = await launch(path)
  try {
    const opened = await Promise.all(replicas.map((replica) => open(browser, replica.url).then(({ page }) => page)))
    const [first, second, third] = opened as [Page, Page, Page]
    for (const page of opened) await rowOf(page, "reconcile").getByText("127.0.0.1:").waitFor({ timeout: 60_000 })
    console.log("reconcile:", await stateOf(first, "reconcile"), "| report:", await stateOf(first, "report"))

    const shows = (page: Page, text: string) =>
      rowOf(page, "reconcile").getByText(text).first().waitFor({ timeout: 30_000 })
    await timed(
      "paused at the first replica, seen at the third",
      () => first.getByRole("button", { name: "Pause: reconcile" }).click(),
      () => shows(third, "paused")
    )
    await first.waitForTimeout(3000)
    await timed(
      "run now at the second, seen at the first",
      () => second.getByRole("button", { name: "Run now: reconcile" }).click(),
      () => shows(first, "just now")
    )
    await timed(
      "resumed at the third, seen at the second",
      () => third.getByRole("button", { name: "Resume: reconcile" }).click(),
      async () => {
        await rowOf(second, "reconcile").getByRole("button", { name: "Pause: reconcile" }).waitFor({ timeout: 30_000 })
      }
    )
    await first.waitForTimeout(2000)
    const before = await stateOf(first, "reconcile")
    const owner = replicas.findIndex(({ address }) => before.includes(address))
    const watching = opened[owner === 0 ? 1 : 0]!
    const others = replicas.filter((_, i) => i !== owner).map(({ address }) => address)
    await timed(
      "kill -9 of the owner, the next owner seen",
      async () => void replicas[owner]!.child.kill("SIGKILL"),
      () => Promise.any(others.map((address) => shows(watching, address)))
    )
    await watching.waitForTimeout(1500)
    console.log("reconcile:", await stateOf(watching, "reconcile"))
  } finally {
    await browser.close()
    for (const { child } of replicas) child.kill("SIGKILL")
  }
}

const program = Effect.gen(function*() {
  const { url } = yield* Postgres
  yield* Effect.promise(() => trial(url))
}).pipe(Effect.provide(layerPostgres))

await Effect.runPromise(program)
