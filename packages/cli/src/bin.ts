#!/usr/bin/env node
/** The bin. If Node can cache its compiled code, the next start is faster. */
import module from "node:module"

if ("enableCompileCache" in module) module.enableCompileCache()

await import("./main.ts")
