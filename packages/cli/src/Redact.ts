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
