/**
 * 3. The container manager of dockershim: each five minutes it brings the processes of Docker into their cgroup.
 *
 * Go: `go wait.Until(m.doWork, 5*time.Minute, wait.NeverStop)` at the end of `Start`, which may fail before that. Here
 * `start` fails with a typed error, and `Loop.survive` logs what a run fails with. The literal port is
 * `Wait.until(doWork, { period: "5 minutes" })`.
 *
 * `npx --yes pnpm@12 examples 03-container-manager`
 */
import { NodeFileSystem } from "@effect/platform-node"
import { type Duration, Effect, FileSystem, Schema } from "effect"
import { Loop, Period, Poll } from "effect-wait"
import { claim, main } from "./support/program.ts"

export class CgroupNotCreated extends Schema.TaggedError<CgroupNotCreated>()("CgroupNotCreated", {
  message: Schema.String
}) {}

export class DockerNotRunning extends Schema.TaggedError<DockerNotRunning>()("DockerNotRunning", {
  message: Schema.String
}) {}

/** Where the kernel tells of processes and cgroups: `/proc` and `/sys/fs/cgroup`, or what looks like them. */
export interface ContainerManager {
  readonly proc: string
  readonly cgroupRoot: string
  readonly cgroupName?: string
  readonly period?: Duration.Input
}

const createCgroup = Effect.fnUntraced(function*(cgroup: string) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.makeDirectory(cgroup, { recursive: true })
  // It is there in a real cgroup; in any other directory it is not.
  yield* fs.writeFileString(`${cgroup}/cgroup.procs`, "", { flag: "a" })
}, Effect.mapError(({ message }) => new CgroupNotCreated({ message })))

/** The processes with this name. Not all that is in there is a process, and one may end while it is looked at. */
const pidsOf = Effect.fnUntraced(function*(proc: string, name: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.filter(yield* fs.readDirectory(proc), (pid) =>
    fs.readFileString(`${proc}/${pid}/comm`).pipe(
      Effect.map((comm) => comm.trim() === name),
      Effect.orElseSucceed(() => false)
    ))
})

/** Makes the kernel spare Docker when memory is short, and counts what it uses by its cgroup, if it has one. */
const doWork = Effect.fnUntraced(function*(proc: string, cgroup: string | undefined) {
  const fs = yield* FileSystem.FileSystem
  const pids = yield* pidsOf(proc, "dockerd")
  if (pids.length === 0) return yield* new DockerNotRunning({ message: "no process is called dockerd" })
  yield* Effect.forEach(pids, (pid) => fs.writeFileString(`${proc}/${pid}/oom_score_adj`, "-999"))
  if (cgroup === undefined) return
  const inside = (yield* fs.readFileString(`${cgroup}/cgroup.procs`)).split("\n")
  for (const pid of pids.filter((pid) => !inside.includes(pid))) {
    yield* fs.writeFileString(`${cgroup}/cgroup.procs`, `${pid}\n`, { flag: "a" })
    yield* Effect.log(`moved ${pid} into its cgroup`)
  }
})

export const start = Effect.fnUntraced(function*({ cgroupName, cgroupRoot, period, proc }: ContainerManager) {
  const cgroup = cgroupName === undefined ? undefined : `${cgroupRoot}/${cgroupName}`
  if (cgroup !== undefined) yield* createCgroup(cgroup)
  return yield* Loop.forkScoped(Loop.survive(doWork(proc, cgroup)), Period.sliding(period ?? "5 minutes"), {
    name: "container-manager"
  })
})

const program = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const root = yield* fs.makeTempDirectoryScoped()
  const proc = `${root}/proc`
  const run = Effect.fnUntraced(function*(pid: number, comm: string) {
    yield* fs.makeDirectory(`${proc}/${pid}`, { recursive: true })
    yield* fs.writeFileString(`${proc}/${pid}/comm`, `${comm}\n`)
  })
  const manager = start({ proc, cgroupRoot: root, cgroupName: "docker", period: "50 millis" })
  yield* run(1, "init")
  yield* run(7, "dockerd")

  yield* fs.writeFileString(`${root}/docker`, "in the way")
  const { _tag, message } = yield* Effect.flip(manager)
  yield* Effect.log(message)
  yield* Effect.sleep("200 millis")
  yield* claim("without its cgroup it does not start", [_tag, yield* fs.readDirectory(`${proc}/7`)], [
    "CgroupNotCreated",
    ["comm"]
  ])

  yield* fs.remove(`${root}/docker`)
  const loop = yield* manager
  const procs = fs.readFileString(`${root}/docker/cgroup.procs`)
  const patience = { timeout: "20 seconds" } as const
  const seen = (text: string) =>
    Poll.until(procs, Period.ticker("20 millis"), { ...patience, accept: (procs) => procs === text })
  yield* seen("7\n")
  yield* fs.rename(`${proc}/7`, `${root}/ended`)
  yield* Poll.until(loop.status, Period.ticker("20 millis"), { ...patience, accept: ({ failures }) => failures > 0 })
  yield* run(9, "dockerd")
  yield* seen("7\n9\n")
  yield* Effect.sleep("200 millis")
  yield* loop.stop
  yield* claim("it outlived a failure, and moved each process once", yield* procs, "7\n9\n")
  yield* claim("the kernel spares Docker", yield* fs.readFileString(`${proc}/9/oom_score_adj`), "-999")
  yield* claim("and nothing else", yield* fs.readDirectory(`${proc}/1`), ["comm"])
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))
