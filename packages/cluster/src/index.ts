/**
 * One owner in the cluster: loops and polls that outgrow one machine.
 *
 * @since 0.1.0
 */
export * as ClusterLoop from "./ClusterLoop.ts"
export * as DurablePoll from "./DurablePoll.ts"
export * as Fence from "./Fence.ts"
export * as PollStore from "./PollStore.ts"
export * as Term from "./Term.ts"
