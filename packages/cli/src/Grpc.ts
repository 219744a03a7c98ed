/** The health of a gRPC server: `grpc.health.v1.Health/Check`. */
import { create, createFileRegistry, type DescMethod, type DescMethodUnary, toJson } from "@bufbuild/protobuf"
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema
} from "@bufbuild/protobuf/wkt"
import { Code, ConnectError } from "@connectrpc/connect"
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node"
import * as Effect from "effect/Effect"
import type { Trust } from "./Http.ts"
import { known, lookup } from "./Lookup.ts"
import type { Outcome } from "./Outcome.ts"

/** `service` is empty for the server as a whole. */
export interface Server {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly service: string
}

const names = "grpc.health.v1"

const field = { number: 1, label: FieldDescriptorProto_Label.OPTIONAL }

const file = create(FileDescriptorProtoSchema, {
  name: "grpc/health/v1/health.proto",
  package: names,
  syntax: "proto3",
  messageType: [
    {
      name: "HealthCheckRequest",
      field: [{ ...field, name: "service", jsonName: "service", type: FieldDescriptorProto_Type.STRING }]
    },
    {
      name: "HealthCheckResponse",
      field: [{
        ...field,
        name: "status",
        jsonName: "status",
        type: FieldDescriptorProto_Type.ENUM,
        typeName: `.${names}.HealthCheckResponse.ServingStatus`
      }],
      enumType: [{
        name: "ServingStatus",
        value: ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"].map((name, number) => ({ name, number }))
      }]
    }
  ],
  service: [{
    name: "Health",
    method: [{
      name: "Check",
      inputType: `.${names}.HealthCheckRequest`,
      outputType: `.${names}.HealthCheckResponse`
    }]
  }]
})

const check = createFileRegistry(file, () => undefined).getService(`${names}.Health`)?.method["check"]

const isUnary = (method: DescMethod): method is DescMethodUnary => method.methodKind === "unary"

// Of gRPC where the server has answered, of the socket where it has not.
const reasonOf = (error: unknown): string => {
  if (!(error instanceof ConnectError)) return String(error)
  const { cause, code } = error
  return cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase()
}

/** The status, or why there is none. */
const statusOf = ({ host, port, secure, service }: Server, { ca, insecure }: Trust): Effect.Effect<string, Error> =>
  Effect.gen(function*() {
    const addresses = yield* lookup(host)
    const baseUrl = `${secure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`
    return yield* Effect.callback<string>((resume) => {
      if (check === undefined || !isUnary(check)) return
      const sessionManager = new Http2SessionManager(baseUrl, {}, {
        lookup: known(addresses),
        ...insecure ? { rejectUnauthorized: false } : {},
        ...ca === undefined ? {} : { ca }
      })
      const aborted = new AbortController()
      createGrpcTransport({ baseUrl, sessionManager }).unary(check, aborted.signal, undefined, undefined, { service })
        .then(
          ({ message }) => {
            const json = toJson(check.output, message)
            return typeof json === "object" && json !== null && "status" in json ? String(json["status"]) : "UNKNOWN"
          },
          reasonOf
        ).then((status) => {
          sessionManager.abort()
          resume(Effect.succeed(status))
        })
      return Effect.sync(() => {
        aborted.abort()
        sessionManager.abort()
      })
    })
  })

/** It is serving. */
export const health = (server: Server, trust: Trust): Effect.Effect<Outcome, Error> =>
  Effect.map(
    statusOf(server, trust),
    (status): Outcome => status === "SERVING" ? { code: 0, what: "ok" } : { code: 1, what: status }
  )
