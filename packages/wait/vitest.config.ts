import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    name: "effect-wait",
    include: ["test/**/*.test.ts"],
    // No spec changes what others share, and Effect takes a while to load.
    isolate: false,
    // No test waits: this is for machines that stand still.
    testTimeout: 60_000
  }
})
