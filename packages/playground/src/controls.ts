/** The form: made of the table of fields, filled with a state, and read when somebody changes it. */
import { parse } from "@effect-wait/documents/Time"
import * as Option from "effect/Option"
import { byId, make } from "./dom.ts"
import { type Field, fields, sections } from "./fields.ts"
import type { Problem } from "./Program.ts"
import { type Name, names, type State } from "./State.ts"

/** A field of the form. */
interface Control {
  readonly row: HTMLElement
  readonly get: () => string
  readonly set: (text: string) => void
  readonly complain: (problems: ReadonlyArray<Problem>) => void
}

const option = (value: string, label: string): HTMLOptionElement => make("option", { value }, label)

const options = (field: Extract<Field, { readonly kind: "choice" }>): ReadonlyArray<HTMLElement> => {
  const made = field.options.map(([value, label]) => option(value, label))
  return field.groups?.map(([label, values]) =>
    make("optgroup", { label }, ...made.filter(({ value }) => values.includes(value)))
  ) ?? made
}

const sizeOf = (text: string): number =>
  text === "inf" ? Infinity : Option.getOrElse(parse(text.trim()), () => text === "" ? -1 : Number(text))

// Of a value that is not one of the steps, the slider stands at the nearest.
const stepOf = (steps: ReadonlyArray<string>, text: string): number => {
  const exact = steps.indexOf(text.trim())
  if (exact >= 0) return exact
  return Math.max(0, steps.findLastIndex((step) => sizeOf(step) <= sizeOf(text)))
}

const selectLine = (area: HTMLTextAreaElement, line: number): void => {
  const lines = area.value.split("\n")
  const begin = lines.slice(0, line - 1).reduce((length, text) => length + text.length + 1, 0)
  area.focus()
  area.setSelectionRange(begin, begin + (lines[line - 1] ?? "").length)
}

/** Where what is wrong with a field is said. */
const makeProblem = (name: Name) => {
  const { label } = fields[name]
  const problem = make("ul", { class: "problems", id: `${name}-problem` })
  const complainAt =
    (element: HTMLElement, toLine?: (line: number) => void) => (found: ReadonlyArray<Problem>): void => {
      problem.replaceChildren(...found.map(({ line, reason }) => {
        if (line === undefined || toLine === undefined) return make("li", {}, `${label} ${reason}.`)
        const button = make("button", { type: "button" }, `Line ${line}`)
        button.addEventListener("click", () => toLine(line))
        return make("li", {}, button, `: ${reason.replace(`line ${line}: `, "")}`)
      }))
      if (found.length === 0) {
        element.removeAttribute("aria-invalid")
        element.removeAttribute("aria-describedby")
      } else {
        element.setAttribute("aria-invalid", "true")
        element.setAttribute("aria-describedby", problem.id)
      }
    }
  return { complainAt, problem }
}

const makeControl = (name: Name, changed: () => void): Control => {
  const field = fields[name]
  const { complainAt, problem } = makeProblem(name)
  const label = make("label", { for: name }, field.label)
  if (field.kind === "choice") {
    const select = make("select", { id: name, name }, ...options(field))
    select.addEventListener("input", changed)
    return {
      row: make("div", { class: "field wide" }, label, select, problem),
      get: () => select.value,
      set: (text) => {
        select.value = text
      },
      complain: complainAt(select)
    }
  }
  if (field.kind === "area") {
    const area = make("textarea", { id: name, name, spellcheck: "false", wrap: "off" })
    area.addEventListener("input", changed)
    return {
      row: make("div", { class: "field wide" }, label, area, problem),
      get: () => area.value,
      set: (text) => {
        area.value = text
      },
      complain: complainAt(area, (line) => selectLine(area, line))
    }
  }
  const { empty, steps = [] } = field
  const input = make("input", { type: "text", id: name, name, placeholder: empty, spellcheck: "false" })
  // For the pointer. With the keyboard, the arrows in the text do the same.
  const slider = make("input", {
    type: "range",
    min: "0",
    max: String(steps.length - 1),
    tabindex: "-1",
    "aria-hidden": "true"
  })
  const toText = (step: number): void => {
    const text = steps[Math.min(steps.length - 1, Math.max(0, step))]
    if (text === undefined) return
    input.value = text
    slider.value = String(stepOf(steps, text))
    changed()
  }
  input.addEventListener("input", () => {
    slider.value = String(stepOf(steps, input.value))
    changed()
  })
  input.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0
    if (by === 0 || steps.length === 0) return
    event.preventDefault()
    toText(stepOf(steps, input.value) + by)
  })
  slider.addEventListener("input", () => toText(Number(slider.value)))
  return {
    row: make("div", { class: "field" }, label, input, ...steps.length === 0 ? [] : [slider], problem),
    get: () => input.value,
    set: (text) => {
      input.value = text
      slider.value = String(stepOf(steps, text))
    },
    complain: complainAt(input)
  }
}

// Two choices that are both seen.
const makeSources = (changed: () => void): Control => {
  const field = fields.source
  const { complainAt, problem } = makeProblem("source")
  const radios = (field.kind === "choice" ? field.options : []).map(([value, label]) => {
    const radio = make("input", { type: "radio", name: "source", value, id: `source-${value}` })
    radio.addEventListener("input", changed)
    return { radio, label: make("label", {}, radio, label) }
  })
  const row = make(
    "div",
    { class: "sources", role: "radiogroup", "aria-label": field.label },
    ...radios.map(({ label }) => label),
    problem
  )
  return {
    row,
    get: () => radios.find(({ radio }) => radio.checked)?.radio.value ?? "",
    set: (text) =>
      radios.forEach(({ radio }) => {
        radio.checked = radio.value === text
      }),
    complain: complainAt(row)
  }
}

export interface Controls {
  /** Fills the form. */
  readonly set: (state: State) => void
  /** Hides what is not in use, and says at each field what is wrong with it. */
  readonly show: (used: ReadonlySet<Name>, problems: ReadonlyArray<Problem>) => void
  /** The policies that can be chosen from. */
  readonly offer: (policies: ReadonlyArray<string>, chosen: string) => void
  /** Of a field, what stands there. */
  readonly get: (name: Name) => string
}

/** Makes the form. `changed` is called with the field that somebody has changed. */
export const makeControls = (changed: (name: Name) => void): Controls => {
  const made: ReadonlyMap<Name, Control> = new Map(
    names.map((
      name
    ) => [name, name === "source" ? makeSources(() => changed(name)) : makeControl(name, () => changed(name))])
  )
  for (const [form, legend, names] of sections) {
    const rows = names.flatMap((name) => made.get(name)?.row ?? [])
    byId(form, HTMLFormElement).append(make("fieldset", {}, make("legend", {}, legend), ...rows))
    byId(form, HTMLFormElement).addEventListener("submit", (event) => event.preventDefault())
  }
  return {
    set: (state) => made.forEach(({ set }, name) => set(state[name])),
    show: (used, problems) => {
      made.forEach(({ complain, row }, name) => {
        row.hidden = !used.has(name)
        complain(problems.filter(({ field }) => field === name))
      })
    },
    offer: (policies, chosen) => {
      byId("policy", HTMLSelectElement).replaceChildren(...policies.map((name) => option(name, name)))
      made.get("policy")?.set(chosen)
    },
    get: (name) => made.get(name)?.get() ?? ""
  }
}
