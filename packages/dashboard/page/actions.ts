/** Run now, pause, resume, stop: requests with the authorization that the service asks for. */
import type { Info } from "../src/DashboardApi.ts"
import type { Action } from "../src/LoopSource.ts"
import { element, on } from "./elements.ts"

export type Scheme = "none" | "browser" | "bearer" | "basic"

const field = (label: string, type: string, autocomplete: string) => {
  const input = element("input", { type, autocomplete, required: "", spellcheck: "false" })
  return { input, label: element("label", {}, label, input) }
}

const toBase64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

/** Asks for a token or a password. It stays in the memory of this page. */
const ask = (scheme: "bearer" | "basic"): Promise<string | undefined> => {
  const user = field("User", "text", "username")
  const secret = field(scheme === "basic" ? "Password" : "Token", "password", "current-password")
  const cancel = element("button", { type: "button" }, "Cancel")
  const form = element(
    "form",
    {},
    element("h2", {}, "Authorization"),
    element("p", {}, "This service controls its loops only for those who may."),
    ...scheme === "basic" ? [user.label] : [],
    secret.label,
    element("div", { class: "buttons" }, cancel, element("button", { class: "primary" }, "Continue"))
  )
  const dialog = element("dialog", { class: "ask", "aria-label": "Authorization" }, form)
  document.body.append(dialog)
  dialog.showModal()
  return new Promise((resolve) => {
    let answer: string | undefined
    on(form, "submit", (event) => {
      event.preventDefault()
      answer = scheme === "basic"
        ? `Basic ${toBase64(`${user.input.value}:${secret.input.value}`)}`
        : `Bearer ${secret.input.value.trim()}`
      dialog.close()
    })
    on(cancel, "click", () => dialog.close())
    on(dialog, "close", () => {
      dialog.remove()
      resolve(answer)
    })
  })
}

export type Outcome =
  | { readonly _tag: "Done"; readonly info: Info }
  | { readonly _tag: "Refused"; readonly reason: string }
  | { readonly _tag: "Cancelled" }

const reasons: Readonly<Record<number, string>> = {
  401: "You are not authorized",
  403: "You may not do this",
  404: "This loop is gone",
  409: "Another process answered. The page shows the loops of one process: try again, or reload"
}

/** A server that stands still neither answers nor refuses. */
const patience = 10_000

export const makeActions = (api: string, scheme: Scheme) => {
  let authorization: string | undefined
  const send = (id: string, action: Action, instance: string | null): Promise<Response> =>
    fetch(`${api}/${encodeURIComponent(id)}/${action}${instance === null ? "" : `?instance=${instance}`}`, {
      method: "POST",
      headers: authorization === undefined ? {} : { authorization },
      signal: AbortSignal.timeout(patience)
    })

  return async (id: string, action: Action, instance: string | null): Promise<Outcome> => {
    try {
      let response = await send(id, action, instance)
      if (response.status === 401 && (scheme === "bearer" || scheme === "basic")) {
        authorization = await ask(scheme)
        if (authorization === undefined) return { _tag: "Cancelled" }
        response = await send(id, action, instance)
        if (response.status === 401) authorization = undefined
      }
      if (response.ok) return { _tag: "Done", info: await response.json() as Info }
      return { _tag: "Refused", reason: reasons[response.status] ?? `The server answered ${response.status}` }
    } catch {
      return { _tag: "Refused", reason: "The server does not answer" }
    }
  }
}
