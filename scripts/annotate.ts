/** Says of what a module computes when it is loaded that it has no effect: bundlers leave out what nobody uses of it. */
import { globSync, readFileSync, writeFileSync } from "node:fs"

const calls = /^((?:export )?const [\w$]+ = |export class [\w$]+ extends )((?:new )?[A-Za-z_$][\w$.]*\()/gm
for (const file of globSync(`${process.argv[2]}/**/*.js`)) {
  writeFileSync(file, readFileSync(file, "utf8").replace(calls, "$1/*#__PURE__*/ $2"))
}
