/**
 * Waits for a server, then keeps two loops running against it, for 8 seconds or until Ctrl-C.
 *
 * `npx --yes pnpm@12 demo`
 */
import { signal } from "../signals.ts"

// The rest takes a while to load, and a Ctrl-C may come just then.
if (!signal.aborted) await import("./program.ts")
