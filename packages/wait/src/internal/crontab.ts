/** Reads crontab expressions, with the rules of cronie. */
import * as Arr from "effect/Array"
import * as Result from "effect/Result"

/** The times that an expression allows. */
export interface Crontab {
  readonly seconds: ReadonlyArray<number>
  readonly minutes: ReadonlyArray<number>
  readonly hours: ReadonlyArray<number>
  readonly days: ReadonlyArray<number>
  readonly months: ReadonlyArray<number>
  /** From 0, Sunday, to 6. */
  readonly weekdays: ReadonlyArray<number>
  /** A date matches if its day or its weekday does: neither field starts with `*`. Else both have to. */
  readonly isEitherDay: boolean
  /** Times of day: neither the minute nor the hour starts with `*`. */
  readonly isFixed: boolean
}

const nicknames = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"]
])

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly words?: ReadonlyArray<string>
}

const fields: ReadonlyArray<Field> = [
  { name: "second", min: 0, max: 59 },
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day", min: 1, max: 31 },
  {
    name: "month",
    min: 1,
    max: 12,
    words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
  },
  { name: "weekday", min: 0, max: 7, words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] }
]

// Forms of other parsers, and what to write instead.
const remedies: ReadonlyArray<readonly [form: RegExp, remedy: string]> = [
  [/\?/, "write * instead of ?"],
  [/^L|\dL$/, "L, the last one, is not supported: write days 28-31 and check the date in the run"],
  [/W$/, "W, the nearest weekday, is not supported: write several days and check the date in the run"],
  [/#/, "#, the n-th weekday, is not supported: write the weekday and check the date in the run"],
  [/~|^H/, "random values are not supported: write a fixed one, and spread the runs with Jitter"],
  [/TZ=/, "write the time zone as the option timeZone"],
  [/^\d{4}$/, "there is no year field; six fields start with the second"]
]

const parseField = (text: string, { max, min, name, words = [] }: Field): Result.Result<Array<number>, string> => {
  const refuse = (why: string) => Result.fail(`${name} "${text}": ${why}`)
  const valueOf = (word: string): number => {
    const index = words.indexOf(word.toLowerCase())
    return index >= 0 ? index + min : /^\d+$/.test(word) ? Number(word) : NaN
  }
  const values = new Set<number>()
  for (const item of text.split(",")) {
    const remedy = words.includes(item.toLowerCase()) ? undefined : remedies.find(([form]) => form.test(item))
    if (remedy !== undefined) return refuse(remedy[1])
    const [, left, right, every = "1"] = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item) ?? [item, item]
    const isOpen = left === undefined || item.includes("/")
    const first = left === undefined ? min : valueOf(left)
    const end = right !== undefined ? valueOf(right) : isOpen ? max : first
    const last = name === "weekday" && first > 0 && end === 0 ? 7 : end // Sunday ends a range
    const step = Number(every)
    if (!(first >= min && first <= max && last >= min && last <= max)) {
      const listed = words.length === 0 ? "" : ` or ${words.join(" ")}`
      return refuse(`write ${min} to ${max}${listed}, a range a-b, a step */n, or a list of these`)
    }
    if (first > last) return refuse(`a range cannot run backwards: write ${left}-${max},${min}-${right}`)
    if (step === 0) return refuse("a step is 1 or more")
    for (let value = first; value <= last; value += step) values.add(name === "weekday" ? value % 7 : value)
  }
  return Result.succeed(Arr.range(min, max).filter((value) => values.has(value)))
}

/** Reads five fields, six with the second first, or a nickname such as `@daily`. Fails with what is wrong. */
export const parse = (expression: string): Result.Result<Crontab, string> => {
  const text = expression.trim()
  if (/^@reboot$/i.test(text)) return Result.fail("@reboot is no time: a loop with immediate: true runs when it starts")
  if (/^@every\b/i.test(text)) return Result.fail("@every is no time of a calendar: use Period.ticker")
  const texts = (nicknames.get(text.toLowerCase()) ?? text).split(/\s+/)
  if (texts.length < 5 || texts.length > 6) {
    return Result.fail(
      `write five fields (minute, hour, day, month, weekday), six with the second first, or ${
        [...nicknames.keys()].join(" ")
      }; there is no year field`
    )
  }
  if (texts.length === 5) texts.unshift("0")
  const isWild = (i: number) => texts[i]!.startsWith("*")
  return Result.map(
    Result.all(fields.map((field, i) => parseField(texts[i]!, field))),
    ([seconds, minutes, hours, days, months, weekdays]): Crontab => ({
      seconds: seconds!,
      minutes: minutes!,
      hours: hours!,
      days: days!,
      months: months!,
      weekdays: weekdays!,
      isEitherDay: !isWild(3) && !isWild(5),
      isFixed: !isWild(1) && !isWild(2)
    })
  )
}
