import { configDefaults, defineConfig } from "vitest/config"
import { pages } from "./vitest.pages.config.ts"

export default defineConfig({
  test: { name: "playground", include: ["test/**/*.test.ts"], exclude: [...configDefaults.exclude, ...pages] }
})
