import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    name: "playground",
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/site.ts"],
    // A real browser, on machines that stand still.
    testTimeout: 120_000
  }
})
