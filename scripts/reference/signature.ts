/** How an export is declared, in the words of its source: the names of types stay, bodies go. */
import ts from "typescript"

const dedent = (text: string): string => {
  const [first = "", ...rest] = text.split("\n")
  const indent = Math.min(...rest.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)))
  return [first, ...rest.map((line) => line.slice(indent === Infinity ? 0 : indent))].join("\n")
}

// From the type parameters to the closing parenthesis, and the result.
const called = (name: string, node: ts.SignatureDeclaration): string => {
  const end = node.getChildren().find(({ kind }) => kind === ts.SyntaxKind.CloseParenToken)!.end
  const head = node.getSourceFile().text.slice((node.typeParameters ?? node.parameters).pos - 1, end)
  return dedent(`function ${name}${head}: ${node.type!.getText()}`)
}

// An overload that is there for the messages of the compiler alone.
const isInternal = (node: ts.Node): boolean => ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "internal")

const overloads = (name: string, members: ReadonlyArray<ts.TypeElement>): string | undefined =>
  members.length > 0 && members.every(ts.isCallSignatureDeclaration)
    ? members.filter((member) => !isInternal(member)).map((member) => called(name, member)).join("\n\n")
    : undefined

// The last one first, so that the positions of the others stay.
const withoutInternal = (node: ts.ClassDeclaration, text: string): string => {
  const found: Array<ts.Node> = []
  const visit = (child: ts.Node): void => isInternal(child) ? void found.push(child) : ts.forEachChild(child, visit)
  node.heritageClauses?.forEach(visit)
  return found.reduceRight((left, { end, pos }) => left.slice(0, pos) + left.slice(end), text)
}

const classText = (node: ts.ClassDeclaration): string => {
  const { text } = node.getSourceFile()
  const members = node.members.filter((member) => !isInternal(member)).map((member) =>
    ts.isConstructorDeclaration(member) ? text.slice(member.getStart(), member.body!.pos) : member.getText()
  )
  const head = withoutInternal(node, text.slice(0, node.members.pos - 1)).slice(node.getStart()).trim()
  return members.length === 0 ? head : `${head} {\n${members.map((member) => `  ${member}`).join("\n")}\n}`
}

// An interface of calls, such as `Looping<Options>`, with what its type parameters stand for.
const apply = (node: ts.InterfaceDeclaration, { typeArguments }: ts.NodeWithTypeArguments, name: string) =>
  (node.typeParameters ?? []).reduce((text, parameter, i) =>
    text?.split("\n").map((line) => {
      const arg = dedent(typeArguments![i]!.getText()).replaceAll("\n", `\n${/^ */.exec(line)![0]}`)
      return line.replaceAll(new RegExp(`\\b${parameter.name.text}\\b`, "g"), () => arg)
    }).join("\n"), overloads(name, node.members))

const nameOf = (node: ts.Node): ts.Node | undefined =>
  ts.isTypeReferenceNode(node)
    ? node.typeName
    : ts.isTypeQueryNode(node)
    ? node.exprName
    : ts.isExpressionWithTypeArguments(node)
    ? node.expression
    : undefined

const variable = (node: ts.VariableDeclaration, checker: ts.TypeChecker): string => {
  const name = node.name.getText()
  const { initializer, type } = node
  if (type === undefined) {
    // `Effect.fnUntraced(function*() {})` as well
    const made = initializer !== undefined && ts.isCallExpression(initializer) ? initializer.arguments[0] : initializer
    return made !== undefined && (ts.isArrowFunction(made) || ts.isFunctionExpression(made))
      ? called(name, made).replace("Effect.fn.Return<", "Effect.Effect<")
      : `const ${node.getText()}`
  }
  if (ts.isFunctionTypeNode(type)) return called(name, type)
  if (ts.isTypeLiteralNode(type)) return overloads(name, type.members)!
  const origins = checker.getSymbolAtLocation(nameOf(type)!)?.declarations ?? []
  if (ts.isTypeQueryNode(type)) {
    return origins.filter(ts.isFunctionDeclaration).filter(({ body }) => body === undefined).map((origin) =>
      called(name, origin)
    ).join("\n\n")
  }
  const applied =
    origins.filter(ts.isInterfaceDeclaration).map((origin) => apply(origin, type as ts.TypeReferenceNode, name))[0]
  return applied ?? `const ${name}: ${type.getText()}`
}

/** The declaration, followed by the types that it names and nobody can import. */
export const signature = (
  declaration: ts.Declaration,
  checker: ts.TypeChecker,
  isPublic: (declaration: ts.Declaration) => boolean
): string => {
  const own = new Set([declaration])
  const visit = (node: ts.Node): void => {
    const named = nameOf(node)
    if (ts.isBlock(node) || named === undefined && ts.isExpression(node) && !ts.isArrowFunction(node)) return
    const origin = named && checker.getSymbolAtLocation(named)?.declarations?.[0]
    if (origin?.getSourceFile() === declaration.getSourceFile() && !own.has(origin)) {
      const isType = ts.isTypeAliasDeclaration(origin) || ts.isInterfaceDeclaration(origin)
      if (isType && !isPublic(origin)) own.add(origin)
      if (!isPublic(origin) || ts.isInterfaceDeclaration(origin) && overloads("", origin.members) !== undefined) {
        visit(origin)
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(declaration)
  return [...own].map((node) =>
    (ts.isVariableDeclaration(node)
      ? variable(node, checker)
      : ts.isClassDeclaration(node)
      ? classText(node)
      : node.getText()).replace(/^export (declare )?/, "").replaceAll("declare readonly", "readonly")
  ).join("\n\n")
}

// The names of the parameters. One that some overloads do not have is optional.
const namesOf = (overloads: ReadonlyArray<ts.SignatureDeclaration>): string => {
  const longest = overloads.toSorted((a, b) => b.parameters.length - a.parameters.length)[0]!
  const least = Math.min(...overloads.map(({ parameters }) => parameters.length))
  return longest.parameters.map(({ dotDotDotToken, name, questionToken }, i) => {
    const text = ts.isIdentifier(name) ? name.text : "options"
    if (dotDotDotToken !== undefined) return `...${text}`
    return questionToken !== undefined || i >= least ? `${text}?` : text
  }).join(", ")
}

// Data last: its result is a function of the subject.
const isLast = ({ type }: ts.FunctionDeclaration): boolean => type !== undefined && ts.isFunctionTypeNode(type)

/** How an export is called, with the names of its parameters alone; undefined for what is no function. */
export const callOf = (qualified: string, signature: string): string | undefined => {
  const { statements } = ts.createSourceFile("signature.ts", signature, ts.ScriptTarget.Latest, true)
  const overloads = statements.filter(ts.isFunctionDeclaration)
  if (overloads.length === 0) return undefined
  const [last, first] = [overloads.filter(isLast), overloads.filter((overload) => !isLast(overload))]
  const subject = last.length > 0 && ts.isFunctionTypeNode(last[0]!.type!)
    ? last[0]!.type.parameters[0]?.name.getText()
    : undefined
  const calls = first.length === 0 ? [] : [`${qualified}(${namesOf(first)})`]
  const piped = last.length === 0 ? [] : [`${subject}.pipe(${qualified}(${namesOf(last)}))`]
  return [...calls, ...piped].join("\n")
}
