/** Screenshots of the pages, for the docs. */
import { executable, launch, missing, open, screenshot, type View } from "@effect-wait/browser"
import { build } from "@effect-wait/playground/build"
import { toHash } from "@effect-wait/playground/Link"
import { serve } from "@effect-wait/playground/serve"
import { defaults, type State } from "@effect-wait/playground/State"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const overrun: Partial<State> = {
  kind: "ticker",
  period: "1s",
  jitter: "none",
  attempts: "",
  work: "300ms",
  slow: "2.3s"
}

const narrow = { width: 390, height: 1290 }

/** Of the window, or of the element with this selector. */
const pictures: ReadonlyArray<readonly [file: string, state: Partial<State>, view: View, selector?: string]> = [
  ["playground", {}, { width: 1280, height: 940 }],
  ["playground-dark", {}, { width: 1280, height: 940, scheme: "dark" }],
  ["playground-narrow", overrun, narrow],
  ["playground-narrow-dark", overrun, { ...narrow, scheme: "dark" }],
  ["playground-crowd", {}, { width: 1280 }, "section:has(#crowd-picture)"],
  ["playground-crowd-dark", {}, { width: 1280, scheme: "dark" }, "section:has(#crowd-picture)"]
]

const path = executable()
if (path === undefined) {
  console.log(`${missing}: docs/pictures/playground*.png stay as they are`)
  process.exit(0)
}
const folder = mkdtempSync(join(tmpdir(), "effect-wait-pictures-"))
await build(folder)
const { server, url } = await serve(folder)
const browser = await launch(path)
for (const [file, state, view, selector] of pictures) {
  const { errors, page } = await open(browser, `${url}#${toHash({ ...defaults, ...state })}`, view)
  await page.locator("#crowd-picture svg").waitFor()
  if (errors.length > 0) throw new Error(errors.join("\n"))
  await screenshot(page, `docs/pictures/${file}.png`, selector)
}
await browser.close()
server.close()
server.closeAllConnections()
rmSync(folder, { recursive: true })
