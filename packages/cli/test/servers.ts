/** Servers that tests wait for. */
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import * as http2 from "node:http2"
import * as net from "node:net"
import { join } from "node:path"

/** Listens at a loopback port until the test is over; any free one by default. */
export const listen = <S extends net.Server>(server: S, port = 0, host = "127.0.0.1") =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: S; readonly port: number }>((resume) => {
      server.once("error", (error) => resume(Effect.die(error)))
      server.listen(port, host, () => {
        const address = server.address()
        resume(Effect.succeed({ server, port: address !== null && typeof address === "object" ? address.port : 0 }))
      })
    }),
    () => closed(server)
  )

const closed = (server: net.Server) =>
  Effect.callback<void>((resume) => {
    if ("closeAllConnections" in server && typeof server.closeAllConnections === "function") {
      server.closeAllConnections()
    }
    server.close(() => resume(Effect.void))
  })

export const tcpServer = () => net.createServer((socket) => socket.on("error", () => {}).end())

/** A port where nothing listens. */
export const freePort = Effect.scoped(Effect.map(listen(tcpServer()), ({ port }) => port))

/** An HTTP server whose requests are answered with these in turn; with the last from then on. */
export const answering = (...answers: ReadonlyArray<RequestListener>) => {
  const requests: Array<string> = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answers[Math.min(requests.length, answers.length) - 1]!(request, response)
  })
  return Effect.map(listen(server), ({ port }) => ({ requests, url: `http://127.0.0.1:${port}` }))
}

export const status = (code: number, headers = {}): RequestListener => (_, response) =>
  void response.writeHead(code, headers).end(code === 204 ? undefined : "body")

export const never: RequestListener = () => {}

/** A certificate of this machine that nobody has signed, made by openssl in a folder. */
export const certificate = (folder: string) => {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")]
  const options = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${key} -out ${cert}`
  execFileSync("openssl", options.split(" "), { stdio: "ignore" })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

const servingStatuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]

/** A gRPC server, written out: its health is these in turn, and the last from then on; it notes the service of each call. */
export const health = (...answers: ReadonlyArray<string>) => {
  const services: Array<string> = []
  const server = http2.createServer()
  server.on("stream", (stream, headers) => {
    const chunks: Array<Buffer> = []
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("end", () => {
      // After the five bytes of the frame: field 1, its length, the name.
      services.push(`${headers[":path"]} ${Buffer.concat(chunks).subarray(7).toString()}`)
      const status = servingStatuses.indexOf(answers[Math.min(services.length, answers.length) - 1]!)
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status < 0 ? "5" : "0" }))
      stream.end(status < 0 ? Buffer.alloc(0) : Buffer.from([0, 0, 0, 0, 2, 8, status]))
    })
    stream.on("error", () => {})
  })
  const sessions = new Set<http2.Http2Session>()
  server.on("session", (session) => sessions.add(session))
  return Effect.map(
    Effect.acquireRelease(
      listen(server),
      () => Effect.sync(() => sessions.forEach((session) => session.destroy()))
    ),
    ({ port }) => ({ services, port })
  )
}
