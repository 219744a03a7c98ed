/** No password and no token of a URL is printed. */

const query = (text: string): string =>
  text.replace(
    /\?[^\s"'#]*/g,
    (query) =>
      `?${
        query.slice(1).split("&").map((part) => part === "" ? "" : `${/^[^=]*=/.exec(part)?.[0] ?? ""}***`).join("&")
      }`
  )

/** A URL as it is printed: without name, password and fragment, and only the names in its query. */
export const url = ({ host, pathname, protocol, search, username }: URL): string =>
  `${protocol}//${username === "" ? "" : "***@"}${host}${pathname}${query(search)}`

/** Any text that may contain such URLs. */
export const text = (text: string): string =>
  text.split(/(\s)/).map((word) =>
    word.includes("//") ? query(word.replace(/\/\/.*@/, "//***@")).replace(/#[^"']+/, "#***") : word
  ).join("")

// As `query`, to the end of the text.
const wholeQuery = (text: string): string =>
  text.replace(
    /\?.*/s,
    (query) => `?${query.slice(1).split("&").map((part) => `${/^[\w.-]+=/.exec(part)?.[0] ?? ""}***`).join("&")}`
  )

/** An address as it was typed, however wrong it is: nothing of it that may be secret. */
export const address = (text: string): string =>
  wholeQuery(text.replace(/^(.*?\/\/)?.*@/s, "$1***@")).replace(/#.*/s, "#***")

/** A word of the command line: it may be a URL. */
export const word = (text: string): string => text.includes("//") ? address(text) : text

const assignments = /^\s*(?:[a-z_]\w*=(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])*\s+)*/is

/** Of a script its first program: of PGPASSWORD='x y' psql it is psql. */
export const script = (command: string): string =>
  /^[\w./+[!-]+(?=\s|$)/.exec(command.replace(assignments, ""))?.[0] ?? "command"

/** The name of a command, which may be a URL, a script, or an assignment. */
export const command = (text: string): string => {
  if (/\s/.test(text)) return `${script(text)} …`
  const [, variable] = /^([a-z_]\w*)=/i.exec(text) ?? []
  return variable === undefined ? word(text) : `${variable}=***`
}

/** What to say of a command that there is not. */
export const missing = (text: string): string => {
  const hint = /\s/.test(text)
    ? "; a script is sh -c '…', and each word of a command stands for itself"
    : /^[a-z_]\w*=/i.test(text)
    ? "; a variable is set by env NAME=VALUE before the command"
    : ""
  return `${command(text)}: command not found${hint}`
}
