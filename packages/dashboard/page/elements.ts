/** Elements of the page. Text is only ever set as text. */

type Child = Node | string

export const element = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: ReadonlyArray<Child>
): HTMLElementTagNameMap[Tag] => {
  const created = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value)
  created.append(...children)
  return created
}

export const shape = <Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {}
): SVGElementTagNameMap[Tag] => {
  const created = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value)
  return created
}

/** Writes only what is different: most of a page stays as it is. */
export const setText = (target: Element, text: string): void => {
  if (target.textContent !== text) target.textContent = text
}

export const set = (target: Element, name: string, value: string): void => {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value)
}

export const on = <Name extends keyof HTMLElementEventMap>(
  target: HTMLElement,
  name: Name,
  listener: (event: HTMLElementEventMap[Name]) => void
): void => target.addEventListener(name, listener)
