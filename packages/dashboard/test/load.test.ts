import { executable } from "@effect-wait/browser"
import { assert, test } from "vitest"
import { bounds, measure } from "../../../scripts/dashboard/load.ts"

test.skipIf(executable() === undefined)(
  "1,000 loops with 100 changes a second: no frame of 50 ms, and less than 5 % of a core for the server",
  { timeout: 180_000 },
  async () => {
    const { frame, server } = await measure(1000, 100, 20, 2)
    assert.isBelow(frame, bounds.frame)
    assert.isBelow(server, bounds.server)
  }
)
