/** A browser that is installed here: pages opened in it, looked over, and photographed. */
import axe from "axe-core"
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { type Browser, chromium, type Page } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
const applications = ["Chromium", "Google Chrome"].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`)

/** The program of Chromium or Chrome: `CHROMIUM` in the environment, or one of the usual names. */
export const executable = (): string | undefined => {
  const { CHROMIUM, PATH = "" } = process.env
  const folders = PATH.split(delimiter)
  return [
    ...CHROMIUM === undefined ? [] : [CHROMIUM],
    ...names.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...applications
  ].find((path) => existsSync(path))
}

/** What to say where there is none. */
export const missing = "no Chromium is installed here (apt-get install chromium)"

export const launch = (executablePath: string): Promise<Browser> =>
  // A container has too little shared memory for Chromium, which then uses a folder instead.
  chromium.launch({ executablePath, args: ["--disable-dev-shm-usage", "--font-render-hinting=none"] })

export interface View {
  /** In pixels; default 1280 x 800. */
  readonly width?: number | undefined
  readonly height?: number | undefined
  /** Default `"light"`. */
  readonly scheme?: "light" | "dark" | undefined
  /** How many pixels of the screen are one of the page; default 1. */
  readonly scale?: number | undefined
  /** The system chooses the colours, as in Windows' contrast themes; default false. */
  readonly forcedColors?: boolean | undefined
  /** Default true. */
  readonly script?: boolean | undefined
  readonly permissions?: ReadonlyArray<"clipboard-read" | "clipboard-write"> | undefined
}

/** A page, and what went wrong in it: errors on its console, errors that nobody caught, files that were not found. */
export interface Opened {
  readonly page: Page
  readonly errors: ReadonlyArray<string>
}

/** Opens an address in a new window with storage of its own. */
export const open = async (browser: Browser, url: string, view: View = {}): Promise<Opened> => {
  const {
    forcedColors = false,
    height = 800,
    permissions = [],
    scale = 1,
    scheme = "light",
    script = true,
    width = 1280
  } = view
  const context = await browser.newContext({
    colorScheme: scheme,
    deviceScaleFactor: scale,
    forcedColors: forcedColors ? "active" : "none",
    javaScriptEnabled: script,
    locale: "en-GB",
    permissions: [...permissions],
    // A screenshot that is taken again shows the same.
    reducedMotion: "reduce",
    timezoneId: "UTC",
    viewport: { width, height }
  })
  // Of a machine that stands still.
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  const errors: Array<string> = []
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text())
  })
  page.on("pageerror", (error) => errors.push(error.stack ?? error.message))
  await page.goto(url)
  return { page, errors }
}

/** A fault of a page by the rules of WCAG, and where it is. */
export interface Fault {
  readonly impact: string
  readonly rule: string
  readonly help: string
  readonly at: ReadonlyArray<string>
}

/** The serious and the critical faults that axe finds. */
export const faults = async (page: Page): Promise<ReadonlyArray<Fault>> => {
  // Not a script element: a page may forbid those in its Content-Security-Policy.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { readonly axe: typeof axe }).axe.run({ resultTypes: ["violations"] })
  )
  return violations.flatMap(({ help, id, impact, nodes }) =>
    impact === "serious" || impact === "critical"
      ? [{ impact, rule: id, help, at: nodes.map(({ target }) => target.join(" ")) }]
      : []
  )
}

/** Writes what is seen of a page to a PNG file; or the element with this selector, and a margin around it. */
export const screenshot = async (page: Page, path: string, selector?: string): Promise<void> => {
  const margin = 24
  const box = selector === undefined ? null : await page.locator(selector).boundingBox()
  const clip = box === null ? {} : {
    fullPage: true,
    clip: {
      x: Math.max(0, box.x - margin),
      y: Math.max(0, box.y - margin),
      width: box.width + 2 * margin,
      height: box.height + 2 * margin
    }
  }
  await page.screenshot({ animations: "disabled", caret: "hide", path, ...clip })
}
