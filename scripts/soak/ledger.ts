/** What a loop owes: its runs and answers are held against the rule of its Period. */
import { Option } from "effect"
import type { Loop } from "effect-wait"

/** What is counted over all loops. */
export const makeTotals = () => ({
  loops: 0,
  runs: 0,
  failures: 0,
  /** Triggers; those that made a run of their own; that shared one; and that came when no run could begin any more. */
  triggers: 0,
  own: 0,
  shared: 0,
  void: 0,
  /** Slots with a run, and without. */
  served: 0,
  missed: 0,
  /** Runs that nobody wanted, and that came late or never. */
  unwanted: 0,
  late: 0,
  answers: 0,
  wrongAnswers: 0,
  wrongEnds: 0
})

export type Totals = ReturnType<typeof makeTotals>

interface Book {
  readonly interval: number
  /** When the first run started, and the last one. */
  first: number
  start: number
  /** When the run for the slot is due. */
  planned: number
  /** The slot that comes next, where there are slots; at first the one that the first run stands for. */
  slot: number
  /** How many slots came since, and how many of them had a run. */
  slots: number
  served: number
}

/** When the next run is due, at the end of a run. */
export type Rule = (book: Book, now: number) => number

export const sinceEnd: Rule = ({ interval }, now) => now + interval

export const sinceStart: Rule = ({ interval, start }, now) => Math.max(now, start + interval)

/**
 * `upcoming` rounds to the slot that may come next; `origin` is the time of slot 0, by default the first start; `stretch` is
 * what something else multiplies the delays by.
 */
export const slots = (upcoming: (slot: number) => number, options: {
  readonly origin?: number
  readonly stretch?: number
} = {}): Rule =>
(book, now) => {
  const { first, interval, planned, start } = book
  const origin = options.origin ?? first
  if (Number.isNaN(book.slot)) book.slot = Math.floor((first - origin) / interval)
  const isServed = start >= planned // a run before that is one more
  const next = Math.max(isServed ? book.slot + 1 : book.slot, upcoming((now - origin) / interval))
  if (isServed) book.served++
  book.slots += next - book.slot
  book.slot = next
  book.planned = Math.max(now, origin + (next - 1 + (options.stretch ?? 1)) * interval)
  return book.planned
}

/** The ledger of one loop, whose first run is due at `due`. `backoff` is the delay after so many errors in a row. */
export const makeLedger = (totals: Totals, rule: Rule, { backoff, due, interval }: {
  readonly interval: number
  readonly due: number
  readonly backoff: (errors: number) => number
}) => {
  const book: Book = { interval, first: NaN, start: NaN, planned: -Infinity, slot: NaN, slots: 0, served: 0 }
  let state: Loop.Status["state"] = "waiting"
  let end = -Infinity
  let asked = Infinity // when it was triggered, if no run has begun since
  let over = Infinity // since when no run may begin
  let runs = 0
  let failures = 0
  let consecutiveFailures = 0
  let errors = 0
  const wanted = () => Math.min(due, Math.max(asked, end))
  totals.loops++

  return {
    begins(now: number) {
      totals.runs++
      runs++
      if (over !== Infinity || state !== "waiting" || now < wanted()) totals.unwanted++
      if (now > wanted()) totals.late++
      if (asked !== Infinity) totals[due > now ? "own" : "shared"]++
      if (runs === 1) book.first = now
      book.start = now
      state = "running"
      asked = Infinity
    },
    ends(now: number, outcome: "fine" | "survived" | "error" | "fatal") {
      state = "waiting"
      end = now
      if (outcome === "fatal") over = now
      const isFine = outcome === "fine"
      if (!isFine) {
        totals.failures++
        failures++
      }
      consecutiveFailures = isFine ? 0 : consecutiveFailures + 1
      errors = outcome === "error" ? errors + 1 : 0
      due = over !== Infinity ? Infinity : outcome === "error" ? now + backoff(errors) : rule(book, now)
    },
    triggered(now: number) {
      totals.triggers++
      if (state === "ended") totals.void++
      else if (asked === Infinity) asked = now
      else totals.shared++
    },
    /** The loop is told to end: at once, or with the run in flight. */
    ending(now: number) {
      over = now
    },
    ended(now: number) {
      if (now !== (state === "running" ? over : Math.max(over, end))) totals.wrongEnds++
      if (state === "waiting" && wanted() < now) totals.late++
      if (asked !== Infinity) totals.void++
      totals.served += book.served
      totals.missed += book.slots - book.served
      state = "ended"
      asked = Infinity
    },
    answered(status: Loop.Status, now: number) {
      const isRight = status.state === state && status.runs === runs && status.failures === failures &&
        status.consecutiveFailures === consecutiveFailures &&
        (state === "ended" || status.missed === book.slots - book.served) &&
        Option.getOrElse(status.nextStart, () => Infinity) === (state === "waiting" ? Math.max(now, due) : Infinity)
      totals.answers++
      if (!isRight) totals.wrongAnswers++
    }
  }
}
