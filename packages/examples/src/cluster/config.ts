/** What all processes of the cluster have in common. */
import { ClusterLoop } from "@effect-wait/cluster"

/** `CLUSTER_DEFAULTS=1` takes the settings of Effect instead of `ClusterLoop.fast`. Replicas inherit it. */
export const hasDefaults = process.env["CLUSTER_DEFAULTS"] === "1"

export const config = { ...(hasDefaults ? {} : ClusterLoop.fast), shardsPerGroup: 8 }
