/** Durations as they are written in shells. */
export * from "@effect-wait/documents/Time"
