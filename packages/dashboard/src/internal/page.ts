/** The page and its files, as routes. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as assets from "./assets.ts"

// The page has no other source than its own files, puts no text into markup, and is in no frame.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

const headers = {
  "cache-control": "no-cache",
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" }

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => entities[character] ?? character)

const schemesOf = (authorization: unknown): ReadonlyArray<unknown> =>
  Predicate.hasProperty(authorization, "security") && Predicate.isObject(authorization.security)
    ? Object.values(authorization.security).map((security) =>
      Predicate.hasProperty(security, "scheme")
        ? security.scheme
        : Predicate.hasProperty(security, "_tag") && security._tag
    )
    : []

/** How the page authorizes its actions: with a token, a password, or what a browser sends anyway, such as a cookie. */
const schemeOf = (authorization: unknown): string => {
  const schemes = schemesOf(authorization)
  return ["Bearer", "Basic"].find((scheme) => schemes.includes(scheme))?.toLowerCase() ?? "browser"
}

const html = (files: string, title: string, scheme: string, canStop: boolean): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<link rel="icon" href="${files}/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${files}/dashboard.css?${assets.version}">
<script type="module" src="${files}/dashboard.js?${assets.version}"></script>
</head>
<body data-api="${files}/api" data-actions="${scheme}" data-stop="${canStop}">
<noscript>This page needs JavaScript. <a href="${files}/api">The loops as JSON</a></noscript>
</body>
</html>
`

const file = (content: string, contentType: string) =>
  HttpServerResponse.text(content, { contentType, headers: fileHeaders })

const fileHeaders = {
  "cache-control": "no-cache",
  etag: `"${assets.version}"`,
  "x-content-type-options": "nosniff"
}

// The page names its version. A file of the same version never changes.
const immutable = HttpServerResponse.setHeader("cache-control", "public, max-age=31536000, immutable")

const fileRoute = (path: `/${string}`, content: string, contentType: string) => {
  const response = file(content, contentType)
  const cached = immutable(response)
  return HttpRouter.add(
    "GET",
    path,
    ({ url }) => Effect.succeed(url.endsWith(`?${assets.version}`) ? cached : response)
  )
}

/** `authorization` is undefined for a page without actions. */
export const pageRoutes = (base: `/${string}` | "", title: string, authorization: unknown, canStop: boolean) => {
  const scheme = authorization === undefined ? "none" : schemeOf(authorization)
  // Relative addresses, so that a proxy may add or remove a prefix.
  const page = (files: string) =>
    HttpServerResponse.html(html(files, title, scheme, canStop)).pipe(HttpServerResponse.setHeaders(headers))
  const plain = page(base === "" ? "." : `./${base.slice(base.lastIndexOf("/") + 1)}`)
  const withSlash = page(".")
  return Layer.mergeAll(
    HttpRouter.add(
      "GET",
      base === "" ? "/" : base,
      ({ originalUrl }) => Effect.succeed(/^[^?#]*\/($|[?#])/.test(originalUrl) ? withSlash : plain)
    ),
    fileRoute(`${base}/dashboard.js`, assets.script, "text/javascript; charset=utf-8"),
    fileRoute(`${base}/dashboard.css`, assets.style, "text/css; charset=utf-8"),
    fileRoute(`${base}/icon.svg`, assets.icon, "image/svg+xml")
  )
}
