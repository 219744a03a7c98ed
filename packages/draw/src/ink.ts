/** The colours, the dashes, and the style sheet of all pictures. */

export interface Theme {
  readonly ground: string
  readonly ink: string
  readonly dim: string
  /** For lines that carry no meaning of their own. */
  readonly grid: string
  /** For late runs and lost operations. */
  readonly late: string
  readonly series: ReadonlyArray<string>
}

// Okabe and Ito's blue, vermillion, green, purple and orange. Color-blind readers can tell them apart. Those that are too
// bright for white, or too dark for black, keep their hue and change their lightness up to a contrast of 4.5:1.
export const light: Theme = {
  ground: "#ffffff",
  ink: "#1f2328",
  dim: "#59636e",
  grid: "#d1d9e0",
  late: "#b84e00",
  series: ["#0072b2", "#b84e00", "#007a58", "#a8487f", "#8a6000"]
}

export const dark: Theme = {
  ground: "#0d1117",
  ink: "#f0f6fc",
  dim: "#9198a1",
  grid: "#30363d",
  late: "#f0803c",
  series: ["#56b4e9", "#f0803c", "#1fbf92", "#d98fba", "#e69f00"]
}

const dashes = ["", "8 4", "2 3", "10 3 2 3"]

/** The look of the i-th of several things. The first 20 are all different, by color and by dashes. */
export const look = (i: number): { readonly hue: number; readonly dash: string } => {
  const dash = dashes[i % dashes.length]!
  return { hue: i % light.series.length, dash: dash === "" ? "" : ` stroke-dasharray="${dash}"` }
}

const rules = ({ dim, grid, ground, ink, late, series }: Theme): string =>
  [
    `.ew text{fill:${ink}}`,
    `.ew .dim{fill:${dim}}`,
    `.ew .ground{fill:${ground}}`,
    `.ew .grid{stroke:${grid}}`,
    `.ew .shade{fill:${grid}}`,
    `.ew .axis{stroke:${dim}}`,
    `.ew .halo{stroke:${ground}}`,
    `.ew .run{fill:${series[0]}}`,
    `.ew .overrun,.ew .lost,.ew .alarm{fill:${late}}`,
    `.ew .mark{stroke:${late}}`,
    `.ew .end,.ew .missed{stroke:${ink}}`,
    ...series.map((color, i) => `.ew .fill${i}{fill:${color}}.ew .line${i}{stroke:${color}}`)
  ].join("")

/** For pages that may not have styles within: with {@link Frame.isInline} a picture has no style sheet of its own. */
export const styleSheet = ".ew{font:12px system-ui,-apple-system,\"Segoe UI\",sans-serif}" +
  ".ew .name{font-family:ui-monospace,SFMono-Regular,Menlo,monospace}" +
  `${rules(light)}@media(prefers-color-scheme:dark){${rules(dark)}}`

const luminance = (color: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** The contrast of two colors, from 1 to 21, by WCAG 2. */
export const contrast = (a: string, b: string): number => {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}
