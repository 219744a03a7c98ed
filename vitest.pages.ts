import { defineConfig } from "vitest/config"

/** The specs of pages, in a real browser: one at a time, since some measure how long a page takes. */
export default defineConfig({ test: { projects: ["packages/*/vitest.pages.config.ts"], fileParallelism: false } })
