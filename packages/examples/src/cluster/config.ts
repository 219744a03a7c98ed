/** What all processes of the cluster have in common. */
import { ClusterLoop } from "@effect-wait/cluster"

export const config = { ...ClusterLoop.fast, shardsPerGroup: 8 }
