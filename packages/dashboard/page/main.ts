/** The page of the dashboard. */
import type { Changes, Loops } from "../src/DashboardApi.ts"
import type { Action } from "../src/LoopSource.ts"
import { makeActions, type Scheme } from "./actions.ts"
import { connect } from "./connection.ts"
import { makeDetails } from "./details.ts"
import { element, on, set, setText } from "./elements.ts"
import { makeLoops } from "./loops.ts"
import { makeRow, type Row } from "./row.ts"
import { type Filter, filters, healthOf } from "./words.ts"

const { actions: scheme = "none", api = "api" } = document.body.dataset
const canAct = scheme !== "none"
const pageTitle = document.title
const loops = makeLoops()
const control = makeActions(api, scheme as Scheme)

// The frame of the page.

const status = element("p", { class: "connection", role: "status" }, "Connecting")
const search = element("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter by name" })
const chips = new Map(
  (Object.keys(filters) as Array<Filter>).map((name) => {
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
const order = new Intl.Collator("en", { numeric: true })
let sorted: ReadonlyArray<Row> = []
let filter: Filter = "all"
let laneWidth = 220

const observer = new IntersectionObserver((entries) => {
  const now = loops.now()
  for (const { isIntersecting, target } of entries) {
    const id = (target as HTMLElement).dataset["id"] ?? ""
    if (!isIntersecting) visible.delete(id)
    else if (!visible.has(id)) {
      visible.add(id)
      draw(id, now)
    }
  }
}, { rootMargin: "300px" })

const draw = (id: string, now: number) => {
  const known = loops.known.get(id)
  if (known !== undefined) rows.get(id)?.show(known, now, laneWidth)
}

const nameOf = (id: string): string => loops.known.get(id)?.info.name ?? ""

const placeRows = () => {
  sorted = Array.from(rows.values()).toSorted((a, b) =>
    order.compare(nameOf(a.id), nameOf(b.id)) || order.compare(a.id, b.id)
  )
  let place = body.firstElementChild
  // Only what is out of place moves, so that the focus stays.
  for (const row of sorted) {
    if (row.element === place) place = place.nextElementSibling
    else body.insertBefore(row.element, place)
  }
}

const isFiltered = () => filter !== "all" || search.value !== ""

const applyFilter = () => {
  const wanted = search.value.trim().toLowerCase()
  let shown = 0
  for (const row of sorted) {
    const known = loops.known.get(row.id)
    const isShown = known !== undefined && filters[filter](healthOf(known.info)) &&
      known.info.name.toLowerCase().includes(wanted)
    if (row.element.hidden === isShown) row.element.hidden = !isShown
    if (isShown) shown++
  }
  list.hidden = shown === 0
  empty.hidden = shown > 0
  setText(
    empty,
    rows.size > 0
      ? "No loop matches the filter."
      : "No loops yet. Loop.layer and Loop.forkScoped with a name are listed here."
  )
}

const countMoods = () => {
  const numbers: Record<Filter, number> = { all: 0, failing: 0, late: 0, paused: 0, ended: 0 }
  for (const { info } of loops.known.values()) {
    const health = healthOf(info)
    for (const name of chips.keys()) if (filters[name](health)) numbers[name]++
  }
  for (const [name, { chip, number }] of chips) {
    setText(number, String(numbers[name]))
    chip.classList.toggle("none", numbers[name] === 0)
  }
  document.title = numbers.failing === 0 ? pageTitle : `(${numbers.failing} failing) ${pageTitle}`
}

// Changes are drawn once a frame, whatever their number.

const dirty = new Set<string>()
let hasNews = false

/** For how many milliseconds a frame makes rows; the next frame makes the rest. */
const budget = 10

const flush = () => {
  hasNews = false
  const start = performance.now()
  const now = loops.now()
  let isPlaced = true
  for (const id of dirty) {
    if (performance.now() - start > budget) break
    dirty.delete(id)
    const known = loops.known.get(id)
    const row = rows.get(id)
    if (known === undefined) {
      row?.element.remove()
      rows.delete(id)
      visible.delete(id)
      isPlaced = false
    } else if (row === undefined) {
      const made = makeRow(id, known.info.name, handlers)
      made.element.dataset["id"] = id
      rows.set(id, made)
      observer.observe(made.element)
      isPlaced = false
    } else if (visible.has(id)) row.show(known, now, laneWidth)
  }
  if (!isPlaced) placeRows()
  countMoods()
  if (!isPlaced || isFiltered()) applyFilter()
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

const receive = (event: Loops | Changes) => {
  const { changed, removed } = loops.receive(event)
  const why = event._tag === "Changes" ? event.unavailable : undefined
  set(status, "data-state", why === undefined ? "live" : "lost")
  setText(status, why === undefined ? "Live" : `Not up to date: ${why}`)
  // Of two processes, the same id may be two loops.
  for (const id of removed) {
    rows.get(id)?.element.remove()
    rows.delete(id)
    visible.delete(id)
  }
  // In their order, so that rows are added at the end.
  schedule([...changed, ...removed].toSorted((a, b) => order.compare(nameOf(a), nameOf(b))))
  if (event._tag === "Loops") applyFilter()
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
  if (outcome._tag === "Refused") say(`${info.name}: ${outcome.reason}`)
  if (outcome._tag !== "Done") return
  say(`${info.name}: ${done[action]}`)
  loops.put({ ...outcome.info, history: [] })
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

const openFromAddress = () => {
  const id = decodeURIComponent(location.hash.slice(1))
  if (details.current() === undefined && loops.known.has(id)) open(id)
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
  const now = loops.now()
  for (const id of visible) draw(id, now)
  showDetails(now)
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
