/** The policies of a document, or what is wrong with it. */
import { type DocumentPolicy, read, type System, systems } from "@effect-wait/documents"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Problem } from "./Program.ts"

/** The systems that a document can be read as; `""` for whatever its keys say. */
export const ways: ReadonlyArray<readonly [value: string, label: string]> = [
  ["", "found by its keys"],
  ...Object.entries(systems)
]

const isSystem = (text: string): text is System => Object.hasOwn(systems, text)

// For those who have no command line.
const plain = (reason: string): string =>
  reason.replace(/: choose with --as .*$/, ": choose what it is read as").replaceAll("--as ", "")

const lineOf = (message: string): number | undefined =>
  Option.getOrUndefined(Option.map(Option.fromNullishOr(/^line (\d+): /.exec(message)?.[1]), Number))

/** Policies whose names are all different. A policy that has none is called by its place among them. */
export const readDocument = (
  text: string,
  as: string
): Result.Result<ReadonlyArray<DocumentPolicy>, ReadonlyArray<Problem>> =>
  text.trim() === ""
    ? Result.fail([{ field: "document", reason: "is empty: paste YAML, JSON, Java's properties or a crontab" }])
    : read(text, isSystem(as) ? { as } : {}).pipe(
      Result.mapError(({ message, problems }) =>
        problems.length === 0
          ? [{ field: "document" as const, reason: `cannot be read: ${plain(message)}`, line: lineOf(message) }]
          : problems.map(({ line, path, reason }) => ({
            field: "document" as const,
            reason: `${path === "" ? "it" : path} ${plain(reason)}`,
            line
          }))
      ),
      Result.map((policies) =>
        policies.map((policy, i) => {
          const name = policy.name === "" ? systems[policy.system] : policy.name
          const before = policies.slice(0, i).filter((other) => other.name === policy.name).length
          return { ...policy, name: before === 0 ? name : `${name} (${before + 1})` }
        })
      )
    )
