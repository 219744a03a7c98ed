/** The loops of the memory trial, and what its runners are given. */
export type Settings =
  & { readonly file: string }
  & ({ readonly url: string; readonly port: number } | { readonly folder: string })

/** Days, hours and minutes of the trial are shorter: a minute is two seconds. */
export const loops = {
  hourly: { period: 6000, missed: "all" },
  daily: { period: 10_000, missed: "one" },
  lax: { period: 3000, missed: "skip" },
  ticker: { period: 2000, missed: "all" },
  nonSliding: { period: 4000, missed: undefined },
  sliding: { period: 3000, missed: undefined },
  guarded: { period: 1000, missed: "all" }
} as const
