/** Times as labels. In milliseconds. */

const units = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1000], ["ms", 1], ["us", 1e-3], [
  "ns",
  1e-6
]] as const

/** In at most two units, or three digits: `100ms`, `1.25s`, `2m30s`, `6d4h`, `1.29e+20d`. */
export const format = (millis: number): string => {
  if (millis === Infinity) return "forever"
  const i = units.findIndex(([, size]) => Number(millis.toPrecision(3)) >= size)
  const [unit, size] = units[i] ?? ["ms", 1]
  if (millis / size >= 1e6) return `${(millis / size).toExponential(2).replace(/\.?0*e/, "e")}${unit}`
  if (size <= 1000 || millis / size >= 1000) return `${Number((millis / size).toPrecision(3))}${unit}`
  const [below, step] = units[i + 1]!
  const count = Math.round(millis / step)
  const rest = count % (size / step)
  return `${Math.floor(count / (size / step))}${unit}${rest === 0 ? "" : `${rest}${below}`}`
}

/** As it stands beside others: 0 needs no unit. */
export const time = (millis: number): string => millis === 0 ? "0" : format(millis)

/** With thousands separators. */
export const number = (value: number): string => {
  const [whole = "", fraction] = String(Number(value.toPrecision(12))).split(".")
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ",")
  return fraction === undefined ? groups : `${groups}.${fraction}`
}
