export * as Herd from "./Herd.ts"
export * as TestLoop from "./TestLoop.ts"
