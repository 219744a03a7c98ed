import type { Result } from "./report.ts"
export const draw = (results: ReadonlyArray<Result>): string => String(results.length)
