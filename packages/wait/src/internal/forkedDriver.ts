/** A loop in a fiber of its own: it can be paused. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { noDelay } from "./control.ts"
import { Driver, type Rules, type Spec } from "./driver.ts"
import type { ForkedWatch } from "./forkedWatch.ts"
import type { Decision } from "./next.ts"
import { done } from "./plan.ts"

export class ForkedDriver<A, E, R, In, Out, B, F> extends Driver<A, E, R, In, Out, B, F> {
  declare readonly watch: ForkedWatch

  constructor(
    context: Context.Context<R>,
    rules: Rules<A, E, R, In, Out, B, F>,
    spec: Spec<A, E, R, In, Out, F>,
    watch: ForkedWatch
  ) {
    super(context, rules, spec, watch, true)
  }

  // In a paused loop the schedule starts after the pause.
  protected override begin(): Effect.Effect<B, E | F, R> {
    return this.isHeld ? Effect.flatMap(this.hold(), () => this.begin()) : super.begin()
  }

  protected override run(): Effect.Effect<unknown, E | F, R> {
    return this.isHeld ? this.hold() : super.run()
  }

  protected override waited(result: unknown): void {
    const { doing } = this
    if (this.isStopping || doing === "deciding" || (doing === "sleeping" && !this.isHeld)) return super.waited(result)
    this.wake = undefined
    if (doing === "sleeping") return
    this.at.look()
    this.next = this.triggered ? 0 : this.resumed()
  }

  /** No run starts before the loop is resumed, triggered or stopped. */
  protected get isHeld(): boolean {
    return this.watch.isPaused && !this.triggered && this.stopped === undefined
  }

  private hold(): Effect.Effect<unknown> {
    this.doing = "holding"
    return Effect.callback((resume) => {
      if (this.isHeld) this.wake = resume
      else resume(noDelay)
    })
  }

  // An overdue run starts at once, unless the schedule has slots: then it waits for the next one. A backoff has none.
  private resumed(): Decision<B, E | F> {
    const { at, calendar, plan, state, watch } = this
    this.doing = "deciding"
    if (at.now < at.due) return at.due - at.now
    if (plan.again === undefined || watch.hasFailed) return 0
    const wait = plan.again(state, at)
    if (wait === done) return this.end("exhausted")
    if (calendar !== undefined) calendar.delay = wait + (plan.since?.(state, at, wait) ?? 0)
    at.want(wait)
    return wait
  }

  /** From now on only a trigger starts a run. A run in flight finishes. */
  pause(): Effect.Effect<void> {
    this.watch.pause(this)
    return Effect.void
  }

  resume(): Effect.Effect<void> {
    this.watch.resume(this)
    if (this.doing === "holding") this.endWait()
    return Effect.void
  }
}
