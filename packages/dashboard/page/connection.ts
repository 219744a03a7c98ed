/** The stream of changes. It connects again until the server answers. */
import type { Changes, Loops } from "../src/DashboardApi.ts"

/** The server sends an event at least every 5 seconds. */
const silence = 12_000

const longestDelay = 4000

/** Half of the delay is drawn, so that the pages of a server that restarts do not come back at the same time. */
const delayOf = (failures: number): number => Math.min(longestDelay, 500 * 2 ** failures) * (0.5 + Math.random() / 2)

export const connect = (
  url: string,
  { onEvent, onLost }: { readonly onEvent: (event: Loops | Changes) => void; readonly onLost: () => void }
): void => {
  let failures = 0
  const open = () => {
    const source = new EventSource(url)
    const lose = () => {
      source.close()
      clearTimeout(watchdog)
      onLost()
      setTimeout(open, delayOf(failures++))
    }
    let watchdog = setTimeout(lose, silence)
    source.addEventListener("error", lose)
    source.addEventListener("message", ({ data }: MessageEvent<string>) => {
      failures = 0
      clearTimeout(watchdog)
      watchdog = setTimeout(lose, silence)
      onEvent(JSON.parse(data) as Loops | Changes)
    })
  }
  open()
}
