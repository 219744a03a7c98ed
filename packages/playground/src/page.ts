/** The page: reads its address and its controls, simulates, and draws. */
import type { DocumentPolicy } from "@effect-wait/documents"
import { type Preview, preview } from "@effect-wait/documents/Preview"
import { number, time } from "@effect-wait/draw/time"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { makeControls } from "./controls.ts"
import * as Crowd from "./Crowd.ts"
import { readDocument } from "./documents.ts"
import { byId, make } from "./dom.ts"
import { examples } from "./examples.ts"
import { fields, wrongChoices } from "./fields.ts"
import * as Link from "./Link.ts"
import * as Picture from "./Picture.ts"
import { type Problem, type Program, type Read, read, readTrial, toTypeScript } from "./Program.ts"
import { defaults, inUse, type Name, type State } from "./State.ts"

// Traces of errors that are retried would take most of the time.
Error.stackTraceLimit = 0

// Of all seeds together, so many runs are looked at for an end: more take too long while somebody moves a slider.
const far = { runs: 10_000, total: 30_000 }

const text = (id: string, content: string): void => {
  byId(id, HTMLElement).textContent = content
}

// What is drawn escapes all names and texts that are not its own.
const draw = (id: string, svg: string): void => {
  byId(id, HTMLElement).innerHTML = svg
}

/** What is shown, until something changes. */
interface Shown {
  readonly program: Program
  readonly preview: Preview
  readonly crowd: ReadonlyArray<Crowd.Result>
}

/** Keeps the last value, for as long as its key is the same. */
const remember = <A>() => {
  let last: { readonly key: string; readonly value: A } | undefined
  return (key: ReadonlyArray<unknown>, make: () => A): A => {
    const text = JSON.stringify(key)
    if (last?.key !== text) last = { key: text, value: make() }
    return last.value
  }
}

const previews = remember<Result.Result<Preview, ReadonlyArray<Problem>>>()
const withoutBudget = remember<Crowd.Result>()
const withBudget = remember<Crowd.Result>()

// The code says all of a schedule.
const previewOf = ({ from, policy, slow, work }: Program) =>
  previews([policy.code, policy.notes, from, work, slow], () =>
    Effect.runSync(Effect.result(
      Effect.mapError(
        preview({ name: "schedule", policy }, {
          work: (run) => run === 2 ? slow : work,
          runs: Picture.shown.runs,
          seeds: Picture.shown.seeds,
          from,
          far
        }),
        ({ message }): ReadonlyArray<Problem> => [{
          field: message.includes("time zone") ? "zone" : "cron",
          reason: `cannot be read: ${message}`
        }]
      )
    )))

const crowdOf = (program: Program): ReadonlyArray<Crowd.Result> => {
  const { attemptTimeout, clients, down, failure, isHedge, policy: { code, schedule } } = program
  const key = [code, clients, down, failure, attemptTimeout, isHedge]
  const budget = Crowd.budgets[program.budget]
  return [
    withoutBudget(key, () => Effect.runSync(Crowd.simulate(Picture.withoutBudget, schedule, program))),
    ...budget === undefined
      ? []
      : [
        withBudget(
          [...key, budget.name],
          () => Effect.runSync(Crowd.simulate(budget.name, schedule, program, budget.make))
        )
      ]
  ]
}

const simulate = (program: Program): Result.Result<Shown, ReadonlyArray<Problem>> =>
  Result.map(previewOf(program), (preview) => ({ program, preview, crowd: crowdOf(program) }))

const milliseconds = (millis: number): string => number(Number(millis.toFixed(3)))

const showTable = ({ preview }: Shown): void => {
  const { runs } = preview.lanes[0] ?? { runs: [] }
  text(
    "table-caption",
    Picture.isFixed(preview) ? "Times in milliseconds" : "Times of client 1, in milliseconds"
  )
  byId("table", HTMLElement).replaceChildren(...runs.map(({ end, start }, i) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, String(i + 1)),
      ...[i === 0 ? "" : milliseconds(start - (runs[i - 1]?.end ?? 0)), milliseconds(start), milliseconds(end)].map((
        cell
      ) => make("td", {}, cell))
    )
  ))
}

const showPictures = ({ crowd, preview, program }: Shown): void => {
  const width = Math.max(200, Math.floor(byId("runs-picture", HTMLElement).clientWidth))
  draw("runs-picture", Picture.timelines(preview, program, width))
  draw("delays-picture", Picture.delays(preview, width))
  draw("crowd-picture", Picture.crowd(crowd, program, width))
}

