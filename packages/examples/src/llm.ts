/**
 * The API of a language model: it throttles (429), is overloaded (529), and streams its answer, which may break off.
 *
 * An answer is of use only as a whole, and to ask again changes nothing on the server: so the request is idempotent, although it is a POST,
 * and a broken stream is retried from its beginning. What was shown of it is taken back by `onAgain`.
 */
import { Effect, Option, Schema, Stream } from "effect"
import { Backoff, Jitter, Limit, type RetryBudget } from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import { type HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"

/** The stream ended, or stood still, before the answer did. */
export class Incomplete extends Schema.TaggedError<Incomplete>()("Incomplete", { message: Schema.String }) {}

/** The server says in the stream that it cannot go on. */
export class Overloaded extends Schema.TaggedError<Overloaded>()("Overloaded", { message: Schema.String }) {}

const Event = Schema.fromJsonString(Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }),
  Schema.Struct({ type: Schema.Literal("error"), message: Schema.String }),
  Schema.Struct({ type: Schema.Literal("done") })
]))

const decode = Schema.decodeEffect(Event)

/**
 * - `onText`: a part of the answer has come
 * - `onAgain`: the parts so far are void, it starts again
 */
export interface Listener {
  readonly onText: (text: string) => Effect.Effect<void>
  readonly onAgain: Effect.Effect<void>
}

/** Reads the events, and fails unless the last of them says that the answer is complete. */
const read = ({ onText }: Listener) =>
  Effect.fnUntraced(function*(response: HttpClientResponse.HttpClientResponse) {
    const { stream } = yield* HttpClientResponse.filterStatusOk(response)
    let answer = ""
    let isComplete = false
    yield* stream.pipe(
      // Between two parts: a stream that stands still ends here.
      Stream.timeout("10 seconds"),
      Stream.decodeText(),
      Stream.splitLines,
      Stream.filter((line) => line.startsWith("data: ")),
      Stream.mapEffect((line) => decode(line.slice("data: ".length))),
      Stream.runForEach(Effect.fnUntraced(function*(event) {
        if (event.type === "error") return yield* new Overloaded({ message: event.message })
        if (event.type === "done") {
          isComplete = true
          return
        }
        answer += event.text
        yield* onText(event.text)
      }))
    )
    return isComplete ? answer : yield* new Incomplete({ message: `after ${answer.length} characters` })
  })

const schedule = Backoff.exponential({ base: "1 second", cap: "30 seconds" }).pipe(
  Jitter.full,
  Limit.attempts(6),
  Limit.within("3 minutes")
)

type Failure = HttpClientError.HttpClientError | Incomplete | Overloaded | Schema.SchemaError

/** The answer to a prompt. */
export const complete = (
  url: string,
  prompt: string,
  listener: Listener
): Effect.Effect<string, Failure, HttpClient.HttpClient | RetryBudget.RetryBudget> =>
  HttpClientRequest.post(url).pipe(
    HttpClientRequest.bodyJsonUnsafe({ prompt, stream: true }),
    HttpRetry.request(read(listener), schedule, {
      name: "llm",
      statuses: [...HttpRetry.statuses, 529],
      isIdempotent: () => true,
      isTransient: (error) => error._tag === "Incomplete" || error._tag === "Overloaded",
      // Limits by the minute are common.
      hint: { max: "90 seconds" },
      budget: "host",
      onRetry: ({ attempt, error }) =>
        Effect.andThen(Effect.logWarning(`attempt ${attempt}: ${error.message}`), listener.onAgain)
    })
  )

/** The status that a failure came with, if it did. */
export const statusOf = (failure: Failure): Option.Option<number> =>
  Option.fromUndefinedOr(
    HttpClientError.isHttpClientError(failure) ? failure.response?.status : undefined
  )
