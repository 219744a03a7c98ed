import { assert, describe, inject, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

const page = readFileSync(new URL("../../../docs/command-line.md", import.meta.url), "utf8")

const help = (name: string) => execFileSync(process.execPath, [inject("bin"), name, "--help"], { encoding: "utf8" })

const optionsOf = (text: string) => [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option)

// Of the last column: a row may name options of another tool in its own commands.
const tables = page.split(/^## /m).flatMap((section) => {
  const [, name] = /^\|[^|\n]*\| effect-wait (\w+) \|$/m.exec(section) ?? []
  const title = section.split("\n")[0]
  const rows = section.split("\n").filter((line) => line.startsWith("| ")).map((line) =>
    line.replaceAll("\\|", "").split("|")[2]!
  )
  return name === undefined ? [] : [{ title, name, options: optionsOf(rows.join(" ")) }]
})

describe("docs/command-line.md", () => {
  it("has the tables of five tools", () =>
    assert.deepStrictEqual(tables.map(({ title }) => title), [
      "wait-on",
      "wait4x",
      "dockerize",
      "wait-for-it",
      "nick-fields/retry"
    ]))

  it.each(tables)("names options that there are: $title", ({ name, options }) => {
    const known = new Set([...optionsOf(help(name)), ...optionsOf(help("loop")), "--no-immediate"])
    const ofOthers = new Set(["--cert", "--strict"])
    assert.isAtLeast(options.length, 4)
    assert.deepStrictEqual(options.filter((option) => !known.has(option) && !ofOthers.has(option)), [])
  })
})
