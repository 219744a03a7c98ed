/**
 * What a response that goes on has to know of the server.
 *
 * A server of Node that shuts down stops listening, and waits for the responses in flight: Effect's waits for 20 seconds. A stream
 * of changes never ends by itself, so a page that is open would hold up each deploy.
 */
import * as Predicate from "effect/Predicate"

/** Whether the server of this request is shutting down; false for other servers. */
export const isClosing = (request: object): boolean =>
  Predicate.hasProperty(request, "socket") &&
  Predicate.hasProperty(request.socket, "server") &&
  Predicate.hasProperty(request.socket.server, "listening") &&
  request.socket.server.listening === false

/** After a stream the connection is of no use: Node would keep it for 5 seconds. HTTP/2 has no such header. */
export const lastOfConnection = (request: object): Record<string, string> =>
  Predicate.hasProperty(request, "httpVersionMajor") && request.httpVersionMajor === 1 ? { connection: "close" } : {}
