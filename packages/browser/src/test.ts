/** Specs of pages: `test("...", async ({ open }) => { const page = await open(url) })`. Skipped where there is no Chromium. */
import type { Browser, Page } from "playwright-core"
import { assert, test as base, type TestAPI } from "vitest"
import { executable, faults, launch, missing, open, type Opened, type View } from "./index.ts"

export type { Page } from "playwright-core"

export interface Fixtures {
  readonly browser: Browser
  readonly open: (url: string, view?: View) => Promise<Page>
}

const path = executable()

// Once a file, whatever the reporter is.
if (path === undefined) console.warn(`${missing}: pages are not tested`)

/**
 * A spec of pages. Its `open` opens an address in a window with storage of its own, which is closed after the spec. The
 * spec fails if anything went wrong in the page.
 */
export const test: ReturnType<TestAPI<Fixtures>["skipIf"]> = base
  // oxlint-disable-next-line no-empty-pattern -- Vitest reads from it that no other fixture is needed.
  .extend("browser", { scope: "file" }, async ({}, { onCleanup }) => {
    if (path === undefined) throw new Error(missing)
    const browser = await launch(path)
    onCleanup(() => browser.close())
    return browser
  })
  .extend("open", ({ browser }, { onCleanup }) => {
    const opened: Array<Opened> = []
    onCleanup(async () => {
      await Promise.all(opened.map(({ page }) => page.context().close()))
      assert.deepStrictEqual(opened.flatMap(({ errors }) => errors), [], "errors in the page")
    })
    return async (url: string, view?: View): Promise<Page> => {
      const one = await open(browser, url, view)
      opened.push(one)
      return one.page
    }
  })
  .skipIf(path === undefined)

/** That axe finds nothing serious. */
export const assertAccessible = async (page: Page): Promise<void> =>
  assert.deepStrictEqual(await faults(page), [], "what axe finds")
