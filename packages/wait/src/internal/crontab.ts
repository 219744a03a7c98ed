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
  [/\?/, "write * instead of ?; six fields start with the second, there is no year field, and Sunday is 0"],
  [
    /^LW|\dW/i,
    "the nearest weekday is not supported: write every day that it can fall on, and check the date in the run"
  ],
  [/^L/i, "L is not supported: for the last day of a month write the days 28-31, and check the date in the run"],
  [
    /#|(\d|[a-z]{3})L$/i,
    "the n-th or last weekday of a month is not supported: write the weekday alone, and check the date in the run"
  ],
  [/^\+/, "+ is not supported: write the day or the weekday alone, and check the other in the run"],
  [/~|^H/, "random values are not supported: write a fixed value, and spread the runs with Jitter"],
  [/^\d{4}\b/, "there is no year field; six fields start with the second"]
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
    if (first > last) {
      const forwards = step > 1 ? "its values as a list" : `${left}-${max},${min}-${right}`
      return refuse(`a range cannot run backwards: write ${forwards}`)
    }
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
  if (/TZ=/.test(text)) return Result.fail("the time zone is no field: write it as the option timeZone")
  const texts = (nicknames.get(text.toLowerCase()) ?? text).split(/\s+/)
  if (texts.length < 5 || texts.length > 6) {
    return Result.fail(
      `"${text}": write five fields (minute, hour, day, month, weekday), six with the second first, or one of ${
        [...nicknames.keys()].join(" ")
      }; no year, user or command`
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
