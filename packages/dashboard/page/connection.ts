/** The stream of changes. It connects again until the server answers. */
import type { Changes, Loops } from "../src/DashboardApi.ts"

/** The server sends an event at least every 5 seconds. */
const silence = 12_000

const longestDelay = 4000

/**
 * A page in the background reads all loops this often, and has no connection in between: a browser opens at most six to a server,
 * and with six open pages the seventh, and each action, would wait.
 */
const rest = 30_000

/** Half of the delay is drawn, so that the pages of a server that restarts do not come back at the same time. */
const delayOf = (failures: number): number => Math.min(longestDelay, 500 * 2 ** failures) * (0.5 + Math.random() / 2)

export const connect = (
  url: string,
  { onEvent, onLost }: { readonly onEvent: (event: Loops | Changes) => void; readonly onLost: () => void }
): void => {
  let failures = 0
  let source: EventSource | undefined
  // Until the connection counts as broken; without a connection, until the next one.
  let timer: ReturnType<typeof setTimeout> | undefined

  const disconnect = (delay: number) => {
    source?.close()
    source = undefined
    clearTimeout(timer)
    timer = setTimeout(open, delay)
  }
  const lose = () => {
    disconnect(delayOf(failures++))
    onLost()
  }
  const open = () => {
    source = new EventSource(url)
    timer = setTimeout(lose, silence)
    source.addEventListener("error", lose)
    source.addEventListener("message", ({ data }: MessageEvent<string>) => {
      failures = 0
      clearTimeout(timer)
      timer = setTimeout(lose, silence)
      onEvent(JSON.parse(data) as Loops | Changes)
      if (document.hidden) disconnect(rest)
    })
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) disconnect(0)
    else if (source?.readyState === EventSource.OPEN) disconnect(rest)
  })
  open()
}
