/** What the compiler says to likely mistakes: the messages in MISTAKES.md are those of today. */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"

const file = join(import.meta.dirname, "MISTAKES.md")
const [preface, ...mistakes] = readFileSync(file, "utf8").split(/(?=^## )/m) as [string, ...Array<string>]
const fences = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/^```(?:ts no-run|text)\n(.*?)^```/gms), ([, body]) => body!.trim())
const [preamble] = fences(preface)
const codes = mistakes.map((mistake) => fences(mistake)[0]!)

// Where the packages of the workspace are found, and out of reach of its other programs.
const root = join(import.meta.dirname, "../node_modules")
mkdirSync(root, { recursive: true })
const folder = mkdtempSync(join(root, ".mistakes-"))
afterAll(() => rmSync(folder, { recursive: true }))

const compile = (): ReadonlyArray<string> => {
  codes.forEach((code, i) => writeFileSync(join(folder, `mistake${i}.ts`), `${preamble}\n${code}\n`))
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(import.meta.dirname, "../../../tsconfig.base.json"),
      compilerOptions: { lib: ["ES2022", "DOM"], types: [], noUnusedLocals: false, noErrorTruncation: false },
      include: ["./*.ts"]
    })
  )
  const compiler = join(import.meta.dirname, "../../../node_modules/typescript/bin/tsc")
  const { stdout } = spawnSync(process.execPath, [compiler, "-p", folder, "--pretty", "false"], { encoding: "utf8" })
  const said = codes.map((): Array<string> => [])
  for (const [, i, rest] of stdout.matchAll(/mistake(\d+)\.ts\(\d+,\d+\): error (.*\n(?: +.*\n)*)/g)) {
    said[Number(i)]!.push(rest!.trimEnd())
  }
  return said.map((messages) => messages.join("\n") || "(compiles)")
}

describe("mistakes", { timeout: 120_000 }, () => {
  const messages = compile()

  it("get these messages", async () => {
    const now = mistakes.map((mistake, i) =>
      mistake.replace(/^(Now:\n\n```text\n).*?(^```)/ms, (_, head, tail) => `${head}${messages[i]}\n${tail}`)
    )
    await expect([preface, ...now].join("")).toMatchFileSnapshot(file)
  })

  /** What the message has to name: the option, or the tag. */
  const names: Record<string, string> = {
    "An option of `HttpRetry.retry` is misspelt": "Did you mean to write 'attemptTimeout'?",
    "An option of `HttpRetry.retry` is misspelt, in a pipe": "Did you mean to write 'attemptTimeout'?",
    "A budget of `HttpRetry` that is neither the host nor a function": `Type '"users"' is not assignable`,
    "A ratio without its reserve": "Property 'minRetriesPerSecond' is missing",
    "A setting of a key is misspelt": "Did you mean to write 'maxTokens'?",
    "A case is missing in `Retry.match`, under a `while` that narrows": "ScheduleDoesNotTake<TimeoutError>",
    "A case is missing in `Retry.match`, under a `while` that narrows, in a pipe": "ScheduleDoesNotTake<TimeoutError>",
    "A case is missing, without `while`": `Type '"Auth"' is not assignable`,
    "A case is missing for the timeout of an attempt": "ScheduleDoesNotTake<TimeoutError>",
    "A case is misspelt": "ScheduleDoesNotTake<Busy>",
    "An option is misspelt, beside `while`": "Did you mean to write 'attemptTimeout'?",
    "An option is misspelt, beside `while`, in a pipe": "Did you mean to write 'attemptTimeout'?",
    "An option is misspelt, alone, in a pipe": "Did you mean to write 'attemptTimeout'?",
    "A duration is misspelt, beside `while`, in a pipe": `Type '"5 s"' is not assignable`,
    "`while` gives an Effect, in a pipe": "Type 'Effect<boolean, never, never>' is not assignable to type 'boolean'",
    "A hint without an annotation, in the middle of a pipe": "AnnotateTheError",
    "A hint without an annotation, in `Effect.retry`": "AnnotateTheError",
    "A misspelt option of a poll, beside `accept`": "Did you mean to write 'timeout'?",
    "A misspelt option of a poll, beside `accept`, in a pipe": "Did you mean to write 'timeout'?",
    "A duration is misspelt, beside `accept`, in a pipe": `Type '"1 min"' is not assignable`,
    "An option of a forked loop is misspelt": "Did you mean to write 'healthyWithin'?",
    "A layer without a name": "Property 'name' is missing",
    "A grace that is no duration": `Type '"ten seconds"' is not assignable`,
    "`Loop.run` with a grace, which needs a Scope": "'grace' does not exist",
    "A forked loop that is run without a Scope": "Type 'Scope' is not assignable to type 'never'",
    "An option of `Retry.hedge` is misspelt, in a pipe": "Did you mean to write 'onHedge'?",
    "`Retry.hedge` follows a schedule by tag, which has no delay where there is no error yet": "'\"Unanswered\"'",
    "A timeout for each attempt, which `Retry.hedge` has not": "'attemptTimeout' does not exist",
    "A hook that reads a field that a failure has not": "Property 'error' does not exist",
    "A simulation without the errors that its schedule takes": "Property 'input' is missing",
    "A simulation with an error that has no case": `Type '"Bussy"' is not assignable to type '"Busy"'`,
    "A setting of `catchUp` is misspelt": `CatchUpDoesNotHave<"windw">`,
    "`catchUp` is true": "Type 'true' has no properties in common with type 'CatchUp'",
    "`catchUp` without a name": "Property 'name' is missing",
    "A budget without its layer": "Type 'RetryBudget' is not assignable to type 'never'",
    "A client with a budget is taken for an `HttpClient`": "Type 'RetryBudget' is not assignable to type 'never'",
    "`from` is misspelt": "'form' does not exist",
    "`Policy` is taken for the Schema, which has a subpath": "'Policy' only refers to a type"
  }
  it.each(Object.entries(names))("%s: the message names it", (title, name) => {
    const i = mistakes.findIndex((mistake) => mistake.split("\n", 1)[0]!.endsWith(`. ${title}`))
    expect(messages[i]).toContain(name)
  })
})
