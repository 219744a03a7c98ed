/** The page of the dashboard. */
import type { Changes, Loops } from "../src/DashboardApi.ts"
import type { Action } from "../src/LoopSource.ts"
import { makeActions, type Scheme } from "./actions.ts"
import { connect } from "./connection.ts"
import { makeDetails } from "./details.ts"
import { element, on, set, setText } from "./elements.ts"
import { type Known, makeLoops } from "./loops.ts"
import { makeRow, type Row } from "./row.ts"
import { type Filter, filterNames, filters, nameOf, shortName } from "./words.ts"

const { actions: scheme = "none", api = "api" } = document.body.dataset
const canAct = scheme !== "none"
const pageTitle = document.title
const loops = makeLoops()
const control = makeActions(api, scheme as Scheme)

// The frame of the page.

const status = element("p", { class: "connection", role: "status" }, "Connecting")
const search = element("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter by name" })
const chips = new Map(
  filterNames.map((name) => {
    const number = element("b", {}, "0")
    const chip = element(
      "button",
      { type: "button", class: `chip ${name}`, "aria-pressed": String(name === "all") },
      `${name} `,
      number
    )
    return [name, { chip, number }] as const
  })
)
const titles = ["Loop", "Last runs", "Next run", "Last run", "Last failure", ...canAct ? ["Actions"] : []]
const body = element("div", { role: "rowgroup", class: "body" })
const list = element(
  "div",
  { role: "table", class: canAct ? "list" : "list reading", "aria-label": "Loops" },
  element(
    "div",
    { role: "rowgroup", class: "head" },
    element(
      "div",
      { role: "row", class: "row" },
      ...titles.map((title) => element("div", { role: "columnheader" }, title))
    )
  ),
  body
)
const empty = element("p", { class: "empty" })
const toast = element("p", { class: "toast", role: "status" })
document.body.replaceChildren(
  element(
    "header",
    { class: "top" },
    element("h1", {}, pageTitle),
    status,
    element(
      "div",
      { class: "filters", role: "group", "aria-label": "Filters" },
      ...Array.from(chips.values(), ({ chip }) => chip)
    ),
    search
  ),
  element("main", {}, list, empty),
  toast
)

// Rows, in the order of their names. A row is drawn while it is near what is seen.

const rows = new Map<string, Row>()
const visible = new Set<string>()
const sorted: Array<Row> = []
let filter: Filter = "all"
let wanted = ""
let shown = 0
let laneWidth = 220

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    const id = (target as HTMLElement).dataset["id"] ?? ""
    if (!isIntersecting) visible.delete(id)
    else if (!visible.has(id)) {
      visible.add(id)
      schedule([id])
    }
  }
}, { rootMargin: "300px" })

const placeOf = (key: string): number => {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (sorted[middle]!.key < key) from = middle + 1
    else to = middle
  }
  return from
}

const addRow = (id: string, { info, key }: Known): Row => {
  const row = makeRow(id, nameOf(info), key, handlers)
  const place = placeOf(key)
  row.element.dataset["id"] = id
  body.insertBefore(row.element, sorted[place]?.element ?? null)
  sorted.splice(place, 0, row)
  rows.set(id, row)
  shown++
  observer.observe(row.element)
  return row
}

const removeRow = (id: string) => {
  const row = rows.get(id)
  if (row === undefined) return
  observer.unobserve(row.element)
  row.element.remove()
  sorted.splice(placeOf(row.key), 1)
  rows.delete(id)
  visible.delete(id)
  if (!row.element.hidden) shown--
}

const sift = ({ element, id }: Row) => {
  const known = loops.known.get(id)
  const isHidden = known === undefined || !filters[filter](known.health) ||
    (wanted !== "" && !known.info.name.toLowerCase().includes(wanted))
  if (element.hidden === isHidden) return
  element.hidden = isHidden
  shown += isHidden ? -1 : 1
}

const showEmpty = () => {
  list.hidden = shown === 0
  empty.hidden = shown > 0 || dirty.size > 0
  setText(
    empty,
    rows.size > 0
      ? "No loop matches the filter."
      : "No loops yet. Loop.layer and Loop.forkScoped with a name are listed here."
  )
}

const applyFilter = () => {
  wanted = search.value.trim().toLowerCase()
  sorted.forEach(sift)
  showEmpty()
}

const showNumbers = () => {
  for (const [name, { chip, number }] of chips) {
    setText(number, String(loops.numbers[name]))
    chip.classList.toggle("none", loops.numbers[name] === 0)
  }
  const { failing } = loops.numbers
  document.title = failing === 0 ? pageTitle : `(${failing} failing) ${pageTitle}`
}

// Changes are drawn once a frame, whatever their number.

