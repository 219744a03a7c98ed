/** The schedule between runs, and its options on the command line. */
export { toOptions } from "@effect-wait/documents/options"
export * from "@effect-wait/documents/Policy"
