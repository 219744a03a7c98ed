import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { read } from "../src/index.ts"

const messageOf = (text: string, options?: Parameters<typeof read>[1]): string => {
  const result = read(text, options)
  return Result.isFailure(result) ? result.failure.message : "it was read"
}

// Each level has the one before nine times.
const bomb = Array.from(
  { length: 9 },
  (_, i) => `a${i}: &a${i} [${Array.from({ length: 9 }, () => i === 0 ? "{ steps: 1 }" : `*a${i - 1}`).join(", ")}]`
).join("\n")

const packages = Array.from({ length: 20_000 }, (_, i) => ({
  name: `package-${i}`,
  version: "1.2.3",
  dependencies: { a: "^1.0.0", b: "^2.0.0" },
  files: ["dist", "src"]
}))

describe("a text that is no document", () => {
  it.each([
    { name: "a bomb", text: bomb, reason: /^this follows its anchors more than 1000 times/ },
    {
      name: "an anchor that contains itself",
      text: "a: &a\n  b: *a",
      reason: /^this has an anchor that contains itself, at a\.b/
    },
    {
      name: "3 MB of text",
      text: "lorem ipsum ".repeat(250_000),
      reason: /^the text is 3\.0 MB long, and at most 2\.5 MB are read$/
    },
    { name: "2 MB of text", text: "lorem ipsum\n".repeat(170_000), reason: /^there is no policy in it/ },
    {
      name: "2 MB of JSON",
      text: JSON.stringify(packages),
      reason: /^there is no policy in it\. What can be read/
    },
    { name: "no YAML", text: "a: 1\nb: [1, 2\nc: 3", reason: /^line \d: this is no YAML: / },
    { name: "a template", text: "a: {{ .Values.a }}\n", reason: /It looks like a template: render it first$/ },
    {
      name: "2 MB of brackets in the wrong column",
      text: "a:\n  b: [\n  1,\n  [2\n  ],\n".padEnd(2_000_000, "  { c: 3\n  },\n"),
      reason: /^line \d+: this is no YAML: /
    },
    {
      name: "a bomb inside of a ConfigMap",
      text: `kind: ConfigMap\ndata:\n  bomb: |\n${bomb.replaceAll(/^/gm, "    ")}\n`,
      reason: /^this follows its anchors more than 1000 times/
    },
    {
      name: "2 MB of texts",
      text: JSON.stringify(
        Array.from(
          { length: 4000 },
          () => `a: [1, 2]\n${Array.from({ length: 30 }, (_, i) => `c${i}: { d: [1] }\n`).join("")}`
        )
      ),
      reason: /^there is no policy in it\. What can be read/
    },
    { name: "a deep one", text: "[".repeat(50_000), reason: /^line 1: this is no YAML: nesting exceeded/ },
    { name: "binary", text: "\u0000\u0001\u0002".repeat(1000), reason: /^line 1: this is no YAML: / },
    { name: "nothing", text: "", reason: /^there is no document in it/ }
  ])("has a clear error within a second: $name", ({ reason, text }) => {
    // Of the processor's time, which a busy machine does not change much.
    const before = process.cpuUsage()
    const message = messageOf(text)
    const { system, user } = process.cpuUsage(before)
    assert.match(message, reason)
    assert.isBelow(message.length, 800)
    assert.isBelow((system + user) / 1000, 1000)
  })
})

describe("YAML as people write it", () => {
  const policy = `retry: [{ initialInterval: 1s, maximumAttempts: "2" }]`
  it.each([
    { name: "a bracket below its key", text: `jobs:\n  needs: [\n    a,\n    b\n  ]\n` },
    {
      name: "a whole list below its key",
      text: `jobs:\n    needs: [\n  "a]", 'it''s', {\n  c: [\n  1 # }\n  ]}\n  ]\n`
    },
    { name: "a quoted text", text: `jobs:\n  text: "one \\"\n  two [\n  three"\n` },
    {
      name: "a block of text that looks like a list",
      text: `jobs:\n- |\n  needs: [\n  a\n- needs: [\n  ]\n- text: >-\n    x: [\n  b: { c: [\n  ] }\n`
    },
    { name: "a plain text with brackets", text: `jobs: { a: [\n] }\nb: c[0] [d] 'e\nf: &x [\n]\ng: a#b [ # [\n` }
  ])("is read, and its lines are those of the text: $name", ({ text }) => {
    const [found, ...others] = Result.getOrThrow(read(text + policy))
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual(
      [found?.system, found?.settings.attempts, found?.place.pointer, found?.place.line],
      ["temporal", 2, "/retry/0", text.split("\n").length]
    )
  })
})

