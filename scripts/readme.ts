/**
 * The README of a package while it is packed: `copy` writes it as the registry shows it, `restore` puts back what was there.
 * `effect-wait` has the README of the root.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename } from "node:path"
import { address, readmeAt } from "./site.ts"

const page = "README.md"
const kept = ".README.md"

const restore = (): void => {
  if (existsSync(kept)) renameSync(kept, page)
  else if (basename(process.cwd()) === "wait") rmSync(page, { force: true })
}

restore()
if (process.argv[2] === "copy") {
  if (existsSync(page)) {
    renameSync(page, kept)
    writeFileSync(page, readmeAt(address, `packages/${basename(process.cwd())}`, readFileSync(kept, "utf8")))
  } else writeFileSync(page, readmeAt(address, ".", readFileSync(new URL("../README.md", import.meta.url), "utf8")))
}
