/** Serves the page on this machine only. */
import { readFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import { join } from "node:path"

const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8"
}

/** The server, and the address of the page. A port of 0 is any that is free. */
export const serve = (folder: string, port = 0): Promise<{ readonly server: Server; readonly url: string }> =>
  new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://localhost")
      const name = pathname === "/" ? "index.html" : pathname.slice(1)
      const type = types[name.split(".").at(-1) ?? ""]
      const isFile = /^[\w-]+\.\w+$/.test(name) && type !== undefined
      ;(isFile ? readFile(join(folder, name)) : Promise.reject(new Error("no file of the page"))).then(
        (body) => response.writeHead(200, { "content-type": type, "cache-control": "no-cache" }).end(body),
        () => response.writeHead(404, { "content-type": "text/plain" }).end("not found\n")
      )
    })
    server.once("error", reject)
    server.listen(port, "127.0.0.1", () => {
      const address = server.address()
      resolve({ server, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : port}/` })
    })
  })
