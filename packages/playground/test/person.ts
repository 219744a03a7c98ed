/** What a person sees on the page. */
import type { Page } from "@effect-wait/browser/test"
import { inject } from "vitest"
import { toHash } from "../src/Link.ts"
import { defaults, type State } from "../src/State.ts"

/** The address of the page in this state. */
export const linkTo = (changes: Partial<State> = {}): string =>
  `${inject("url")}#${toHash({ ...defaults, ...changes })}`

/** Goes on with another state, as a link to it in the page would. */
export const show = (page: Page, changes: Partial<State>): Promise<void> =>
  page.evaluate((hash) =>
    new Promise((resolve) => {
      addEventListener("hashchange", () => resolve(), { once: true })
      // The address may not yet follow the last change: it has to be another one.
      location.hash = `${hash}&at=${performance.now()}`
    }), new URL(linkTo(changes)).hash)

export const code = (page: Page): Promise<string> => page.locator("#code").innerText()

export const ending = (page: Page): Promise<string> => page.locator("#ending").innerText()

/** The cells of the table, without its first column. */
export const table = (page: Page): Promise<ReadonlyArray<ReadonlyArray<string>>> =>
  page.locator("#table tr").evaluateAll((rows) =>
    rows.map((row) => Array.from(row.querySelectorAll("td"), ({ textContent }) => textContent))
  )

/** When the runs start, in milliseconds. */
export const starts = async (page: Page): Promise<ReadonlyArray<number>> =>
  (await table(page)).map(([, start = ""]) => Number(start.replaceAll(",", "")))

/** A picture, as it is drawn. */
export const picture = (page: Page, name: "runs" | "delays" | "crowd"): Promise<string> =>
  page.locator(`#${name}-picture`).innerHTML()

/** Types a text over the one that stands there, or chooses an option by its name. */
export const set = async (page: Page, label: string, value: string): Promise<void> => {
  const control = page.getByLabel(label, { exact: true })
  const tag = await control.evaluate(({ tagName }) => tagName)
  if (tag === "SELECT") await control.selectOption({ label: value })
  else await control.fill(value)
}
