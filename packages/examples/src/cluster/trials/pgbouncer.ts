/** PgBouncer in transaction mode before a Postgres: Debian's package, where this process is root and has it or apt. */
import { Effect, Option } from "effect"
import { Period, Poll } from "effect-wait"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { freePort } from "./cluster.ts"

const run = (command: string, ...args: ReadonlyArray<string>) =>
  ChildProcess.spawnSync(command, args, { stdio: "ignore" }).status === 0

const isInstalled = () => run("pgbouncer", "--version")

const install = Effect.sync(() => {
  if (isInstalled()) return process.getuid?.() === 0 || process.platform === "linux"
  if (process.getuid?.() !== 0) return false
  run("apt-get", "update")
  return run("apt-get", "install", "-y", "--no-install-recommends", "pgbouncer") && isInstalled()
})

const isOpen = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = Net.connect(port, "127.0.0.1")
    const end = (holds: boolean) => {
      socket.destroy()
      resume(Effect.succeed(holds))
    }
    socket.on("connect", () => end(true)).on("error", () => end(false))
  })

/** The URL of a pool in this mode, until the Scope closes; none where there is no PgBouncer. */
export const startPool = Effect.fnUntraced(function*(url: string, mode: "session" | "transaction", size: number) {
  if (!(yield* install)) return Option.none<string>()
  const { password, port, username } = new URL(url)
  const listen = yield* freePort
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-wait-pgbouncer-"))
  const config = Path.join(folder, "pgbouncer.ini")
  Fs.writeFileSync(Path.join(folder, "users"), `"${username}" "${password}"\n`)
  Fs.writeFileSync(
    config,
    `[databases]
* = host=127.0.0.1 port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = plain
auth_file = ${folder}/users
pool_mode = ${mode}
default_pool_size = ${size}
ignore_startup_parameters = extra_float_digits
`
  )
  // It does not run as root.
  const user = process.getuid?.() === 0 ? ["--user", "nobody"] : []
  Fs.chmodSync(folder, 0o755)
  Fs.chmodSync(config, 0o644)
  Fs.chmodSync(Path.join(folder, "users"), 0o644)
  yield* Effect.acquireRelease(
    Effect.sync(() => ChildProcess.spawn("pgbouncer", ["--quiet", ...user, config], { stdio: "ignore" })),
    (child) =>
      Effect.sync(() => {
        child.kill("SIGKILL")
        Fs.rmSync(folder, { recursive: true })
      })
  )
  yield* Poll.until(isOpen(listen), Period.sliding("50 millis"), { timeout: "10 seconds" })
  return Option.some(`postgres://${username}:${password}@127.0.0.1:${listen}/postgres`)
})
