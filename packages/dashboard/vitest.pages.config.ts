import { defineConfig } from "vitest/config"

/** The specs that need a browser. */
export const pages = ["load", "page"].map((name) => `test/${name}.test.ts`)

export default defineConfig({
  test: {
    name: "dashboard",
    include: pages,
    // Real browsers, on machines that stand still.
    testTimeout: 60_000,
    retry: 1
  }
})
