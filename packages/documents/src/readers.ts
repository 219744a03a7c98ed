/** The readers of all systems whose documents have keys. */
import type { Reader } from "./reader.ts"
import { grpc } from "./systems/grpc.ts"
import { kubernetes } from "./systems/kubernetes.ts"
import { own } from "./systems/own.ts"
import { temporal } from "./systems/temporal.ts"

export const readers: ReadonlyArray<Reader> = [kubernetes, grpc, temporal, own]
