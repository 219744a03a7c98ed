/** `effect-wait preview --open`: the playground, with the policy at hand. */
import { fromSettings } from "@effect-wait/playground/fromSettings"
import { toHash } from "@effect-wait/playground/Link"
import { serve } from "@effect-wait/playground/serve"
import { defaults, type State } from "@effect-wait/playground/State"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { execFileSync, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type Asked, textOf } from "./Document.ts"
import { misused, settingsOf } from "./options.ts"
import type { Settings } from "./Preview.ts"
import { write } from "./Time.ts"

const stateOf = Effect.fnUntraced(function*({ as, policy: [file, ...others], ...waits }: Asked) {
  const settings = yield* settingsOf(waits)
  if (file === undefined) {
    const state = settings && fromSettings(settings)
    return state ??
      (yield* misused("There is nothing to open. Expected: --backoff, --interval, --period, --cron, or --policy FILE"))
  }
  if (settings !== undefined || others.length > 0) return yield* misused("--open shows one policy, or one --policy")
  const state: State = { ...defaults, source: "document", document: yield* textOf(file), as: as ?? "" }
  return state
})

// It stands beside the bundled bin. In this repository it is built first.
const folder = Effect.sync(() => {
  const bundled = fileURLToPath(new URL("./playground", import.meta.url))
  if (existsSync(bundled)) return bundled
  const source = fileURLToPath(new URL("../../playground", import.meta.url))
  execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", `${source}/build.ts`, `${source}/dist/page`])
  return `${source}/dist/page`
})

/** What opens an address; undefined where there is no screen. */
const openers = ({ DISPLAY, WAYLAND_DISPLAY }: NodeJS.ProcessEnv): ReadonlyArray<string> | undefined => {
  switch (process.platform) {
    case "darwin":
      return ["open"]
    case "win32":
      return ["rundll32", "url.dll,FileProtocolHandler"]
    default:
      return (DISPLAY ?? WAYLAND_DISPLAY ?? "") === "" ? undefined : ["xdg-open"]
  }
}

const openBrowser = (address: string) =>
  Effect.sync(() => {
    const [command, ...args] = openers(process.env) ?? []
    if (command === undefined) return
    // Where there is none, the address has been printed.
    spawn(command, [...args, address], { stdio: "ignore", detached: true }).on("error", () => {}).unref()
  })

/** Serves the page until the process is ended. */
export const open = Effect.fnUntraced(function*({ from, work, ...asked }: Asked & Settings) {
  const state = yield* stateOf(asked)
  const { url } = yield* Effect.flatMap(folder, (folder) => Effect.promise(() => serve(folder)))
  const hash = toHash({
    ...state,
    work: write(work),
    from: from === undefined ? "" : DateTime.formatIso(DateTime.makeUnsafe(from))
  })
  yield* Console.log(`The playground is at ${url}#${hash} (Ctrl-C ends it)`)
  yield* openBrowser(`${url}#${hash}`)
  return yield* Effect.never
})
