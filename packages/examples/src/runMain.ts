import { Runtime } from "effect"

/** Runs a program whose process ends when nothing is left to do. */
export const runMain = Runtime.makeRunMain(({ fiber, teardown }) =>
  fiber.addObserver((exit) =>
    teardown(exit, (code) => {
      process.exitCode = code
    })
  )
)
