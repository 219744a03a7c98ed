import { defineConfig } from "vitest/config"

export default defineConfig({ test: { name: "draw", include: ["test/**/*.test.ts"] } })
