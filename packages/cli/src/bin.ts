#!/usr/bin/env node
/** The bin. Where Node can keep what it has compiled, the next start is faster. */
import module from "node:module"

if ("enableCompileCache" in module) module.enableCompileCache()

await import("./main.ts")
