/** A page of the reference, and the index, as markdown. */
import {
  type Comment,
  type CommentDisplayPart,
  type DeclarationReflection,
  Reflection,
  type ReflectionCategory
} from "typedoc"
import { callOf } from "./signature.ts"

export interface Module {
  readonly name: string
  /** What it is imported from. */
  readonly from: string
  /** Whether that exports it, and not a subpath alone. */
  readonly isInIndex: boolean
  /** Its source, from the root. */
  readonly source: string
  readonly reflection: DeclarationReflection
}

interface Site {
  readonly modules: ReadonlyArray<Module>
  readonly signatures: ReadonlyMap<Reflection, string>
}

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1)

// GitHub's, for names.
const slug = (name: string): string => name.toLowerCase().replace(/[^\w-]/g, "")

export const commentOf = (reflection: DeclarationReflection): Comment | undefined =>
  reflection.comment ?? reflection.getAllSignatures().find(({ comment }) => comment !== undefined)?.comment

const sinceOf = (reflection: DeclarationReflection): string =>
  commentOf(reflection)!.getTag("@since")!.content.map(({ text }) => text).join("").trim()

const first = (module: Module): string =>
  commentOf(module.reflection)!.summary.map(({ text }) => text).join("").split("\n\n")[0]!.replaceAll("\n", " ")

const href = ({ modules }: Site, here: Module, target: Reflection): string | undefined => {
  const module = modules.find(({ reflection }) => target === reflection || target.parent === reflection)
  if (module === undefined) return undefined
  const anchor = target === module.reflection ? "" : `#${slug(target.name)}`
  return module === here ? anchor : `${module.name}.md${anchor}`
}

// Links, and names in code such as `Loop.run`, lead to their export.
const prose = (site: Site, here: Module, parts: ReadonlyArray<CommentDisplayPart>): string =>
  parts.map((part) => {
    const text = part.kind === "inline-tag" ? `\`${part.text}\`` : part.text.replaceAll("*\\/", "*/")
    const [, module, member] = /^`(\w+)\.(\w+)`$/.exec(text) ?? []
    const target = part.kind === "inline-tag"
      ? part.target
      : site.modules.find(({ name }) => name === module)?.reflection.getChildByName([member!])
    const url = target instanceof Reflection ? href(site, here, target) : undefined
    return url === undefined ? text : `[${text}](${url})`
  }).join("").trim()

const entry = (reflection: DeclarationReflection): string => {
  const link = `[\`${reflection.name}\`](#${slug(reflection.name)})`
  return commentOf(reflection)!.getTag("@deprecated") === undefined ? link : `~~${link}~~`
}

// A signature of more lines is folded.
const most = 8

const member = (site: Site, here: Module, reflection: DeclarationReflection): string => {
  const comment = commentOf(reflection)!
  const tag = (name: `@${string}`) => comment.getTags(name).map(({ content }) => prose(site, here, content))
  // TypeDoc makes a list of several.
  const see = tag("@see").map((text) => text.startsWith("- ") ? text.replace(/^ -/gm, "-") : `- ${text}`)
  const since = sinceOf(reflection)
  // The sentence first, then how it is called; what is long is folded.
  const [sentence, ...rest] = prose(site, here, comment.summary).split("\n\n")
  const signature = site.signatures.get(reflection)!
  const code = `\`\`\`ts\n${signature}\n\`\`\``
  const call = signature.split("\n").length > most ? callOf(`${here.name}.${reflection.name}`, signature) : undefined
  return [
    `### ${reflection.name}`,
    ...tag("@deprecated").map((text) => `**Deprecated.** ${text}`),
    sentence,
    call === undefined
      ? code
      : `\`\`\`ts\n${call}\n\`\`\`\n\n<details><summary>All signatures</summary>\n\n${code}\n\n</details>`,
    ...rest.length === 0 ? [] : [rest.join("\n\n")],
    ...see.length === 0 ? [] : [`**See also**\n\n${see.join("\n")}`],
    ...since === sinceOf(here.reflection) ? [] : [`Since ${since}.`]
  ].join("\n\n")
}

const importOf = ({ from, isInIndex, name, reflection }: Module): string =>
  isInIndex
    ? `import { ${name} } from "${from}"`
    : `import ${
      reflection.children?.every((child) => child.name === name) === true ? `{ ${name} }` : `* as ${name}`
    } from "${from}/${name}"`

// In the order of the source; what it is described with comes last.
const last = ["errors", "models"]

export const page = (site: Site, here: Module): string => {
  const { reflection } = here
  const rank = ({ children, title }: ReflectionCategory) =>
    last.indexOf(title) * 1_000 + reflection.children!.indexOf(children[0] as DeclarationReflection)
  const categories = reflection.categories!.toSorted((a, b) => rank(a) - rank(b)).map(({ children, title }) => ({
    title: capital(title),
    children: children as ReadonlyArray<DeclarationReflection>
  }))
  const contents = categories.map(({ children, title }) => `- ${title}: ${children.map(entry).join(", ")}`)
  return [
    `# ${here.from}/${here.name}`,
    `\`\`\`ts\n${importOf(here)}\n\`\`\``,
    `Since ${sinceOf(reflection)} · [source](../../${here.source}) · [all modules](README.md)`,
    prose(site, here, reflection.comment!.summary),
    contents.join("\n"),
    ...categories.flatMap(({ children, title }) =>
      [`## ${title}`].concat(children.map((child) => member(site, here, child)))
    )
  ].join("\n\n") + "\n"
}

export const index = ({ modules }: Site): string =>
  [
    "# API reference",
    "A page for each module. They are written by `pnpm reference`, from the doc comments of the sources.",
    ...[...Map.groupBy(modules, ({ from }) => from)].flatMap(([from, modules]) => [
      `## ${from}`,
      [
        "| module | |",
        "|---|---|",
        ...modules.map((module) => `| [\`${module.name}\`](${module.name}.md) | ${first(module)} |`)
      ].join("\n")
    ])
  ].join("\n\n") + "\n"
