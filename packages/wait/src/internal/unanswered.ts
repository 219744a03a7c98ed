/**
 * What the schedule of `Retry.hedge` receives where no error is there: an attempt has started, and has not answered yet.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unanswered {
  readonly _tag: "Unanswered"
}

export const unanswered: Unanswered = { _tag: "Unanswered" }

export const isUnanswered = (input: unknown): input is Unanswered => input === unanswered
