/** What people write who come from another tool, and what it is called here. */
import * as Redact from "./Redact.ts"

/** Of each command, its options, and what other tools call them: in kebab case. */
export const options: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  poll: {
    "--timeout": "t timeout-seconds deadline max-time",
    "--interval": "i wait-retry-interval retry-interval every period sleep",
    "--tcp, --http, --file or --unix": "w wait wait-for target",
    "--tcp HOST:PORT": "host port p address",
    "--http": "url u http-get",
    "--unix": "socket",
    "--check": "exec command cmd",
    "--invert": "reverse r invert-check not gone",
    "--stable": "window",
    "--no-immediate": "delay d",
    "--attempt-timeout": "http-timeout tcp-timeout connection-timeout connect-timeout",
    "--status": "expect-status-code expect-status validate-status code",
    "--body": "expect-body-regex expect-body match",
    "--json": "expect-body-json json-path jsonpath",
    "--header": "request-header wait-http-header http-header headers",
    "--no-follow": "no-redirect",
    "--insecure": "insecure-skip-tls-verify skip-tls-verify k",
    "--cacert": "ca-file ca",
    "--check 'curl -fsS …'":
      "cert cert-file key key-file request-body request-method http-method h2c method data expect-header",
    "--grpc HOST:PORT/SERVICE": "service",
    "--successes": "consecutive count",
    "no option: the command starts only after all targets hold": "strict s"
  },
  retry: {
    "--attempts": "n r t max-attempts times max-retries retries tries count max",
    "--attempt-timeout, for a single run": "timeout timeout-seconds timeout-minutes command-timeout",
    "--backoff 10s..10s": "delay d interval i sleep s wait w retry-wait-seconds period every",
    "--backoff": "max-delay min m max-interval exponential",
    "--within": "max-time deadline max-elapsed-time",
    "--on-exit": "retry-on retry-on-exit-code on-error exit-code",
    "--on-retry": "on-retry-command",
    "--grace": "k kill-after"
  },
  loop: {
    "--period": "n i interval every delay d sleep s wait",
    "--times": "count num c attempts max-runs repeat",
    "--survive": "forever keep-going ignore-errors continue-on-error",
    "--until-success": "until until-ok u",
    "no option: a failure ends the loop, unless there is a --survive": "e errexit exit-on-error",
    "--non-sliding": "precise p fixed-rate",
    "--cron": "schedule crontab",
    "--attempt-timeout, for a single run": "timeout t",
    "--grace": "k kill-after"
  }
}

const commands: Readonly<Record<string, string>> = {
  "poll": "wait wait-on wait-for wait-for-it wait4x dockerize tcp http until",
  "loop": "watch repeat every cron while again",
  "retry": "try",
  "retry --attempts 1 --attempt-timeout": "timeout",
  "preview": "simulate show plan draw"
}

const lookUp = (table: Readonly<Record<string, string>>, word: string): ReadonlyArray<string> =>
  Object.keys(table).filter((name) => table[name]?.split(" ").includes(word) === true)

/** What to write for an option that there is not. */
export const option = (command: string, name: string): ReadonlyArray<string> =>
  lookUp(
    options[command] ?? {},
    name.replace(/^-+/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll("_", "-")
  )

/** What to write for a command that there is not. */
export const command = (name: string): ReadonlyArray<string> => lookUp(commands, name)

// As wait-on, dockerize and wait-for-it.sh write targets; `:port` too.
const forms: ReadonlyArray<readonly [form: RegExp, option: string]> = [
  [/^(https?):\/\/(.*)$/, "--http"],
  [/^(https?)-get:\/\/(.*)$/, "--http"],
  [/^tcp:(?:\/\/)?(.*)$/, "--tcp"],
  [/^file:(?:\/\/)?(.*)$/, "--file"],
  [/^(?:socket|unix):(?:\/\/)?(.*)$/, "--unix"],
  [/^dns:(?:\/\/)?(.*)$/, "--dns"],
  [/^grpc:(?:\/\/)?(.*)$/, "--grpc"],
  [/^([\w.-]*:\d{1,5}|\[[\da-f:]+\]:\d{1,5})$/, "--tcp"]
]

/** How a target is written here, where the first word of a command is one. */
export const target = (word: string): string | undefined => {
  const [form, option] = forms.find(([form]) => form.test(word)) ?? []
  const parts = form?.exec(word)?.slice(1)
  return parts === undefined ? undefined : `${option} ${Redact.word(parts.join("://"))}`
}
