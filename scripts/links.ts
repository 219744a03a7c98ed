/** Every link and image of the docs that is not on the web: the file is there, and has the heading. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"

interface Link {
  readonly line: number
  readonly target: string
}

// Fenced code is no text; a line stays a line.
const textOf = (file: string): string =>
  readFileSync(file, "utf8").replace(/^([ >]*)(```+|~~~+)[^]*?^\1\2 *$/gm, (fence) => fence.replace(/.+/g, ""))

const linksOf = (text: string): ReadonlyArray<Link> =>
  text.split("\n").flatMap((line, i) =>
    [...line.replace(/`[^`]*`/g, "`").matchAll(/\]\(<?([^)\s>]+)|^\[[^\]]+\]: *(\S+)|(?:href|src|srcset)="([^"]+)"/g)]
      .map((
        [, inline, reference, html]
      ) => ({ line: i + 1, target: (inline ?? reference ?? html)! }))
  )

// As GitHub makes them; those of the same text are counted.
const anchorsOf = (text: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const [, heading] of text.matchAll(/^ {0,3}#{1,6} +(.+?)(?: +#+)? *$/gm)) {
    const words = heading!.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/<[^>]+>/g, "").toLowerCase()
    const slug = words.replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "").replaceAll(" ", "-")
    let anchor = slug
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`
    anchors.add(anchor)
  }
  for (const [, id] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id!)
  return anchors
}

// What assistants read in the package leads to what is in the package.
const published = new Set(["packages/wait/AGENTS.md", "packages/wait/llms.txt"])
const { files } = JSON.parse(readFileSync("packages/wait/package.json", "utf8")) as { files: ReadonlyArray<string> }
const isPublished = (path: string): boolean =>
  ["README.md", "package.json", ...files].some((file) => path === file || path.startsWith(`${file}/`))

const check = (file: string, target: string): string | undefined => {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined
  const [path, anchor] = target.split("#").map(decodeURIComponent)
  const named = path === "" ? file : join(dirname(file), path!)
  // The root's README is copied into the package while it is packed.
  const found = named === "packages/wait/README.md" ? "README.md" : named
  if (published.has(file) && !isPublished(relative("packages/wait", named))) return "is not in the package"
  if (found.startsWith("..") || !existsSync(found)) return "is not there"
  return anchor && found.endsWith(".md") && !anchorsOf(textOf(found)).has(anchor) ? "has no such heading" : undefined
}

const list = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md", "*llms.txt"]
const pages = execFileSync("git", list, { encoding: "utf8" }).trim().split("\n").filter((file) => existsSync(file))
const links = new Map(pages.map((file) => [file, linksOf(textOf(file))]))
const findings = [...links].flatMap(([file, links]) =>
  links.flatMap(({ line, target }) => {
    const finding = check(file, target)
    return finding === undefined ? [] : [`${file}:${line} ${target} ${finding}`]
  })
)

for (const finding of findings) console.log(finding)
console.log(`${pages.length} pages, ${[...links.values()].flat().length} links, ${findings.length} findings`)
process.exit(findings.length === 0 ? 0 : 1)
