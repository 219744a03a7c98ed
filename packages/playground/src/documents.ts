/** The policies of a document, or what is wrong with it. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { fromText, type Named } from "../../cli/src/Document.ts"
import type { Problem } from "./Program.ts"

export type { Named } from "../../cli/src/Document.ts"

export const readDocument = (text: string): Result.Result<ReadonlyArray<Named>, ReadonlyArray<Problem>> =>
  Effect.runSync(Effect.result(
    Effect.mapError(fromText("policy.yaml", text), ({ message, problems }): ReadonlyArray<Problem> =>
      problems.length === 0
        ? [{ field: "document", reason: message }]
        : problems.map(({ path, reason }) => ({ field: "document", reason: `${path} ${reason}` })))
  ))
