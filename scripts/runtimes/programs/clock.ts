/** The resolution of the steady clock, and whether it goes on while a program computes. */
export interface Ticking {
  /** The least step seen, in milliseconds; none if it stood still. */
  readonly step: number | null
}

export default async (): Promise<Ticking> => {
  let step = Infinity
  let previous = performance.now()
  // Some 100 ms of work.
  for (let i = 0; i < 1_000_000; i++) {
    const now = performance.now()
    if (now > previous) step = Math.min(step, now - previous)
    previous = now
  }
  return { step: step === Infinity ? null : step }
}