const dirty = new Set<string>()
let hasNews = false

/** For how many milliseconds a frame makes and draws rows; the next frame goes on. The browser takes as long for their layout. */
const budget = 4

const flush = () => {
  hasNews = false
  const start = performance.now()
  const now = loops.now()
  for (const id of dirty) {
    if (performance.now() - start > budget) break
    dirty.delete(id)
    const known = loops.known.get(id)
    if (known === undefined) {
      removeRow(id)
      continue
    }
    const row = rows.get(id) ?? addRow(id, known)
    sift(row)
    if (visible.has(id)) row.show(known, now, laneWidth)
  }
  showEmpty()
  showDetails(now)
  openFromAddress()
  schedule([])
}

const schedule = (ids: Iterable<string>) => {
  for (const id of ids) dirty.add(id)
  if (hasNews || dirty.size === 0) return
  hasNews = true
  requestAnimationFrame(flush)
}

const placeInList = (id: string): string => loops.known.get(id)?.key ?? ""

const receive = (event: Loops | Changes) => {
  const { changed, removed } = loops.receive(event)
  const why = event._tag === "Changes" ? event.unavailable : undefined
  set(status, "data-state", why === undefined ? "live" : "lost")
  setText(status, why === undefined ? "Live" : `Not up to date: ${why}`)
  // Of two processes, the same id may be two loops.
  removed.forEach(removeRow)
  // A tab in the background has no frames, but a title.
  showNumbers()
  // In their order, so that the rows of a new page are added at its end.
  schedule(
    event._tag === "Changes" ? changed : changed.toSorted((a, b) => placeInList(a) < placeInList(b) ? -1 : 1)
  )
  showEmpty()
}

// Actions.

let toastTimer: ReturnType<typeof setTimeout> | undefined
const say = (text: string) => {
  setText(toast, text)
  toast.classList.add("shown")
  clearTimeout(toastTimer)
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 6000)
}

const done: { readonly [A in Action]: string } = {
  trigger: "run requested",
  pause: "paused",
  resume: "resumed",
  stop: "stops after the run in flight"
}

const act = async (id: string, action: Action) => {
  const info = loops.known.get(id)?.info
  if (info === undefined || info.state === "ended") return
  const outcome = await control(id, action, loops.instance())
  if (outcome._tag === "Refused") say(`${shortName(info)}: ${outcome.reason}`)
  if (outcome._tag !== "Done") return
  say(`${shortName(info)}: ${done[action]}`)
  // What the stream sent meanwhile may be newer than the answer.
  if (loops.known.get(id)?.info !== info) return
  loops.put({ ...outcome.info, history: [] })
  showNumbers()
  schedule([id])
}

const trigger = (id: string) => void act(id, "trigger")
const stop = (id: string) => void act(id, "stop")
const toggle = (id: string) => void act(id, loops.known.get(id)?.info.state === "paused" ? "resume" : "pause")

// The loop whose details are open is in the address, so that it can be sent as a link.

const details = makeDetails({
  canAct,
  canStop: document.body.dataset["stop"] === "true",
  trigger,
  toggle,
  stop,
  closed: () => history.replaceState(null, "", location.pathname + location.search)
})

const showDetails = (now: number) => {
  const id = details.current()
  if (id !== undefined) details.show(loops.known.get(id), now)
}

const open = (id: string) => {
  history.replaceState(null, "", `#${encodeURIComponent(id)}`)
  details.open(id)
  showDetails(loops.now())
}

const idInAddress = (): string => {
  try {
    return decodeURIComponent(location.hash.slice(1))
  } catch {
    return ""
  }
}

const openFromAddress = () => {
  if (details.current() !== undefined) return
  const id = idInAddress()
  if (loops.known.has(id)) open(id)
}

const handlers = { canAct, open, trigger, toggle }

for (const [name, { chip }] of chips) {
  on(chip, "click", () => {
    filter = name
    for (const [other, { chip }] of chips) set(chip, "aria-pressed", String(other === name))
    applyFilter()
  })
}
on(search, "input", applyFilter)
addEventListener("hashchange", openFromAddress)

// Countdowns, and lanes that move with the time.

const tick = () => {
  schedule(visible)
  showDetails(loops.now())
}
setInterval(tick, 1000)

const narrow = matchMedia("(max-width: 860px)")
const fit = () => {
  laneWidth = narrow.matches ? Math.max(200, Math.min(innerWidth, 700) - 48) : 220
  tick()
}
addEventListener("resize", fit)
fit()

connect(`${api}/changes`, {
  onEvent: receive,
  onLost: () => {
    set(status, "data-state", "lost")
    setText(status, "Connection lost, connecting again")
  }
})
