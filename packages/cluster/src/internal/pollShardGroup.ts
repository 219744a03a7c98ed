/** Shard groups that would run nothing, refused by name. */
import * as Cause from "effect/Cause"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Dies if this runner does not have the shard group, or cannot know. */
export const refuseShardGroup = (
  name: string,
  shardGroup: string,
  config: Option.Option<ShardingConfig.ShardingConfig["Service"]>
): Effect.Effect<void> => {
  const refuse = (why: string) =>
    Effect.die(
      new Cause.IllegalArgumentError(`The poll "${name}" is served in the shard group "${shardGroup}", ${why}`)
    )
  if (Option.isNone(config)) {
    return shardGroup === "default" ? Effect.void : refuse(
      "and nothing says whether this runner has it. Provide the ShardingConfig of the runner to the layer of the poll as well."
    )
  }
  if (Option.isNone(config.value.runnerAddress)) {
    return refuse(
      "and this runner has no address: it is a client of the cluster, which serves nothing. It can start and await polls without a layer."
    )
  }
  const { assigned } = ShardingConfig.shardGroupConfig(config.value)
  return assigned.has(shardGroup) ? Effect.void : refuse(
    `which this runner does not have: it has ${
      Array.from(assigned, (group) => `"${group}"`).join(", ") || "none"
    }. Add it to assignedShardGroups and availableShardGroups of its ShardingConfig, or leave the poll to the runners that have it.`
  )
}