const show = (shown: Shown): void => {
  const { crowd, preview, program } = shown
  const { attemptTimeout, clients, down, failure, isHedge } = program
  const { capacity, period } = Crowd.outageOf(program)
  text("ending", Picture.ending(preview))
  byId("notes", HTMLElement).replaceChildren(...preview.policy.notes.map((note) => make("li", {}, `${note}.`)))
  text("code", toTypeScript(program))
  text("delays-title", Picture.isFixed(preview) ? "Delays" : `Delays of ${number(Picture.shown.seeds)} clients`)
  text(
    "crowd-title",
    `${number(clients)} ${clients === 1 ? "client" : "clients"} of a server that is down for ${time(down)}`
  )
  text("verdict", crowd.map(Picture.verdict).join(" "))
  text(
    "how",
    `Each client calls the server every ${time(Number(period.toPrecision(2)))} on average, waits ` +
      `${time(attemptTimeout)} for an answer, and ${
        isHedge ? "hedges" : "retries"
      } with this schedule. The server can answer ` +
      `${number(Math.round(capacity))} requests a second. While it is down, ${
        failure === "hangs"
          ? "requests wait in its queue; later it works on them, although their clients have stopped waiting"
          : "it refuses all requests at once"
      }.`
  )
  showTable(shown)
  showPictures(shown)
}

const alert = (message: string): void => {
  text("alert", message)
  byId("alert", HTMLElement).hidden = message === ""
}

// There may be no permission. Pages of other machines have no clipboard at all, unless by HTTPS.
const copy = (content: () => string, done: string, instead: () => string) => (): void => {
  Promise.resolve(content()).then((content) => navigator.clipboard.writeText(content)).then(
    () => text("copied", done),
    () => text("copied", `The browser does not let this page copy. ${instead()}`)
  )
}

const start = (): void => {
  let state: State = defaults
  let shown: Shown | undefined
  let waiting = 0

  // A browser allows a page only so many changes of its address in a minute.
  const writeAddress = (): void => history.replaceState(null, "", `#${Link.toHash(state)}`)
  const keepInAddress = (): void => {
    clearTimeout(waiting)
    waiting = window.setTimeout(writeAddress, 200)
  }

  const chosen = (policies: ReadonlyArray<DocumentPolicy>): DocumentPolicy | undefined =>
    policies.find(({ name }) => name === state.policy) ?? policies[0]

  const programOf = (policies: ReturnType<typeof readDocument> | undefined): Read<Program> => {
    const wrong = wrongChoices(state)
    if (wrong.length > 0) return Result.fail(wrong)
    if (policies === undefined) return read(state)
    return Result.flatMap(policies, (policies) => {
      const policy = chosen(policies)
      return policy === undefined
        ? Result.fail<ReadonlyArray<Problem>>([{ field: "document", reason: "has no policy" }])
        : readTrial(state, policy)
    })
  }

  // What is shown of a state that is wrong is that of the last one that was right.
  const update = (): void => {
    const document = state.source === "document" ? readDocument(state.document, state.as) : undefined
    const policies = document !== undefined && Result.isSuccess(document) ? document.success : []
    const policy = chosen(policies)
    const next = Result.flatMap(programOf(document), simulate)
    const problems = Result.isFailure(next) ? next.failure : []
    const used = new Set(inUse(state))
    if (policies.length < 2) used.delete("policy")
    if (document !== undefined && policy?.kind !== "calendar") used.delete("from")
    controls.offer(policies.map(({ name }) => name), policy?.name ?? "")
    controls.show(used, problems)
    const pictures = byId("pictures", HTMLElement)
    pictures.classList.toggle("stale", Result.isFailure(next))
    if (Result.isSuccess(next)) {
      pictures.classList.remove("empty")
      shown = next.success
      show(shown)
    } else {
      byId("notes", HTMLElement).replaceChildren()
      text("ending", problems.map(({ field, reason }) => `${fields[field].label} ${reason}.`).join(" "))
    }
  }

  const controls = makeControls((name: Name) => {
    alert("")
    state = { ...state, [name]: controls.get(name) }
    update()
    keepInAddress()
  })

  const readHash = (hash: string): void => {
    const linked = Link.fromHash(hash)
    alert(Result.isFailure(linked) ? linked.failure : "")
    state = Result.getOrElse(linked, () => defaults)
    controls.set(state)
    update()
  }

  byId("copy-code", HTMLElement).addEventListener(
    "click",
    copy(() => byId("code", HTMLElement).textContent, "The code is copied.", () => {
      getSelection()?.selectAllChildren(byId("code", HTMLElement))
      return "The code is selected: copy it with the keyboard."
    })
  )
  byId("copy-link", HTMLElement).addEventListener(
    "click",
    copy(() => new URL(`#${Link.toHash(state)}`, location.href).href, "The link is copied.", () => {
      clearTimeout(waiting)
      writeAddress()
      return "The address of the page is the link."
    })
  )
  byId("examples", HTMLElement).append(
    ...examples.map(([name, changes]) =>
      make("li", {}, make("a", { href: `#${Link.toHash({ ...defaults, ...changes })}` }, name))
    )
  )
  window.addEventListener("hashchange", ({ newURL }) => {
    readHash(new URL(newURL).hash)
    // A change that was not yet in the address may be there by now.
    if (byId("alert", HTMLElement).hidden) keepInAddress()
    else clearTimeout(waiting)
  })
  new ResizeObserver(() => {
    if (shown !== undefined) showPictures(shown)
  }).observe(byId("results", HTMLElement))
  readHash(location.hash)
}

start()
