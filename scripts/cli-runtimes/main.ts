/**
 * The bundled bin on Node 20, Bun and Deno: each command once, and what differs most between runtimes. `pnpm cli-runtimes`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { setTimeout } from "node:timers/promises"
import { isDeepStrictEqual } from "node:util"
import { fastest } from "../../packages/cli/test/processor.ts"
import { programOf } from "../runtimes/installed.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-wait-runtimes-"))
process.on("exit", () => rmSync(folder, { recursive: true }))
const dist = join(folder, "dist")
execFileSync(process.execPath, ["packages/cli/build.ts", dist], { stdio: "inherit" })
writeFileSync(join(dist, "package.json"), JSON.stringify({ type: "module" }))
const bin = join(dist, "effect-wait.js")

const runtimes: Readonly<Record<string, ReadonlyArray<string>>> = {
  node20: [programOf("node20"), bin],
  bun: [programOf("bun"), bin],
  deno: [programOf("deno"), "run", "--allow-all", "--quiet", bin]
}

const server = createServer((_, response) => void response.end("{\"status\":\"UP\"}"))
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
const { port } = server.address() as AddressInfo

interface Ended {
  readonly code: number | null
  readonly stdout?: string
  readonly stderr?: string
}

/** A script of bash in which `$RUN` is the bin, and how it ends; the streams that are not named may be anything. */
const cases: ReadonlyArray<readonly [title: string, script: string, expected: Ended]> = [
  ["--version", "$RUN --version | grep -c '^effect-wait v'", { code: 0, stdout: "1\n", stderr: "" }],
  [
    "--help of every command fits 80 columns",
    "for command in poll loop retry preview herd; do $RUN $command --help; done | awk 'length > 80' | wc -l",
    { code: 0, stdout: "0\n", stderr: "" }
  ],
  [
    "poll for targets, then the command",
    `$RUN poll -q --http http://127.0.0.1:${port}/ --json '$.status=UP' --tcp ${port} --file . --dns localhost --check true echo up`,
    { code: 0, stdout: "up\n", stderr: "" }
  ],
  ["poll that times out", "$RUN poll -q --tcp 127.0.0.1:1 --timeout 300ms --interval 100ms", { code: 124, stdout: "" }],
  [
    "poll by a command",
    "$RUN poll -q --interval 1ms sh -c 'test $RETRY_ATTEMPT = 3 && echo third'",
    { code: 0, stdout: "third\n" }
  ],
  [
    "retry",
    "$RUN retry -q --backoff 1ms..1ms sh -c 'echo $RETRY_ATTEMPT; test $RETRY_ATTEMPT = 2'",
    { code: 0, stdout: "1\n2\n", stderr: "" }
  ],
  [
    "retry that gives up",
    "$RUN retry -q --attempts 2 --backoff 1ms..1ms sh -c 'exit 9'",
    { code: 9, stdout: "" }
  ],
  ["a command that is not there", "$RUN retry -q no-such-command", { code: 127, stdout: "" }],
  ["death by a signal", "$RUN retry -q --attempts 1 sh -c 'kill -TERM $$'", { code: 143, stdout: "" }],
  ["a run that takes too long", "$RUN retry -q --attempts 1 --attempt-timeout 200ms sleep 9", { code: 124 }],
  [
    "loop, with a health file",
    "$RUN loop -q --period 1ms --times 2 --health health echo run; grep -c ended health",
    { code: 0, stdout: "run\nrun\n1\n", stderr: "" }
  ],
  ["stdin of the command", "echo typed | $RUN retry -q cat", { code: 0, stdout: "typed\n", stderr: "" }],
  [
    "a name that there is not",
    "$RUN poll -q --dns no-such-name.invalid --timeout 2s --interval 100ms",
    { code: 124, stdout: "" }
  ],
  [
    "a proxy that refuses",
    "HTTP_PROXY=http://me:hunter2%@127.0.0.1:1 $RUN poll --http http://a.invalid --timeout 1s 2>&1 | grep -c hunter2",
    { code: 1, stdout: "0\n" }
  ],
  ["a target of another tool", "$RUN poll tcp:5432", { code: 64, stdout: "" }],
  ["a bad option", "$RUN poll --timeout soon true", { code: 64, stdout: "" }],
  ["a full disk", "$RUN preview --backoff 1s..2s > /dev/full", { code: 74, stdout: "" }],
  ["nobody who reads on", "$RUN preview --backoff 1s..9s --json | head -1; echo ${PIPESTATUS[0]}", {
    code: 0,
    stdout: "{\n0\n",
    stderr: ""
  }],
  ["herd", "$RUN herd --clients 2 --rounds 1 | head -1 | cut -c1-9", { code: 0, stdout: "2 clients\n" }]
]

/** What both print alike: the simulation, and its picture. */
const preview = "preview --backoff 100ms..30s --full-jitter --attempts 5 --svg picture.svg"

const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on("exit", resolve))

let failures = 0
const report = (title: string, isRight: boolean, found: unknown) => {
  if (isRight) return
  failures++
  console.log(`  not so: ${title}\n`, found)
}

for (const [name, words] of Object.entries(runtimes)) {
  const cwd = join(folder, name)
  mkdirSync(cwd)
  const run = words.map((word) => `'${word}'`).join(" ")
  const bash = async (script: string): Promise<Ended> => {
    const child = spawn("bash", ["-c", script.replaceAll("$RUN", run)], {
      cwd,
      timeout: 30_000,
      stdio: ["ignore", "pipe", "pipe"]
    })
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exitOf(child)])
    return { code, stdout, stderr }
  }
  const started = performance.now()
  for (const [title, script, expected] of cases) {
    const ended = await bash(script)
    report(title, isDeepStrictEqual({ ...ended, ...expected }, ended), ended)
  }

  const simulated = await bash(`$RUN ${preview}`)
  const picture = readFileSync(join(cwd, "picture.svg"), "utf8")
  const onNode = spawnSync(process.execPath, [bin, ...preview.split(" ")], { cwd, encoding: "utf8" })
  report("preview, as Node has it", simulated.stdout === onNode.stdout && onNode.status === 0, simulated)
  report("its picture", picture === readFileSync(join(cwd, "picture.svg"), "utf8"), picture.slice(0, 200))

  // A signal between two runs.
  const [command, ...args] = words
  const child = spawn(command!, [...args, "loop", "--period", "1h", "echo", "run"], { cwd })
  await once(child.stdout, "data")
  await setTimeout(200)
  const before = performance.now()
  child.kill("SIGTERM")
  const code = await exitOf(child)
  report("SIGTERM between two runs", code === 143 && performance.now() - before < 1000, code)
  console.log(`${name}: ${cases.length + 3} cases in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

const start = fastest(programOf("node20"), [bin, "poll", "-q", "--file", "."], {
  below: 250,
  file: join(folder, "times")
})
report("a start within 250 ms on Node 20", Math.max(start.elapsed, start.processor) < 250, start)
console.log(
  `node20: starts and ends in ${start.elapsed.toFixed(0)} ms, of it ${start.processor.toFixed(0)} ms of processor time`
)

server.close()
process.exit(failures > 0 ? 1 : 0)
