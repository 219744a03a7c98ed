/** A folder with the packed library, Effect, and the programs, as a user would have them. */
import { build } from "esbuild"
import { execFileSync } from "node:child_process"
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const effectVersion: string =
  JSON.parse(readFileSync("packages/wait/node_modules/effect/package.json", "utf8")).version

export const folder: string = mkdtempSync(join(tmpdir(), "effect-wait-runtimes-"))
process.on("exit", () => rmSync(folder, { recursive: true }))

/** Packs and installs the library, and gives the file of each program. */
export const prepare = async <Name extends string>(
  names: ReadonlyArray<Name>
): Promise<Readonly<Record<Name, string>>> => {
  execFileSync("pnpm", ["pack", "--pack-destination", folder], { cwd: "packages/wait", stdio: "ignore" })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  const packed = globSync("*.tgz", { cwd: folder })[0]!
  execFileSync("npm", ["install", "--no-audit", "--no-fund", `effect@${effectVersion}`, `./${packed}`], {
    cwd: folder,
    stdio: "ignore"
  })
  await build({
    entryPoints: names.map((name) => `scripts/runtimes/programs/${name}.ts`),
    outdir: folder,
    bundle: true,
    packages: "external",
    format: "esm",
    target: "es2022",
    logLevel: "error"
  })
  return Object.fromEntries(names.map((name) => [name, join(folder, `${name}.js`)])) as Record<Name, string>
}
