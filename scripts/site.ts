/**
 * Where the project is on the web: one setting for the manifests and the packed READMEs of all packages.
 *
 * `node scripts/site.ts` writes it into the manifests. `check:package` fails if they differ.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

/** The repository's address, such as `https://github.com/<owner>/<name>`. Empty as long as there is none. */
export const address: string = ""

interface Manifest {
  readonly private?: true
  readonly [field: string]: unknown
}

/** The manifest of a package, with the address in its fields or, where there is none, without them. */
export const manifestAt = (address: string, folder: string, manifest: Manifest): Manifest => {
  const { bugs: _bugs, homepage: _homepage, license, repository: _repository, ...rest } = manifest
  const fields = Object.entries(rest)
  const place = fields.findIndex(([field]) => field === "type")
  const site = address === "" ? [] : Object.entries({
    homepage: `${address}#readme`,
    bugs: `${address}/issues`,
    repository: { type: "git", url: `git+${address}.git`, directory: folder }
  })
  return Object.fromEntries([...fields.slice(0, place), ...site, ["license", license], ...fields.slice(place)])
}

/** Whether a link leads to another file of the repository. */
export const isRelative = (target: string): boolean => !/^([a-z][a-z0-9+.-]*:|#)/i.test(target)

/**
 * A README as the registry shows it: no link and no picture in it leads into the repository by a relative path. Where there is
 * no address, a link is its text, and a picture is left out.
 */
export const readmeAt = (address: string, folder: string, text: string): string => {
  const absolute = (target: string, kind: "blob" | "raw") =>
    `${address}/${kind}/main/${normalize(join(folder, target)).replaceAll("\\", "/")}`
  const linked = (text: string) =>
    text.replace(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (link: string, image: string, text: string, target: string) => {
      if (!isRelative(target)) return link
      if (address !== "") return `${image}[${text}](${absolute(target, image === "" ? "blob" : "raw")})`
      return image === "" ? text : ""
    })
  const pictured = (text: string) =>
    address === ""
      ? text.replace(/<picture>[^]*?<\/picture>\n\n?/g, "")
      : text.replace(
        /(src|srcset)="([^"]+)"/g,
        (attribute: string, name: string, target: string) =>
          isRelative(target) ? `${name}="${absolute(target, "raw")}"` : attribute
      )
  // Fenced code is no text.
  return text.split(/^(```[^]*?^``` *$)/m).map((part, i) => i % 2 === 1 ? part : linked(pictured(part))).join("")
    .replace(/\n{3,}/g, "\n\n")
}

/** The published packages: their folders, and their manifests as they are. */
export const manifests = (): ReadonlyArray<readonly [folder: string, file: string, text: string]> =>
  globSync("packages/*/package.json").toSorted().flatMap((file) => {
    const text = readFileSync(file, "utf8")
    const { private: isPrivate }: Manifest = JSON.parse(text)
    return isPrivate === true ? [] : [[dirname(file), file, text] as const]
  })

/** The text of a manifest with the address in it. */
export const manifestText = (address: string, folder: string, text: string): string =>
  `${JSON.stringify(manifestAt(address, folder, JSON.parse(text)), null, 2)}\n`

if (import.meta.main) {
  for (const [folder, file, text] of manifests()) writeFileSync(file, manifestText(address, folder, text))
}
