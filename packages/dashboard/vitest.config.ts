import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    name: "dashboard",
    include: ["test/**/*.test.ts"],
    // Real browsers, on machines that stand still.
    testTimeout: 60_000
  }
})
