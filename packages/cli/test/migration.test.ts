import { assert, describe, inject, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import * as Foreign from "../src/Foreign.ts"

/** What these tools document, of what their users type. */
const documented: Readonly<Record<string, string>> = {
  "wait-on":
    "file: http: https: http-get: https-get: tcp: socket: http://unix: --delay --interval --timeout --httpTimeout " +
    "--tcpTimeout --reverse --window --simultaneous --log --verbose --config headers auth validateStatus followRedirect " +
    "strictSSL ca cert key passphrase proxy",
  wait4x: "tcp http dns exec grpc file postgresql mysql redis mongodb rabbitmq --interval --timeout --backoff-policy " +
    "--backoff-exponential-coefficient --backoff-exponential-max-interval -v --invert-check --quiet --no-color --log-level " +
    "--connection-timeout --expect-status-code --expect-body-regex --expect-body-json --expect-body-xpath --expect-header " +
    "--request-header --request-body --request-method --http-method --no-redirect --insecure-skip-tls-verify --ca-file " +
    "--cert-file --key-file --h2c --expect-ip --nameserver --service --insecure-transport --exit-code --allow-any " +
    "--expect-content-regex --expect-size --expect-age",
  dockerize: "-wait -timeout -wait-retry-interval -wait-http-header -skip-tls-verify -cacert -template -delims " +
    "-no-overwrite -stdout -stderr -poll -version",
  "wait-for-it": "host:port -h --host -p --port -s --strict -q --quiet -t --timeout --",
  "nick-fields/retry": "timeout_minutes timeout_seconds max_attempts command retry_wait_seconds shell " +
    "polling_interval_seconds retry_on warning_on_retry on_retry_command continue_on_error new_command_on_retry " +
    "retry_on_exit_code total_attempts exit_code exit_error"
}

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
  const theirs = section.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split("|")[1]!).join(
    " "
  )
  return name === undefined ? [] : [{ title, name, theirs, options: optionsOf(rows.join(" ")) }]
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

  it.each(tables)("has all that is documented there: $title", ({ theirs, title = "" }) => {
    const words = documented[title]!.split(" ")
    const has = (word: string) =>
      new RegExp(`(?<![\\w-])${word.replaceAll("/", "\\/")}(?![\\w-])`).test(theirs)
      || word.endsWith(":") && theirs.includes(word)
    assert.deepStrictEqual(words.filter((word) => !has(word)), [])
  })

  it.each(Object.entries(Foreign.options))("options that are suggested exist: %s", (name, options) => {
    const known = new Set(optionsOf(`${help(name)} --no-immediate`))
    const suggested = Object.keys(options).flatMap(optionsOf)
    assert.isAtLeast(suggested.length, 7)
    assert.deepStrictEqual(suggested.filter((option) => !known.has(option)), [])
    // The list has only options that this command does not have.
    const foreign = Object.values(options).flatMap((words) => words.split(" "))
    assert.deepStrictEqual(foreign.filter((word) => known.has(`--${word}`)), [])
    assert.strictEqual(new Set(foreign).size, foreign.length)
  })

  it.each(tables)("names options that there are: $title", ({ name, options }) => {
    const known = new Set([...optionsOf(help(name)), ...optionsOf(help("loop")), "--no-immediate"])
    const ofOthers = new Set(["--cert", "--strict"])
    assert.isAtLeast(options.length, 4)
    assert.deepStrictEqual(options.filter((option) => !known.has(option) && !ofOthers.has(option)), [])
  })
})
