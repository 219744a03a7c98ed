/** The TypeScript of the page, compiled as a program would. */
import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

const options = {
  extends: "../../../../tsconfig.base.json",
  compilerOptions: { lib: ["ES2022", "DOM"], types: [] },
  include: ["*.ts"]
}

/** Compiles modules called `0.ts`, `1.ts` and so on. Gives their folder, in reach of the packages that a program would import. */
export const compile = (name: string, codes: ReadonlyArray<string>): string => {
  const folder = join(import.meta.dirname, "../dist", name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  codes.forEach((code, i) => writeFileSync(join(folder, `${i}.ts`), code))
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options))
  execFileSync(process.execPath, [tsc, "-p", folder], { stdio: "pipe", encoding: "utf8" })
  return folder
}
