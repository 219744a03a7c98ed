import { defineConfig } from "vitest/config"

// A browser starts within a second, on a machine that stands still much later.
export default defineConfig({ test: { name: "browser", include: ["test/**/*.test.ts"], testTimeout: 60_000 } })
