/**
 * `pnpm http-peers`: what clients that retry do in 20 situations, on a server of this machine; fails where ours is not right. Writes the
 * table into `docs/http.md`. 40 s.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { type Client, clients } from "./clients.ts"
import { type Seen, type Situation, situations } from "./situations.ts"

/** How long a call is watched, in milliseconds. */
const limit = 13_000

const observe = async ({ answers, sent }: Situation, client: Client): Promise<Seen> => {
  const requests: Array<{ readonly at: number; body: string }> = []
  const begin = performance.now()
  const server = createServer((request, response) => {
    const seen = { at: performance.now() - begin, body: "" }
    const answer = answers[Math.min(requests.push(seen), answers.length) - 1]!
    // Once the body is there, as most servers do.
    request.on("data", (data) => seen.body += data).on("end", () => answer(request, response)).on(
      "error",
      () => undefined
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const controller = new AbortController()
  const late = Promise.withResolvers<"waits">()
  const timer = setTimeout(() => late.resolve("waits"), limit)
  const end = await Promise.race([client(`http://127.0.0.1:${port}/a`, sent, controller.signal), late.promise])
  const endedAt = performance.now() - begin
  clearTimeout(timer)
  controller.abort()
  server.close()
  server.closeAllConnections()
  return { end, endedAt, requests }
}

const cell = (seen: Seen, isRight: boolean): string => {
  const { end, requests } = seen
  const last = end === "waits" ? "still waiting" : end === "error" ? "an error" : String(end.status)
  const count = `${requests.length} ${requests.length === 1 ? "request" : "requests"}`
  const seconds = ((requests.at(-1)?.at ?? 0) - (requests[0]?.at ?? 0)) / 1000
  const after = requests.length < 2 ? "" : seconds < 0.05 ? " at once" : ` in ${seconds.toFixed(1)} s`
  const bodies = new Set(requests.map(({ body }) => body))
  const torn = bodies.size > 1 ? `, the last body ${JSON.stringify(requests.at(-1)!.body)}` : ""
  const text = `${last}, ${count}${after}${torn}`
  return isRight ? text : `**${text}**`
}

const names = Object.keys(clients)
const measure = async (situation: Situation) => {
  const seen = await Promise.all(names.map((name) => observe(situation, clients[name]!)))
  const right = seen.map(situation.isRight)
  return { situation, right, cells: seen.map((seen, i) => cell(seen, right[i]!)) }
}
// The first call of each client takes longer. Calls that wait do so beside the others.
await measure(situations[0]!)
const waiting = new Map(situations.filter(({ waits }) => waits).map((situation) => [situation, measure(situation)]))
const rows: Array<Awaited<ReturnType<typeof measure>>> = []
for (const situation of situations) rows.push(await (waiting.get(situation) ?? measure(situation)))

const table = [
  ["situation", "right is", ...names],
  ["---", "---", ...names.map(() => "---")],
  ...rows.map(({ cells, situation }) => [situation.title, situation.rule, ...cells])
].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
console.log(table)
names.forEach((name, i) =>
  console.log(`${name}: right in ${rows.filter(({ right }) => right[i]).length} of ${rows.length}`)
)

const page = "docs/http.md"
const marks = ["<!-- http-peers -->", "<!-- /http-peers -->"] as const
const [before, rest] = readFileSync(page, "utf8").split(marks[0])
const after = rest?.split(marks[1])[1]
if (after === undefined) throw new Error(`${page} has no ${marks.join(" ")}`)
writeFileSync(page, `${before}${marks[0]}\n\n${table}\n\n${marks[1]}${after}`)
process.exit(rows.every(({ right }) => right[names.indexOf("HttpRetry")]) ? 0 : 1)
