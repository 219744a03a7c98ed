import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    name: "cluster",
    include: ["test/**/*.test.ts"],
    // No test waits: this is for machines that stand still.
    testTimeout: 60_000
  }
})
