import { assert, describe, inject, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { folder } from "./run.ts"

const json = "preview --backoff 100ms..30s --runs 500 --seeds 1 --json"

/** What a shell does with the bin: `$BIN`. */
const shell = Effect.fnUntraced(function*(script: string) {
  const { path } = yield* folder
  const { status, stderr, stdout } = spawnSync("bash", ["-c", script], {
    cwd: path,
    encoding: "utf8",
    env: { ...process.env, NODE: process.execPath, BIN: inject("bin") },
    maxBuffer: 2 ** 20
  })
  return { code: status, stdout, stderr }
})

const isLinux = process.platform === "linux" && existsSync("/dev/full")

const canMount = spawnSync("unshare", ["-m", "true"]).status === 0

const full = "effect-wait: stdout cannot be written: ENOSPC\n"

/** Where the output goes, and what comes of it. */
const outputs: ReadonlyArray<readonly [what: string, script: string, code: number, stdout: string, stderr: string]> = [
  ["a full disk, preview", `$NODE $BIN ${json} > /dev/full`, 74, "", full],
  ["a full disk, help", "$NODE $BIN poll --help > /dev/full", 74, "", full],
  ["a full disk, version", "$NODE $BIN --version > /dev/full", 74, "", full],
  ["a full disk, herd", "$NODE $BIN herd --rounds 1 --clients 2 > /dev/full", 74, "", full],
  [
    "a full disk, a picture of preview",
    "$NODE $BIN preview --backoff 100ms..30s --svg /dev/full",
    74,
    "",
    "effect-wait: --svg /dev/full cannot be written: ENOSPC\n"
  ],
  [
    "a full disk, a picture of herd",
    "$NODE $BIN herd --rounds 1 --clients 2 --svg /dev/full",
    74,
    "",
    "effect-wait: --svg /dev/full cannot be written: ENOSPC\n"
  ],
  ["a full disk, stderr: the runs go on", "$NODE $BIN retry true 2> /dev/full", 0, "", ""],
  ["nobody who reads on", `$NODE $BIN ${json} | head -1; echo \${PIPESTATUS[0]}`, 0, "{\n0\n", ""],
  ["a command that nobody reads on", "$NODE $BIN retry -q --attempts 1 yes | head -1", 0, "y\n", ""],
  ["a closed stdout", `$NODE $BIN ${json} >&-; echo $?`, 0, "0\n", ""],
  ["a closed stdout of the command", "$NODE $BIN retry true 2>/dev/null >&-; echo $?", 0, "0\n", ""],
  [
    "500 MB",
    "$NODE $BIN retry -q -- head -c 500000000 /dev/zero | wc -c",
    0,
    "500000000\n",
    ""
  ],
  [
    "500 MB of the command after a poll",
    "$NODE $BIN poll -q --file . head -c 500000000 /dev/zero | wc -c",
    0,
    "500000000\n",
    ""
  ]
]

describe.runIf(isLinux)("output to", () => {
  it.live.each(outputs)("%s", ([, script, code, stdout, stderr]) =>
    Effect.gen(function*() {
      const ended = yield* shell(script)
      const told = ended.stderr.replace(/^effect-wait: run 1: SIGPIPE after .*\n/, "")
      assert.deepStrictEqual({ ...ended, stderr: told }, { code, stdout, stderr })
    }))

  it.live.runIf(canMount)("a disk that fills up while it is written", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* shell(
        `mkdir small; unshare -m sh -c 'mount -t tmpfs -o size=16k none small && "$NODE" "$BIN" ${json} > small/x.json; echo $?; ls small'`
      )
      assert.deepStrictEqual({ code, stderr, stdout }, { code: 0, stderr: full, stdout: "74\nx.json\n" })
    }))

  it.live.runIf(canMount)("--svg and --health on a disk that has no room for them", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* shell(
        `mkdir small; unshare -m sh -c 'mount -t tmpfs -o size=4k none small && head -c 4096 /dev/zero > small/x
        "$NODE" "$BIN" preview --backoff 1s..2s --svg small/a.svg; echo $?
        "$NODE" "$BIN" loop --period 1s --health small/h -- echo run; echo $?'`
      )
      assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: "74\n74\n" })
      assert.deepStrictEqual(stderr.split("\n"), [
        "effect-wait: --svg small/a.svg cannot be written: ENOSPC",
        "effect-wait: --health small/h cannot be written: ENOSPC",
        ""
      ])
    }))

  it.live.runIf(canMount)("--health on a full disk: it says why, and the runs go on", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* shell(
        `mkdir small; unshare -m sh -c 'mount -t tmpfs -o size=8k none small && "$NODE" "$BIN" loop --period 1ms --times 2 --health small/h -- sh -c "cat /dev/zero > small/x 2>/dev/null; exit 0"; echo $?'`
      )
      assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: "0\n" })
      assert.include(stderr, "effect-wait: --health small/h cannot be written: ENOSPC\n")
    }))
})
