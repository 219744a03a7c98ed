/** The alerts of the guides: they are PromQL, and read metrics and labels that the library has. */
import { ClusterLoop } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { parser } from "@prometheus-io/lezer-promql"
import { Effect, Exit, Layer, Metric, Schedule, Schema, Scope } from "effect"
import { Limit, Loop, Period, Poll, Retry, RetryBudget } from "effect-wait"
import * as Yaml from "effect/encoding/Yaml"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { join } from "node:path"

const docs = join(import.meta.dirname, "../../../docs")
const read = (file: string) => readFileSync(join(docs, file), "utf8")

const Duration = Schema.String.check(Schema.isPattern(/^\d+[smhd]$/))
const Rules = Schema.Struct({
  groups: Schema.Array(Schema.Struct({
    name: Schema.String,
    rules: Schema.Array(Schema.Struct({
      alert: Schema.String.check(Schema.isPattern(/^[A-Z][A-Za-z]+$/)),
      expr: Schema.String,
      for: Schema.optionalKey(Duration),
      labels: Schema.Struct({ severity: Schema.Literals(["page", "ticket"]) }),
      annotations: Schema.Struct({ summary: Schema.String })
    }))
  }))
})

const file = Schema.decodeUnknownSync(Rules)(Yaml.parse(read("prometheus-rules.yaml")), { onExcessProperty: "error" })
const rules = file.groups.flatMap(({ rules }) => rules)
// Those of a page stand in a fence, with comments and blank lines between them.
const ofPage = read("production.md").match(/```promql\n([^]*?)```/)![1]!.split("\n\n")
const expressions: ReadonlyArray<readonly [name: string, expr: string]> = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...ofPage.map((expr) => ["production.md", expr] as const)
]

/** The nodes of an expression, each with its text. */
const nodesOf = (expr: string) => {
  const nodes: Array<readonly [type: string, text: string]> = []
  parser.parse(expr).iterate({
    enter: ({ from, name, to }) => void nodes.push([name, expr.slice(from, to)])
  })
  return nodes
}
const textsOf = (expr: string, type: string) => nodesOf(expr).flatMap(([name, text]) => name === type ? [text] : [])

/** Makes every metric there is: loops that fail, miss slots and are paused, a loop of a cluster, a poll, retries with a budget, a hedge. */
const everything = Effect.gen(function*() {
  const call = Effect.fail("503")
  const three = Period.sliding("1 second").pipe(Limit.attempts(3))
  const scope = yield* Scope.make()
  const sync = yield* Loop.forkScoped(Effect.sleep("3 seconds"), Period.ticker("1 second"), { name: "sync" }).pipe(
    Scope.provide(scope)
  )
  yield* Effect.forkChild(Effect.exit(Loop.run(call, Period.sliding("1 second"), { name: "fails" })))
  yield* Effect.forkChild(Effect.exit(Poll.until(Effect.succeed(false), three, { name: "poll" })))
  yield* Effect.forkChild(
    Effect.exit(
      Effect.replicateEffect(Effect.exit(Retry.run(call, Schedule.recurs(3), { name: "retry", budget: "b" })), 20)
    )
  )
  yield* Effect.forkChild(Effect.exit(Retry.hedge(call, three, { name: "hedge" })))
  const owned = ClusterLoop.layer(Effect.void, Period.sliding("1 second"), { name: "owned" })
  yield* Layer.build(Layer.provide(owned, ClusterLoop.layerEmbedded)).pipe(Scope.provide(scope))
  yield* TestClock.adjust("10 seconds")
  yield* sync.pause
  yield* TestClock.adjust("10 seconds")
  const text = yield* PrometheusMetrics.format()
  yield* Scope.close(scope, Exit.void)
  return text
}).pipe(
  Effect.provide(RetryBudget.layerThrottling()),
  Effect.provideService(Metric.MetricRegistry, new Map())
)

const series = Effect.map(everything, (text) =>
  text.split("\n").flatMap((line) => {
    const [, name, labels = ""] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? []
    return name === undefined || line.startsWith("#")
      ? []
      : [{ name, labels: new Map([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!])) }]
  }))

describe("alerts", () => {
  it("are ten rules, each with a name of its own", () => {
    assert.strictEqual(rules.length, 10)
    assert.strictEqual(new Set(rules.map(({ alert }) => alert)).size, 10)
  })

  it.each(expressions)("%s is PromQL: %s", (_, expr) => {
    assert.deepStrictEqual(textsOf(expr, "⚠"), [])
    assert.notDeepEqual(textsOf(expr, "VectorSelector"), [])
  })

  it.effect("read metrics, labels and values of labels that exist", () =>
    Effect.gen(function*() {
      const found = yield* series
      const names = new Set(found.map(({ name }) => name))
      const labels = new Set(found.flatMap(({ labels }) => [...labels.keys()]))
      const values = new Set(found.flatMap(({ labels }) => [...labels].map(([key, value]) => `${key}="${value}"`)))
      for (const [, expr] of expressions) {
        for (const name of textsOf(expr, "VectorSelector").flatMap((text) => textsOf(text, "Identifier"))) {
          assert.isTrue(names.has(name), name)
        }
        for (const group of textsOf(expr, "GroupingLabels")) {
          for (const label of group.slice(1, -1).split(",")) assert.isTrue(labels.has(label.trim()), label)
        }
        for (const matcher of textsOf(expr, "UnquotedLabelMatcher")) {
          const [, label, operator, value] = /^(\w+)(=~|!~|=|!=)"(.*)"$/.exec(matcher) ?? assert.fail(matcher)
          assert.isTrue(labels.has(label!), label)
          if (label === "name") continue
          for (const one of operator === "=~" ? value!.split("|") : [value!]) {
            assert.isTrue(values.has(`${label}="${one}"`), matcher)
          }
        }
      }
    }))

  it("stand on the page of outages, each with what to do", () => {
    const page = read("outages.md")
    for (const { alert } of rules) assert.include(page, `| \`${alert}\` |`)
  })
})
