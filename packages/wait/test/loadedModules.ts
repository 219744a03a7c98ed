/** Prints the modules that an import loads. A test runs it, since it needs a process that has loaded none. */
import { registerHooks } from "node:module"

const urls: Array<string> = []
registerHooks({
  load(url, context, next) {
    urls.push(url)
    return next(url, context)
  }
})
await import(process.argv[2]!)
console.log(JSON.stringify(urls))
