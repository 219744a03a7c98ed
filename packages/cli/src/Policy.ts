/** What is followed between runs, and how one asks for it on the command line. */
export { toOptions } from "@effect-wait/documents/options"
export * from "@effect-wait/documents/Policy"
