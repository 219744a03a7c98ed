/** What a benchmark hands over: measured values, and what is claimed about them. */

/** One contestant. `values` has one value a round; the rounds of all contestants of a section took turns. */
export interface Series {
  readonly name: string
  readonly values: ReadonlyArray<number>
  /** The least, where it is not the least of the values. */
  readonly least?: number
}

/** A ratio, taken within each round. Its median decides; in a smoke test the ratio of the least of both. */
export interface Claim {
  readonly text: string
  /** Names of series. */
  readonly ours: string
  readonly peer: string
  /** What `ours / peer` may be at most; undefined where it is only stated. */
  readonly atMost?: number | undefined
  /** What it is to be, where that is not reached yet; `atMost` only keeps it from getting worse. */
  readonly aim?: number | undefined
}

/** Measurements of one kind of work. A peer that is not there has no series, and claims about it are skipped. */
export interface Section {
  readonly title: string
  readonly unit: string
  readonly series: ReadonlyArray<Series>
  readonly claims: ReadonlyArray<Claim>
}

/** How much time there is: a smoke test measures less often, not something else. */
export interface Effort {
  readonly smoke: boolean
}
