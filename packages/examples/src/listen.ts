/** A server of Node's on loopback, until the Scope closes. */
import { Effect, type Scope } from "effect"
import { createServer, type Server } from "node:http"

/** Port 0 takes one that is free. */
export const listen = (port: number): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer().once("error", (error) => resume(Effect.die(error)))
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

export const portOf = (server: Server): Effect.Effect<number> => {
  const address = server.address()
  return typeof address === "object" && address !== null
    ? Effect.succeed(address.port)
    : Effect.die("The server does not listen on a port")
}
