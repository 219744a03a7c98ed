export * as TestLoop from "./TestLoop.ts"
