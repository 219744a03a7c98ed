/** What a trial claims, and whether it held. */
import { Console } from "effect"

const claims: Array<boolean> = []

export const claim = (holds: boolean, text: string) => {
  claims.push(holds)
  return Console.log(`${holds ? "ok    " : "FAILED"} ${text}`)
}

export const note = (text: string) => Console.log(`       ${text}`)

export const allHold = (): boolean => !claims.includes(false)
