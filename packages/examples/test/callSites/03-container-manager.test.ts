import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, PlatformError } from "effect"
import { start } from "../../src/callSites/03-container-manager.ts"
import { logOf } from "./logOf.ts"

/** Files in memory. To list a directory takes 10 s. */
const disk = (files: Map<string, string>) => {
  const fails = (_tag: PlatformError.SystemErrorTag, path: string) =>
    Effect.fail(PlatformError.systemError({ _tag, module: "FileSystem", method: "disk", pathOrDescriptor: path }))
  return FileSystem.layerNoop({
    makeDirectory: (path) => files.has(path) ? fails("AlreadyExists", path) : Effect.void,
    readDirectory: (path) =>
      Effect.sync(() => {
        const inside = [...files.keys()].filter((name) => name.startsWith(`${path}/`))
        return [...new Set(inside.map((name) => name.slice(path.length + 1).split("/")[0] ?? ""))]
      }).pipe(Effect.delay("10 seconds")),
    readFileString: (path) => {
      const text = files.get(path)
      return text === undefined ? fails("NotFound", path) : Effect.succeed(text)
    },
    writeFileString: (path, text, options) =>
      Effect.sync(() => files.set(path, options?.flag === "a" ? `${files.get(path) ?? ""}${text}` : text))
  })
}

const dockerd = (pid: number) => [`/proc/${pid}/comm`, "dockerd\n"] as const

const manager = { proc: "/proc", cgroupRoot: "/sys/fs/cgroup", cgroupName: "docker" }

describe("the container manager", () => {
  it.effect("moves new processes of Docker each five minutes, and goes on where a run fails", () =>
    Effect.gen(function*() {
      const files = new Map([
        ["/proc/1/comm", "init\n"],
        ["/proc/meminfo", ""],
        ["/proc/2/stat", ""],
        dockerd(7),
        dockerd(8)
      ])
      const program = Effect.gen(function*() {
        const loop = yield* start(manager)
        yield* Effect.sleep("400 seconds")
        files.delete("/proc/7/comm")
        files.delete("/proc/8/comm")
        yield* Effect.sleep("400 seconds")
        files.set(...dockerd(9))
        yield* Effect.sleep("500 seconds")
        const { failures, runs } = yield* loop.status
        yield* Effect.log("runs", runs, "failures", failures)
      })
      const { log } = yield* logOf(program.pipe(Effect.scoped, Effect.provide(disk(files))), { until: "1 day" })
      assert.deepStrictEqual(log, [
        "10000 moved 7 into its cgroup",
        "10000 moved 8 into its cgroup",
        "630000 Error A run failed; the loop goes on",
        "940000 moved 9 into its cgroup",
        "1300000 runs 5 failures 1"
      ])
      assert.deepStrictEqual([...files].filter(([name]) => name !== "/proc/meminfo" && !name.endsWith("/comm")), [
        ["/proc/2/stat", ""],
        ["/sys/fs/cgroup/docker/cgroup.procs", "7\n8\n9\n"],
        ["/proc/7/oom_score_adj", "-999"],
        ["/proc/8/oom_score_adj", "-999"],
        ["/proc/9/oom_score_adj", "-999"]
      ])
    }))

  it.effect("fails to start without its cgroup, and no loop runs", () =>
    Effect.gen(function*() {
      const files = new Map([dockerd(7), ["/sys/fs/cgroup/docker", "in the way"]])
      const before = [...files]
      const program = Effect.gen(function*() {
        const { _tag, message } = yield* Effect.flip(start(manager))
        yield* Effect.log(_tag, message)
        yield* Effect.sleep("1 hour")
      })
      const { log } = yield* logOf(program.pipe(Effect.scoped, Effect.provide(disk(files))), { until: "1 day" })
      assert.deepStrictEqual(log, ["0 CgroupNotCreated AlreadyExists: FileSystem.disk (/sys/fs/cgroup/docker)"])
      assert.deepStrictEqual([...files], before)
    }))

  it.effect("without the name of a cgroup only sees to the memory", () =>
    Effect.gen(function*() {
      const files = new Map([dockerd(7)])
      const program = Effect.andThen(start({ proc: "/proc", cgroupRoot: "/sys/fs/cgroup" }), Effect.sleep("1 minute"))
      const { log } = yield* logOf(program.pipe(Effect.scoped, Effect.provide(disk(files))), { until: "1 day" })
      assert.deepStrictEqual(log, [])
      assert.deepStrictEqual([...files], [dockerd(7), ["/proc/7/oom_score_adj", "-999"]])
    }))
})
