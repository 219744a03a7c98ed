/** Everything about one loop. */
import { element, on, set, setText } from "./elements.ts"
import { makeLane } from "./lane.ts"
import type { Known } from "./loops.ts"
import { ago, date, digits, missedSlots, nameOf, next, took } from "./words.ts"

export interface DetailHandlers {
  readonly canAct: boolean
  readonly canStop: boolean
  readonly trigger: (id: string) => void
  readonly toggle: (id: string) => void
  readonly stop: (id: string) => void
  readonly closed: () => void
}

const moment = (millis: number | null, now: number): string =>
  millis === null ? "never" : `${ago(millis, now)} (${date(millis)})`

export interface Details {
  readonly open: (id: string) => void
  readonly close: () => void
  readonly current: () => string | undefined
  readonly show: (known: Known | undefined, now: number) => void
}

export const makeDetails = (handlers: DetailHandlers): Details => {
  let current: string | undefined
  // A stop is final, so it takes two clicks.
  let isSure = false

  const title = element("h2", { id: "details-title" })
  const close = element("button", { type: "button", class: "close", "aria-label": "Close" }, "\u00d7")
  const state = element("p", { class: "state" })
  const failure = element("p", { class: "failure" })
  const lane = makeLane({ hasAxis: true })
  const picture = element("div", { class: "picture" }, lane.svg)
  const facts = element("dl")
  const rows = element("tbody")
  const table = element(
    "table",
    {},
    element("caption", {}, "Last runs"),
    element(
      "thead",
      {},
      element("tr", {}, ...["Run", "Started", "Took", "Result"].map((name) => element("th", { scope: "col" }, name)))
    ),
    rows
  )
  const trigger = element("button", { type: "button", class: "primary" }, "Run now")
  const toggle = element("button", { type: "button" })
  const stop = element("button", { type: "button", class: "stop" })
  const dialog = element(
    "dialog",
    { class: "details", "aria-labelledby": "details-title" },
    element("header", {}, title, close),
    state,
    failure,
    picture,
    ...handlers.canAct
      ? [element("div", { class: "buttons" }, trigger, toggle, ...handlers.canStop ? [stop] : [])]
      : [],
    facts,
    table
  )
  document.body.append(dialog)

  const withCurrent = (f: (id: string) => void) => () => {
    if (current !== undefined) f(current)
  }
  on(close, "click", () => dialog.close())
  on(dialog, "click", (event) => {
    if (event.target === dialog) dialog.close()
  })
  on(dialog, "close", () => {
    current = undefined
    handlers.closed()
  })
  on(trigger, "click", withCurrent(handlers.trigger))
  on(toggle, "click", withCurrent(handlers.toggle))
  on(
    stop,
    "click",
    withCurrent((id) => {
      if (isSure) handlers.stop(id)
      isSure = !isSure
      setText(stop, isSure ? "Stop until the service restarts?" : "Stop")
    })
  )
  on(stop, "blur", () => {
    isSure = false
    setText(stop, "Stop")
  })

  const factNodes = new Map<string, HTMLElement>()
  const fact = (name: string, value: string) => {
    let node = factNodes.get(name)
    if (node === undefined) {
      node = element("dd")
      factNodes.set(name, node)
      facts.append(element("div", {}, element("dt", {}, name), node))
    }
    setText(node, value)
  }

  let shownRuns = ""
  const showRuns = ({ info, runs }: Known, now: number) => {
    const last = runs.at(-1)
    const key = `${info.id} ${last?.start} ${last?.missed} ${Math.floor(now / 5000)}`
    if (key === shownRuns) return
    shownRuns = key
    rows.replaceChildren(
      ...runs.toReversed().map((run) =>
        element(
          "tr",
          run.failure === null ? {} : { class: "failed" },
          element("td", {}, run.attempt === null ? "" : String(run.attempt)),
          element("td", { title: date(run.start) }, ago(run.start, now)),
          element("td", {}, took(run)),
          element(
            "td",
            {},
            (run.failure ?? "ok") + (run.missed === undefined ? "" : ` \u00b7 ${missedSlots(run.missed)}`)
          )
        )
      )
    )
  }

  return {
    current: () => current,
    close: () => dialog.close(),
    open(id) {
      current = id
      isSure = false
      setText(stop, "Stop")
      if (!dialog.open) dialog.showModal()
    },
    show(known, now) {
      if (known === undefined) return dialog.close()
      const { health: { mood, word }, info, runs } = known
      setText(title, nameOf(info))
      set(title, "title", info.name)
      set(dialog, "data-mood", mood)
      setText(state, word)
      setText(failure, info.storeFailure ?? info.lastFailure ?? "")
      failure.hidden = failure.textContent === ""
      failure.classList.toggle("past", info.consecutiveFailures === 0 && info.storeFailure === undefined)
      lane.draw(runs, info, now, Math.max(200, picture.clientWidth))
      fact("Next run", info.nextStart === null ? next(info, now) : `${next(info, now)} (${date(info.nextStart)})`)
      fact("Last start", moment(info.lastStart, now))
      fact("Last success", moment(info.lastSuccess, now))
      if (info.owner !== undefined) fact("Owner", info.owner)
      if (info.runs !== null) fact("Runs", digits(info.runs))
      if (info.failures !== null) {
        fact(
          "Failures",
          digits(info.failures) +
            (info.consecutiveFailures > 0 ? `, ${info.consecutiveFailures} in a row` : "")
        )
      }
      if (info.missed !== null) fact("Missed slots", digits(info.missed))
      fact("Id", info.id)
      setText(toggle, info.state === "paused" ? "Resume" : "Pause")
      for (const button of [trigger, toggle, stop]) set(button, "aria-disabled", String(info.state === "ended"))
      showRuns(known, now)
    }
  }
}
