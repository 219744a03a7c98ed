/**
 * Clusters in one process, for specs.
 *
 * @since 0.1.0
 */
export * as LeaseStorage from "./LeaseStorage.ts"
