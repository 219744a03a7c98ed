/** Remembers a signal to end, also one that comes while the program is still loading. */

const controller = new AbortController()
const listener = (name: string) => controller.abort(name)
process.on("SIGINT", listener).on("SIGTERM", listener)

/** Aborted at the first signal, with its name. */
export const { signal } = controller

/** From here on a signal kills, as ever. */
export const release = (): void => {
  process.off("SIGINT", listener).off("SIGTERM", listener)
}
