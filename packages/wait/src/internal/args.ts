import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"

/** The error for an illegal argument. It names the argument, its value and the values that are allowed. */
export const illegal = (argument: string, value: unknown, allowed: string): Cause.IllegalArgumentError =>
  new Cause.IllegalArgumentError(`${argument} must be ${allowed}, got ${Formatter.format(value)}`)

/** Throws the error for an argument that is not allowed. */
export const refuse = (argument: string, value: unknown, allowed: string): never => {
  throw illegal(argument, value, allowed)
}

const unit = /^(week|day|hour|minute|(milli|micro|nano)?second)s$/

// Duration turns NaN, and objects that are not durations, into zero. So this has to check the raw input.
const isDurationInput = (input: unknown): boolean => {
  if (!Predicate.isObjectKeyword(input)) return !Number.isNaN(input)
  if (Duration.isDuration(input)) return true
  const fields = Object.entries(input).filter(([, value]) => value !== undefined)
  return fields.length > 0 &&
    fields.every(([name, value]) =>
      (Array.isArray(input) || unit.test(name)) && Predicate.isNumber(value) && value > -Infinity
    )
}

const toMillis = (input: Duration.Input): number => {
  const duration = isDurationInput(input) ? Option.getOrUndefined(Duration.fromInput(input)) : undefined
  return duration === undefined ? NaN : Duration.toMillis(duration)
}

/** A duration from outside, in milliseconds. A negative or illegal one is 0. */
export const millisOrZero = (input: Duration.Input): number => Math.max(0, toMillis(input) || 0)

/** A duration of zero or more, in milliseconds; Infinity is allowed. */
export const duration = (argument: string, input: Duration.Input): number => {
  const millis = toMillis(input)
  return millis >= 0 ? millis : refuse(argument, input, "a duration of 0 or more")
}

/** A finite duration of zero or more, in milliseconds. */
export const finiteDuration = (argument: string, input: Duration.Input): number => {
  const millis = toMillis(input)
  return millis >= 0 && millis < Infinity ? millis : refuse(argument, input, "a finite duration of 0 or more")
}

/** A finite duration longer than zero, in milliseconds. */
export const positiveDuration = (argument: string, input: Duration.Input): number => {
  const millis = toMillis(input)
  return millis > 0 && millis < Infinity ? millis : refuse(argument, input, "a finite duration longer than 0")
}

/** A point in time, in milliseconds since 1970. */
export const time = (argument: string, input: DateTime.DateTime.Input): number =>
  Option.match(
    Predicate.isObject(input) || Predicate.isString(input) || Predicate.isNumber(input)
      ? DateTime.make(input)
      : Option.none(),
    {
      onNone: () => refuse(argument, input, "a DateTime, a Date, milliseconds since 1970 or an ISO 8601 string"),
      onSome: DateTime.toEpochMillis
    }
  )

const orMore = (kind: string, min: number): string => min === -Infinity ? kind : `${kind} of ${min} or more`

/** A finite number of at least `min`. */
export const number = (argument: string, value: number, min: number): number =>
  Number.isFinite(value) && value >= min
    ? value
    : refuse(argument, value, orMore("a finite number", min))

/** A random number from 0 up to, but not including, 1. */
export const draw = (argument: string, value: number): number =>
  Predicate.isNumber(value) && value >= 0 && value < 1
    ? value
    : refuse(argument, value, "a number from 0 up to, but not including, 1")

/** An integer of at least `min`. */
export const integer = (argument: string, value: number, min: number): number =>
  Number.isSafeInteger(value) && value >= min
    ? value
    : refuse(argument, value, orMore("an integer", min))

/** One of the words. */
export const oneOf = <A extends string>(argument: string, value: A, words: ReadonlyArray<A>): A =>
  words.includes(value) ? value : refuse(argument, value, words.map((word) => `"${word}"`).join(" or "))

/** A Schedule. */
export const schedule = <S>(argument: string, value: S): S =>
  Schedule.isSchedule(value) ? value : refuse(argument, value, "a Schedule")

/** An Effect, or undefined. It refuses a Promise and an AbortSignal, which callers in JavaScript may pass. */
export const effect = <A>(argument: string, value: A): A =>
  value === undefined || Effect.isEffect(value) ? value : refuse(argument, value, "an Effect")

/** A text. */
export const text = (argument: string, value: string, allowed: string): string =>
  Predicate.isString(value) ? value : refuse(argument, value, allowed)

/** A name, or undefined. */
export const name = (argument: string, value: string | undefined): string | undefined =>
  value === undefined || (Predicate.isString(value) && value !== "")
    ? value
    : refuse(argument, value, "a string that is not empty")

/** A name that may not be left out. */
export const requiredName = (argument: string, value: string): string =>
  name(argument, value) ?? refuse(argument, value, "a string that is not empty")

/** A function. */
export const fn = <A>(argument: string, value: A): A =>
  Predicate.isFunction(value) ? value : refuse(argument, value, "a function")

/** A function, or undefined. */
export const callback = <A>(argument: string, value: A): A => value === undefined ? value : fn(argument, value)

/** A list. */
export const iterable = <A>(argument: string, value: Iterable<A>): Iterable<A> =>
  Predicate.isIterable(value) ? value : refuse(argument, value, "a list")

/** A function of the run's number, or a list that is repeated. */
export const byRun = <A>(
  argument: string,
  value: ((run: number) => A) | ReadonlyArray<A>
): (run: number) => A | undefined => {
  if (Predicate.isFunction(value)) return value
  if (!Array.isArray(value) || value.length === 0) {
    return refuse(argument, value, "a function or a list with something in it")
  }
  return (run) => value[run % value.length]
}

/** A list that is not empty. */
export const nonEmpty = <A>(argument: string, value: ReadonlyArray<A>): ReadonlyArray<A> =>
  Array.isArray(value) && value.length > 0 ? value : refuse(argument, value, "a list with something in it")

/** True or false. It refuses undefined and values that are merely truthy or falsy. */
export const boolean = (argument: string, value: boolean): boolean =>
  Predicate.isBoolean(value) ? value : refuse(argument, value, "true or false")

/** An object of options, or undefined. */
export const options = <A>(argument: string, value: A): A =>
  value === undefined || Predicate.isObject(value) ? value : refuse(argument, value, "an object")

/** An object of options. */
export const requiredOptions = <A>(argument: string, value: A): A =>
  Predicate.isObject(value) ? value : refuse(argument, value, "an object")
