import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    name: "effect-wait",
    include: ["test/**/*.test.ts"]
  }
})
