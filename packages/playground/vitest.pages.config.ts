import { defineConfig } from "vitest/config"

/** The specs that need a browser. */
export const pages = ["controls", "copied", "cost", "documents", "everywhere", "links", "page"].map((name) =>
  `test/${name}.test.ts`
)

export default defineConfig({
  test: {
    name: "playground",
    include: pages,
    globalSetup: ["test/site.ts"],
    // A real browser, on machines that stand still.
    testTimeout: 120_000,
    retry: 1
  }
})
