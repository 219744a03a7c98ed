/** Elements of the page. */

/** The element with this id. */
export const byId = <E extends HTMLElement>(id: string, type: new() => E): E => {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`The page has no ${type.name} with the id ${id}`)
}

type Attributes = Readonly<Record<string, string | boolean | undefined>>

/** A new element. An attribute that is true is there, and one that is false or undefined is not. */
export const make = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[Tag] => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value)
  }
  element.append(...children)
  return element
}
