/**
 * Says of each call that a module makes for its constants and classes when it is loaded that it has no effect: bundlers leave out what
 * nobody uses of it. A call that is a statement of its own has an effect.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs"
import { parseAst } from "rollup/parseAst"

interface Node {
  readonly type: string
  readonly start: number
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

/** Where the calls start that are made when this is evaluated. Not those in functions: they are made later. */
const callsIn = (value: unknown): ReadonlyArray<number> => {
  if (Array.isArray(value)) return value.flatMap(callsIn)
  if (!isNode(value) || /Function|MethodDefinition/.test(value.type)) return []
  const inner = Object.values(value).flatMap(callsIn)
  return /^(Call|New)Expression$/.test(value.type) ? [value.start, ...inner] : inner
}

for (const file of globSync(`${process.argv[2]}/**/*.js`)) {
  let code = readFileSync(file, "utf8")
  const calls = new Set(callsIn(parseAst(code).body.filter(({ type }) => type !== "ExpressionStatement")))
  for (const at of Array.from(calls).toSorted((a, b) => b - a)) {
    code = `${code.slice(0, at)}/*#__PURE__*/ ${code.slice(at)}`
  }
  writeFileSync(file, code)
}
