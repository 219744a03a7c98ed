/** The server for tests goes as it came; and a process that is really stopped, and goes on, against it. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Readline from "node:readline"
import * as Postgres from "../../examples/src/cluster/postgres.ts"

const here = new URL("./", import.meta.url)

/** A program in a process of its own; `lines` of it so far. */
const spawn = (program: string, env?: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = ChildProcess.spawn(process.execPath, ["--input-type=module", "--eval", program], {
        cwd: here,
        env: { ...process.env, ...env },
        stdio: "pipe"
      })
      const lines: Array<string> = []
      for (const output of [child.stdout, child.stderr]) {
        Readline.createInterface({ input: output }).on("line", (line) => lines.push(line))
      }
      return { child, lines }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

const until = (condition: () => boolean) => Effect.repeat(Effect.sleep("10 millis"), { until: condition })

const exited = ({ exitCode, signalCode }: ChildProcess.ChildProcess) => exitCode !== null || signalCode !== null

const holder = (ending: string) => `
  import { Effect } from "effect"
  import * as Postgres from "../../examples/src/cluster/postgres.ts"
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const { folder } = yield* Postgres.make
    console.log(folder)
    yield* Effect.sync(() => setTimeout(() => { ${ending} }, 1))
    return yield* Effect.never
  })))
`

// One iteration after another; in each one some work, and then a write. A row tells what was the newest when it was written.
const worker = `
  import { PgClient } from "@effect/sql-pg"
  import { Fence } from "@effect-wait/cluster"
  import { Effect, Redacted } from "effect"
  import { SqlClient } from "effect/sql"
  const { GUARDED, OWNER, URL } = process.env
  await Effect.runPromise(Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const fence = yield* Fence.make("stopped, " + GUARDED)
    const { guard, token } = yield* fence.take({ owner: OWNER })
    const write = sql\`INSERT INTO stopped (token, seen)
      SELECT \${token}, coalesce(max(token), 0) FROM stopped\`
    const iteration = Effect.gen(function*() {
      console.log("works")
      yield* Effect.sleep(300)
      yield* GUARDED === "yes" ? guard(write) : write
    })
    yield* Effect.forever(iteration)
  }).pipe(
    Effect.catchTag("StaleTerm", ({ current, token }) => Effect.sync(() => console.log(\`stale \${token}n \${current}n\`))),
    Effect.provide(PgClient.layer({ url: Redacted.make(URL) }))
  ))
`

layer(Postgres.layerClient().pipe(Layer.provideMerge(Postgres.layer)), {
  excludeTestServices: true,
  timeout: "60 seconds"
})("Postgres, for tests", (it) => {
  it.effect("starts again with its data, on the same port", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const { kill, start } = yield* Postgres.Postgres
      yield* sql`CREATE TABLE kept (n INTEGER)`
      for (let n = 1; n <= 3; n++) {
        yield* sql`INSERT INTO kept VALUES (${n})`
        yield* kill
        yield* start
      }
      assert.deepStrictEqual(yield* sql`SELECT n FROM kept`, [{ n: 1 }, { n: 2 }, { n: 3 }])
    }))

  it.effect.each([
    { name: "kill -9", ending: `process.kill(process.pid, "SIGKILL")` },
    { name: "SIGTERM", ending: `process.kill(process.pid, "SIGTERM")` },
    { name: "an exception", ending: `throw new Error("boom")` },
    { name: "exit", ending: "process.exit(0)" }
  ])("leaves nothing behind after $name", ({ ending }) =>
    Effect.gen(function*() {
      const { child, lines } = yield* spawn(holder(ending))
      yield* until(() => exited(child))
      const folder = lines[0]!
      assert.include(folder, "effect-wait-postgres-")
      // The shell is the last one to go: it has waited for the server by then.
      yield* until(() => !Fs.existsSync(folder))
    }))

  it.effect.each([
    { guarded: "yes", name: "writes nothing stale through the fence" },
    { guarded: "no", name: "writes a stale row without it" }
  ])("a process that was stopped in its work $name", ({ guarded }) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const { url } = yield* Postgres.Postgres
      yield* sql`DROP TABLE IF EXISTS stopped`
      yield* sql`CREATE TABLE stopped (token BIGINT, seen BIGINT)`
      const rowsOf = (token: number) =>
        Effect.map(sql`SELECT 1 FROM stopped WHERE token = ${BigInt(token)}`, (rows) => rows.length)
      const works = ({ lines }: { readonly lines: ReadonlyArray<string> }) => lines.filter((line) => line === "works")
      const a = yield* spawn(worker, { OWNER: "a", URL: url, GUARDED: guarded })
      yield* until(() => works(a).length > 1)
      a.child.kill("SIGSTOP")
      const b = yield* spawn(worker, { OWNER: "b", URL: url, GUARDED: guarded })
      yield* until(() => works(b).length > 1)
      a.child.kill("SIGCONT")
      if (guarded === "yes") {
        yield* until(() => exited(a.child))
        assert.strictEqual(a.lines.at(-1), "stale 1n 2n")
        assert.strictEqual(yield* rowsOf(1), 1)
      } else {
        yield* Effect.repeat(Effect.andThen(Effect.sleep("10 millis"), rowsOf(1)), { until: (n) => n > 1 })
      }
      const stale = yield* sql`SELECT 1 FROM stopped WHERE seen > token`
      assert.strictEqual(stale.length > 0, guarded === "no")
    }))
})
