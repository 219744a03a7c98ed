/** `pnpm playground [port]`: builds the page, serves it, and prints its address. */
import { join } from "node:path"
import { build } from "./build.ts"
import { serve } from "./serve.ts"

const folder = join(import.meta.dirname, "dist/page")
await build(folder)
const { url } = await serve(folder, Number(process.argv[2] ?? 0))
console.log(`The playground is at ${url} (Ctrl-C ends it)`)
