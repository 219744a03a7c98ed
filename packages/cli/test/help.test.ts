import { assert, describe, inject, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { folder } from "./run.ts"
import { answering, listen, tcpServer } from "./servers.ts"

const commands = ["poll", "loop", "retry", "preview", "herd"] as const

const help = (...words: ReadonlyArray<string>) =>
  execFileSync(process.execPath, [inject("bin"), ...words, "--help"], { encoding: "utf8" })

/** The words of a line as a shell reads it: with nothing but single quotes. */
const words = (line: string) => line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", "")) ?? []

const examples = (text: string) =>
  text.split("EXAMPLES")[1]?.split("\n").filter((line) => line.startsWith("  effect-wait ")).map((line) =>
    line.trim()
  ) ?? []

describe("help", () => {
  it.each([[], ...commands.map((name) => [name])])("fits 80 columns: %s", (...words) => {
    const lines = help(...words).split("\n")
    assert.isAbove(lines.length, 10)
    assert.deepStrictEqual(lines.filter((line) => line.length > 80), [])
  })

  it("has examples of every command", () =>
    commands.forEach((name) => assert.isAtLeast(examples(help(name)).length, 2, name)))

  it.live.each(commands)("has examples that work: %s", (name) =>
    Effect.gen(function*() {
      for (const example of examples(help(name))) {
        const { at, path, start } = yield* folder
        mkdirSync(at("bin"))
        for (const stub of ["bin/npm", "bin/kubectl", "bin/pg_isready", "bin/git", "send-mail", "sync", "backup"]) {
          writeFileSync(at(stub), `#!/bin/sh\necho "stub $(basename $0) $*"\n`)
          chmodSync(at(stub), 0o755)
        }
        writeFileSync(at("a.yaml"), "steps: 3\nduration: 10ms\nfactor: 2.0\n")
        writeFileSync(at("retry.yaml"), "steps: 3\nduration: 10ms\nfactor: 2.0\n")
        const gRpc = {
          maxAttempts: 3,
          initialBackoff: "0.1s",
          maxBackoff: "1s",
          backoffMultiplier: 2,
          retryableStatusCodes: ["UNAVAILABLE"]
        }
        writeFileSync(at("b.json"), JSON.stringify(gRpc))
        writeFileSync(at("service-config.json"), JSON.stringify(gRpc))
        const database = yield* listen(tcpServer(), 0, "localhost")
        const api = yield* answering((_, response) => response.end("{\"status\":\"UP\"}"))
        const [, ...args] = words(
          example.replace("localhost:5432", `localhost:${database.port}`).replace("http://localhost:8080", api.url)
        )
        const env = { PATH: `${path}/bin:${process.env["PATH"]}` }
        const started = yield* start(args, [], { env })
        if (name === "loop") {
          yield* started.tells("next in")
          yield* started.kill("SIGTERM")
        }
        const { code, stderr, stdout } = yield* started.ended
        assert.strictEqual(code, name === "loop" ? 143 : 0, `${example}\n${stderr}`)
        const program = /(npm|kubectl|pg_isready|git|send-mail|sync|backup)( .*)?$/.exec(example)
        if (program !== null && !example.includes("--cron")) {
          assert.include(stdout, `stub ${program[0]}`, example)
        } else if (name === "preview" || name === "herd") assert.isAbove(stdout.length, 100, example)
      }
    }))
})
