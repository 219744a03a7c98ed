/** What a section prints, and what it claims. */

/** Holds when `actual` is at most `most`. */
export type Claim = readonly [name: string, actual: number, most: number]

/** A line of a table. */
export const row = (name: string, ...figures: ReadonlyArray<string | number>): void =>
  console.log(name.padEnd(34) + figures.map((figure) => String(figure).padStart(11)).join(""))

export const millis = (time: number): string => time.toFixed(1)