describe("a document of several", () => {
  const several = `
kind: ConfigMap
metadata: { name: api }
data: { duration: 1s, steps: "3" }
---
a/b:
  retry: [{ initialInterval: 1s, maximumAttempts: "2" }, { initialInterval: 2s }]
`

  it("knows where each policy stands", () => {
    const policies = Result.getOrThrow(read(several))
    assert.deepStrictEqual(policies.map(({ name, place, system }) => [system, name, place.pointer, place.line]), [
      ["kubernetes", "api", "/data", 4],
      ["temporal", "a/b.retry[0]", "/a~1b/retry/0", 7],
      ["temporal", "a/b.retry[1]", "/a~1b/retry/1", 7]
    ])
  })

  it("has parts: what the schedule says, what is a timeout, and what is a note", () => {
    const [policy] = Result.getOrThrow(
      read("startToCloseTimeout: 1m\nheartbeatTimeout: 5s\nretry:\n  maximumAttempts: 2\n")
    )
    assert.deepStrictEqual(policy?.parts.map(({ line, path, shows }) => [line, path, shows]), [
      [4, "retry.maximumAttempts", "schedule"],
      [1, "startToCloseTimeout", "timeout"],
      [2, "heartbeatTimeout", "note"]
    ])
    assert.deepStrictEqual(policy?.timeouts, { attempt: 60_000, total: undefined })
  })

  it("is read at a pointer only", () => {
    const pointed = (pointer: string) =>
      Result.getOrThrow(read(several, { pointer })).map(({ settings }) => settings.attempts)
    assert.deepStrictEqual(pointed("/a~1b/retry/1"), [undefined])
    assert.deepStrictEqual(pointed("/a~1b"), [2, undefined])
    assert.deepStrictEqual(pointed("/data"), [3])
    assert.strictEqual(
      messageOf(several, { pointer: "/a~1b/retri" }),
      "there is no /a~1b/retri: /a~1b is an object with retry"
    )
    assert.strictEqual(
      messageOf("a: [1, 2]", { pointer: "/a/2/b", name: "p.yaml" }),
      "p.yaml: there is no /a/2/b: /a is a list of 2"
    )
  })
})

describe("a file inside of a document", () => {
  const map = `kind: ConfigMap
metadata: { name: shop }
data:
  note: "retry: { maximumAttempts: 2 }"
  application.yml: |
    retry:
      temporal: { initialInterval: 1s, maximumAttempts: 3 }
  flow.json: |
    { "StartAt": "A", "States": { "A": { "Retry": [{ "ErrorEquals": ["E"], "MaxAttempts": 4 }] } } }
  run.sh: |
    echo "interval: 1s"
`
  it("is read where it stands, and has a pointer", () => {
    const policies = Result.getOrThrow(read(map))
    assert.deepStrictEqual(policies.map(({ place, system }) => [system, place.pointer, place.line]), [
      ["temporal", "/data/application.yml/retry/temporal", 5],
      ["step-functions", "/data/flow.json/States/A/Retry/0", 8]
    ])
    for (const { place, settings } of policies) {
      assert.deepStrictEqual(Result.getOrThrow(read(map, { pointer: place.pointer })).map((one) => one.settings), [
        settings
      ])
    }
    assert.strictEqual(Result.getOrThrow(read(map, { pointer: "/data/application.yml" })).length, 1)
    const after = (length: number) =>
      read(
        JSON.stringify({
          data: ["a: 1\nb: 2\n".padEnd(length, "#"), "retry: &r\n  initialInterval: 1s\n  maximumAttempts: 2\n"]
        })
      )
    assert.isTrue(Result.isSuccess(after(499_000)))
    assert.isTrue(Result.isFailure(after(500_000)))
    assert.strictEqual(
      messageOf(map, { pointer: "/data/application.yml/retries" }),
      "there is no /data/application.yml/retries: /data/application.yml is an object with retry"
    )
    assert.strictEqual(
      messageOf(map, { pointer: "/data/run.sh/x" }),
      "there is no /data/run.sh/x: /data/run.sh is \"echo \\\"interval: 1s\\\"\\n\""
    )
  })
})

describe("a document that could be of two systems", () => {
  it.each([
    { text: "initial_interval: 5s", ways: "--as temporal or --as otel" },
    { text: "{ limit: 5, backoff: { duration: 5s, factor: 2 } }", ways: "--as argo-cd or --as argo-workflows" }
  ])("is not guessed: $text", ({ text, ways }) => {
    assert.match(messageOf(text), /^this could be .* or .*: choose with --as /)
    assert.include(messageOf(text), `choose with ${ways}`)
  })

  it("is read as the system that was chosen, strictly", () => {
    const code = (as: "otel" | "temporal") => Result.getOrThrow(read("initial_interval: 5s", { as }))[0]?.code
    assert.include(code("temporal"), `cap: "500 seconds"`)
    assert.include(code("otel"), "Jitter.between(0.5, 1.5)")
    assert.strictEqual(
      messageOf("{ initial_interval: 5s, steps: 3 }", { as: "otel" }),
      "steps is no key of an OpenTelemetry retry_on_failure"
    )
  })

  it("is not read as another system than the one that was chosen", () => {
    const none = "nothing in it is read as OpenTelemetry's retry_on_failure"
    assert.strictEqual(messageOf("*/5 * * * * run\n", { as: "otel" }), none)
    assert.strictEqual(messageOf("maximumAttempts: 3", { as: "otel" }), none)
    assert.strictEqual(messageOf("maximumAttempts: 3", { as: "crontab" }), "nothing in it is read as a crontab")
    assert.strictEqual(
      messageOf("kind: Job\nretry: { initial_interval: 1s, max_interval: 2s, delay: 1s }", { as: "otel" }),
      `${none}. Nearest to one is retry, line 2, as OpenTelemetry's retry_on_failure: ` +
        "retry.delay is no key of an OpenTelemetry retry_on_failure"
    )
  })

  it("is clear by what it stands in", () => {
    const systemOf = (text: string) => Result.getOrThrow(read(text))[0]?.system
    assert.strictEqual(systemOf("retry_on_failure: { initial_interval: 5s }"), "otel")
    assert.strictEqual(systemOf("retryStrategy: { limit: 5, backoff: { duration: 5s } }"), "argo-workflows")
    assert.strictEqual(systemOf("syncPolicy: { retry: { limit: 5 } }"), "argo-cd")
  })
})

describe("a template", () => {
  it("has to be filled in", () => {
    assert.strictEqual(
      messageOf(`duration: "{{ .Values.wait }}"\nsteps: \${STEPS}\n`),
      "duration is a template, {{ .Values.wait }}: fill it in, line 1; steps is a template, ${STEPS}: fill it in, line 2"
    )
  })
})
