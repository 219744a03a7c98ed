import { defineConfig } from "vitest/config"

export default defineConfig({ test: { name: "draw", isolate: false, include: ["test/**/*.test.ts"] } })
