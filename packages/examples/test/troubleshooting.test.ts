/** The messages of the compiler on the page of troubleshooting are those that it gives; `mistakes.test.ts` of effect-wait compiles them. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "../../..")
const read = (file: string) => readFileSync(join(root, file), "utf8")

// What it says now, without what it said before.
const said = read("packages/wait/test/MISTAKES.md").split(/^## /m).slice(1).map((mistake) =>
  mistake.slice(mistake.indexOf("\nNow:\n"))
)
const [, section = ""] = read("docs/troubleshooting.md").split("## Compiler errors\n")
const rows = [...section.matchAll(/^\| `(.+?)` \|/gm)].map(([, message]) => message!.replaceAll("\\|", "|"))

describe("messages of the compiler", () => {
  it("are a table of 20", () => assert.strictEqual(rows.length, 20))

  it.each(rows)("%s", (message) => {
    assert.isTrue(said.some((text) => text.includes(message)))
  })
})
