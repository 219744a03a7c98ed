/** A loop in a fiber of its own: it can be paused, and it may remember its runs through a restart. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { noDelay } from "./control.ts"
import { Driver, type Rules, type Spec } from "./driver.ts"
import type { ForkedWatch } from "./forkedWatch.ts"
import type { Recollection } from "./loopStore.ts"
import type { Decision, Next } from "./next.ts"
import { done } from "./plan.ts"

export class ForkedDriver<A, E, R, In, Out, B, F> extends Driver<A, E, R, In, Out, B, F> {
  declare readonly watch: ForkedWatch
  // Only where the loop outlives the process.
  declare private recollection?: Recollection<F>
  // Neither a stop nor a trigger cuts this Effect short: it ends by itself.
  declare private uncut?: unknown

  constructor(
    context: Context.Context<R>,
    rules: Rules<A, E, R, In, Out, B, F>,
    spec: Spec<A, E, R, In, Out, F>,
    watch: ForkedWatch,
    memory?: Recollection<F>
  ) {
    super(context, rules, spec, watch, true)
    if (memory !== undefined) this.recollection = memory
  }

  protected override delayed(initialDelay: number): Effect.Effect<B, E | F, R> {
    if (this.recollection === undefined) return super.delayed(initialDelay)
    return Effect.flatMap(this.wait(this.recollection.load(this)), () => {
      this.at.look()
      this.at.setDue(initialDelay)
      return super.delayed(initialDelay)
    })
  }

  // In a paused loop the schedule starts after the pause.
  protected override begin(): Effect.Effect<B, E | F, R> {
    return this.isHeld ? Effect.flatMap(this.hold(), () => this.begin()) : super.begin()
  }

  protected override firstRun(): Next<B, E | F, R> {
    const { at, plan, recollection, state } = this
    if (recollection === undefined) return super.firstRun()
    at.setDue(0)
    const wait = recollection.recall(plan, state, at)
    if (wait === undefined) return this.saveBefore(recollection, super.firstRun())
    // What the combinators make of a delay is in the memory.
    return this.decide(wait === done ? wait : wait + (plan.since?.(state, at, wait) ?? 0))
  }

  protected override run(): Effect.Effect<unknown, E | F, R> {
    if (this.isStopping) return super.run()
    if (this.isHeld) return this.hold()
    const begin = this.recollection?.begin
    if (begin === undefined || this.doing === "asking") return super.run()
    this.doing = "asking"
    return this.wait(begin(this, this.plan, this.state, this.triggered))
  }

  protected override ran(exit: Exit.Exit<A, E>): Next<B, E | F, R> {
    const { recollection } = this
    if (recollection === undefined) return super.ran(exit)
    this.at.awaitLimit()
    return this.saveBefore(recollection, super.ran(exit))
  }

  private saveBefore(recollection: Recollection<F>, next: Next<B, E | F, R>): Next<B, E | F, R> {
    const saved = recollection.saveBefore(
      this,
      this.plan,
      this.state,
      next,
      (delay, save) => this.during(delay, save, () => this.rules.ended(this, "exhausted"))
    )
    // A stop cuts the hook of a failure short.
    if (!Effect.isEffect(next)) this.uncut = saved
    return saved
  }

  protected override wait<X>(effect: Effect.Effect<X, E | F, R>): Effect.Effect<X | number, E | F, R> {
    return effect === this.uncut ? effect : super.wait(effect)
  }

  protected override waited(result: unknown): void {
    const { doing } = this
    if (this.isStopping || doing === "deciding" || (doing === "sleeping" && !this.isHeld)) return super.waited(result)
    this.wake = undefined
    if (doing === "holding") {
      this.at.look()
      this.next = this.triggered ? 0 : this.resumed()
    } else if (doing === "asking") {
      this.at.startRun()
    }
  }

  /** No run starts before the loop is resumed, triggered or stopped. */
  private get isHeld(): boolean {
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

  /** From now on only a trigger starts a run. A run in flight finishes. The result completes when the memory has it. */
  pause(): Effect.Effect<void> {
    this.watch.pause(this)
    return this.recollection?.saveState(this) ?? Effect.void
  }

  resume(): Effect.Effect<void> {
    this.watch.resume(this)
    if (this.doing === "holding") this.endWait()
    return this.recollection?.saveState(this) ?? Effect.void
  }
}
