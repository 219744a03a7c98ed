/**
 * A page and an HTTP API for the loops of a service.
 *
 * @since 0.1.0
 */
export * as Dashboard from "./Dashboard.ts"
export * as DashboardApi from "./DashboardApi.ts"
export * as LoopSource from "./LoopSource.ts"
