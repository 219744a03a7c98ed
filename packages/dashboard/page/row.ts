/** A loop in the list. */
import { element, on, set, setText } from "./elements.ts"
import { makeLane } from "./lane.ts"
import type { Known } from "./loops.ts"
import { count, date, last, next } from "./words.ts"

export interface Handlers {
  readonly canAct: boolean
  readonly open: (id: string) => void
  readonly trigger: (id: string) => void
  /** Pauses, or resumes. */
  readonly toggle: (id: string) => void
}

export interface Row {
  readonly id: string
  readonly key: string
  readonly element: HTMLElement
  /** Shows the loop as it is now. Before the first call the row has only the name. */
  readonly show: (known: Known, now: number, laneWidth: number) => void
}

export const makeRow = (id: string, name: string, key: string, handlers: Handlers): Row => {
  const opener = element("button", { type: "button", class: "opener", title: name }, name)
  const state = element("span", { class: "state" })
  const header = element("div", { role: "rowheader", class: "name" }, opener, state)
  const row = element("div", { role: "row", class: "row" }, header)
  on(opener, "click", () => handlers.open(id))

  const fill = () => {
    const lane = makeLane({ hasAxis: false })
    const caption = element("span", { class: "caption", "aria-hidden": "true" })
    const soon = element("div", { role: "cell", class: "next" })
    const before = element("div", { role: "cell", class: "last" })
    const failure = element("div", { role: "cell", class: "failure" })
    const trigger = element("button", { type: "button", "aria-label": `Run now: ${name}` }, "Run now")
    const toggle = element("button", { type: "button", class: "toggle" })
    on(before, "pointerenter", () => set(before, "title", lastEnd === null ? "" : date(lastEnd)))
    on(trigger, "click", () => handlers.trigger(id))
    on(toggle, "click", () => handlers.toggle(id))
    row.append(
      element("div", { role: "cell", class: "runs" }, lane.svg, caption),
      soon,
      before,
      failure,
      ...handlers.canAct ? [element("div", { role: "cell", class: "actions" }, trigger, toggle)] : []
    )
    return { lane, caption, soon, before, failure, trigger, toggle }
  }

  let lastEnd: number | null = null
  let filled: ReturnType<typeof fill> | undefined
  return {
    id,
    key,
    element: row,
    show({ health: { mood, word }, info, runs }, now, laneWidth) {
      const { before, caption, failure, lane, soon, toggle, trigger } = filled ??= fill()
      set(row, "data-mood", mood)
      setText(
        state,
        word + (info.consecutiveFailures > 1 && word === "failing" ? ` \u00d7${info.consecutiveFailures}` : "") +
          (info.missed !== null && info.missed > 0 ? ` \u00b7 ${count(info.missed, "missed", "missed")}` : "") +
          (info.owner === undefined ? "" : ` \u00b7 ${info.owner}`)
      )
      setText(caption, lane.draw(runs, info, now, laneWidth))
      setText(soon, next(info, now))
      setText(before, last({ ...info, history: runs }, now))
      lastEnd = info.lastEnd
      const message = info.storeFailure ?? info.lastFailure ?? ""
      setText(failure, message)
      set(failure, "title", message)
      failure.classList.toggle("past", info.consecutiveFailures === 0 && info.storeFailure === undefined)
      const isPaused = info.state === "paused"
      setText(toggle, isPaused ? "Resume" : "Pause")
      set(toggle, "aria-label", `${isPaused ? "Resume" : "Pause"}: ${name}`)
      const hasEnded = String(info.state === "ended")
      set(toggle, "aria-disabled", hasEnded)
      set(trigger, "aria-disabled", hasEnded)
    }
  }
}
