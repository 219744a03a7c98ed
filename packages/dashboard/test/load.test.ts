import { executable } from "@effect-wait/browser"
import { assert, test } from "vitest"
import { bounds, measure } from "../../../scripts/dashboard/load.ts"

test.skipIf(executable() === undefined)(
  "1,000 loops with 100 changes a second: no task of 50 ms in the page, and less than 5 % of a core for the server",
  // What another program takes for a moment is no task of the page.
  { timeout: 180_000, retry: 2 },
  async () => {
    const { server, task } = await measure(1000, 100, 10)
    assert.isBelow(task, bounds.task)
    assert.isBelow(server, bounds.server)
  }
)
