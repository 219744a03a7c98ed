import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    name: "cli",
    include: ["test/**/*.test.ts"],
    maxConcurrency: 8,
    globalSetup: ["test/bundle.ts"],
    // Real processes, on machines that stand still.
    testTimeout: 60_000
  }
})
