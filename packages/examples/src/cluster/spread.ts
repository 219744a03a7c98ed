/**
 * How loops spread over runners, as Effect's cluster does it: a loop has a shard by the hash of its name, a shard a runner by a hash ring.
 *
 * `npx --yes pnpm@12 exec node packages/examples/src/cluster/spread.ts`
 */
import { Hash, HashRing, PrimaryKey } from "effect"

const shards = 300

const spread = (loops: number, runners: number) => {
  const ring = HashRing.make<PrimaryKey.PrimaryKey>()
  for (let i = 0; i < runners; i++) HashRing.add(ring, { [PrimaryKey.symbol]: () => `10.0.${i >> 8}.${i & 255}:34431` })
  const owners = HashRing.getShards(ring, shards) ?? []
  const counts = new Map<string, number>()
  for (let i = 0; i < loops; i++) {
    const owner = owners[Math.abs(Hash.string(`tenant ${i}/sync`) % shards)]
    const key = owner === undefined ? "none" : PrimaryKey.value(owner)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const found = [...counts.values()]
  return { busy: found.length, least: found.length < runners ? 0 : Math.min(...found), most: Math.max(...found) }
}

// A run a minute, behind a fence: 4 statements. `ClusterLoop.fast`: 8.25 transactions a second a runner.
console.log(["loops", "runners", "shards each", "loops each", "runs/s", "statements/s", "locks' tx/s"].join(" | "))
for (const [loops, runners] of [[10, 3], [1000, 3], [100_000, 100]] as const) {
  const { least, most } = spread(loops, runners)
  console.log(
    [
      loops,
      runners,
      shards / runners,
      `${least} to ${most}`,
      (loops / 60).toFixed(1),
      (4 * loops / 60).toFixed(1),
      (8.25 * runners).toFixed(0)
    ]
      .join(" | ")
  )
}
