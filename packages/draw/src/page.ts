/** What all pictures have: a title, an alternative text, a ground, boxes below each other, and texts that fit. */
import { styleSheet } from "./ink.ts"

/** Something that starts at `top`, and its height. */
export type Box = (top: number) => { readonly height: number; readonly lines: ReadonlyArray<string> }

export interface Frame {
  readonly title: string
  /** What a reader who cannot see the picture should know. */
  readonly description?: string | undefined
  /** Lines under the title. */
  readonly subtitle?: string | undefined
  /** In pixels; default 720. */
  readonly width?: number | undefined
  /** Whether the page has the style sheet. Default: the picture has it. */
  readonly isInline?: boolean | undefined
  /** Whether the page has a heading for the picture: the title is only read aloud. Default: the picture has it. */
  readonly isUntitled?: boolean | undefined
}

export const widthOf = ({ width = 720 }: Frame): number => Math.max(200, width)

/** From the edge of a picture. */
export const edge = 14

/** With one decimal. */
export const at = (value: number): string => String(Number(value.toFixed(1)))

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" }

// Control characters and halves of characters are not allowed in XML.
const control = /[\p{Cc}\p{Cs}\ufffe\uffff]/gu

export const escape = (text: string): string => text.replace(control, "\u00b7").replace(/[&<>"]/g, (c) => entities[c]!)

// In the widest of the usual fonts, and in a monospaced one.
const letter = 7.25
const widthOfCharacter = (character: string): number =>
  character.codePointAt(0)! >= 0x2e80
    ? 2 * letter
    : /[mwMW@%]/.test(character)
    ? 11.8
    : /[A-Z0-9&]/.test(character)
    ? 8.4
    : letter

/** How much wider bold letters are. */
export const bold = 1.12

/** About how wide a text of 12 pixels is, and rather more. */
export const widthOfText = (text: string): number =>
  Array.from(text).reduce((width, character) => width + widthOfCharacter(character), 0)

/** The text, or its beginning and its end, in at most this many pixels. */
export const fit = (text: string, width: number): string => {
  if (widthOfText(text) <= width) return text
  const characters = Array.from(text)
  const take = (characters: ReadonlyArray<string>, width: number) => {
    let rest = width
    return characters.slice(0, characters.findIndex((character) => (rest -= widthOfText(character)) < 0))
  }
  const half = Math.max(letter, (width - letter) / 2)
  return `${take(characters, half).join("")}\u2026${take(characters.toReversed(), half).toReversed().join("")}`
}

/** The same for several, of which no two may look the same: if two would, each gets its number. */
export const fitAll = (texts: ReadonlyArray<string>, width: number): ReadonlyArray<string> => {
  const fitted = texts.map((text) => fit(text, width))
  const isClear = new Set(fitted).size === new Set(texts).size
  return isClear ? fitted : texts.map((text, i) => `${i + 1} ${fit(text, width - 8.4 * (String(i + 1).length + 1))}`)
}

/** Wraps a text into lines of at most this many pixels. A word that is too long is cut. */
export const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const line = lines.at(-1)
    if (line !== undefined && widthOfText(`${line} ${word}`) <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(fit(word, width))
  }
  return lines
}

export interface TextOptions {
  readonly anchor?: "middle" | "end" | undefined
  readonly style?: string | undefined
  readonly size?: number | undefined
  readonly isBold?: boolean | undefined
  /** The whole of a text that is shortened: it is shown under the pointer. */
  readonly whole?: string | undefined
}

export const text = (x: number, y: number, content: string, options: TextOptions = {}): string => {
  const { anchor, isBold, size, style, whole = content } = options
  return `<text x="${at(x)}" y="${at(y)}"${style === undefined ? "" : ` class="${style}"`}` +
    `${anchor === undefined ? "" : ` text-anchor="${anchor}"`}${size === undefined ? "" : ` font-size="${size}"`}` +
    `${isBold === true ? ` font-weight="600"` : ""}>${whole === content ? "" : `<title>${escape(whole)}</title>`}` +
    `${escape(content)}</text>`
}

/** A box of lines of text. */
export const paragraph = (content: string, width: number): Box => (top) => {
  const lines = wrap(content, width - 2 * edge)
  return {
    height: 18 * lines.length,
    lines: lines.map((line, i) => text(edge, top + 13 + 18 * i, line, { style: "dim" }))
  }
}

export const heading = (content: string, width: number): Box => (top) => ({
  height: 24,
  lines: [
    text(edge, top + 15, fit(content, (width - 2 * edge) * 12 / 13 / bold), { isBold: true, size: 13, whole: content })
  ]
})

export const gap = (height: number): Box => () => ({ height, lines: [] })

/** Boxes below each other, as one. */
export const stack = (boxes: ReadonlyArray<Box>): Box => (top) => {
  const lines: Array<string> = []
  let height = 0
  for (const box of boxes) {
    const drawn = box(top + height)
    lines.push(...drawn.lines)
    height += drawn.height
  }
  return { height, lines }
}

/** The same boxes give the same text. */
export const page = (frame: Frame, boxes: ReadonlyArray<Box>): string => {
  const { description, isInline = false, isUntitled = false, subtitle, title } = frame
  const width = widthOf(frame)
  const titles = isUntitled ? [] : wrap(title, (width - 2 * edge) * 12 / 15 / bold)
  const lines = titles.map((line, i) => text(edge, 26 + 20 * i, line, { isBold: true, size: 15 }))
  const top = isUntitled ? 0 : 16 + 20 * titles.length
  const body = stack([...subtitle === undefined ? [] : [paragraph(subtitle, width)], gap(8), ...boxes])(top)
  const height = Math.ceil(top + body.height + 8)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="ew" role="img" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}"${isUntitled ? ` aria-label="${escape(title)}"` : ""}>`,
    // Under the pointer, browsers show it again.
    ...isUntitled ? [] : [`<title>${escape(title)}</title>`],
    ...description === undefined ? [] : [`<desc>${escape(description)}</desc>`],
    ...isInline ? [] : [`<style>${styleSheet}</style>`],
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...lines,
    ...body.lines,
    "</svg>\n"
  ].join("\n")
}

/** An item of a legend: its sign, as it is drawn from x on at a height of y, and its text. */
export interface Sign {
  readonly draw: (x: number, y: number) => string
  readonly text: string
}

export const legend = (signs: ReadonlyArray<Sign>, width: number): Box => (top) => {
  const lines: Array<string> = []
  let [x, y] = [edge, top + 12]
  for (const { draw, text: content } of signs) {
    const shown = fit(content, width - 2 * edge - 28)
    const length = 28 + widthOfText(shown) + 16
    if (x > edge && x + length - 16 > width - edge) {
      x = edge
      y += 20
    }
    lines.push(draw(x, y - 4), text(x + 28, y, shown, { whole: content }))
    x += length
  }
  return { height: signs.length === 0 ? 0 : y - top + 12, lines }
}
