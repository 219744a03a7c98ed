/** `copy`: puts the root's README into a package while it is packed. `remove`: takes it out again. */
import { copyFileSync, existsSync, rmSync } from "node:fs"

const root = new URL("../README.md", import.meta.url)

if (process.argv[2] === "remove") rmSync("README.md", { force: true })
else if (existsSync(root)) copyFileSync(root, "README.md")
