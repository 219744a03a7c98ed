/** Removes what the other scripts have written: the folders named, or all of it. */
import { globSync, rmSync } from "node:fs"

const written = ["packages/*/dist", "packages/*/*.tgz", "node_modules/.cache"]
const named = process.argv.slice(2)

for (const path of named.length > 0 ? named : globSync(written)) rmSync(path, { recursive: true, force: true })
