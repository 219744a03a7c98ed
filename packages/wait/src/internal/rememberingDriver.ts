/** A loop that remembers its runs through a restart. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Rules, Spec } from "./driver.ts"
import { ForkedDriver } from "./forkedDriver.ts"
import type { ForkedWatch } from "./forkedWatch.ts"
import type { LoopMoment } from "./moment.ts"
import type { Next } from "./next.ts"
import { done, type Plan } from "./plan.ts"
import type { Watched } from "./watch.ts"

/** The plan of any schedule. */
export type AnyPlan = Plan<unknown, never, unknown, unknown>

/** The memory of one loop. */
export interface Recollection<out F> {
  /** Reads what the store has. It waits for a store that is away. */
  readonly load: (loop: Watched) => Effect.Effect<void, F>
  /** Puts a schedule that has started where the memory says. The result is the wait for the first run; undefined in a new loop. */
  readonly recall: (plan: AnyPlan, state: unknown, at: LoopMoment) => number | undefined
  /** Asks the store before a run, which starts unless the loop is paused then. It waits for a store that is away. */
  readonly begin: BeginRun<F> | undefined
  /** Saves where the schedule stands before what comes next, inside its delay. It waits for a store that is away, until a stop. */
  readonly saveBefore: <B, E, R>(
    loop: Watched,
    plan: AnyPlan,
    state: unknown,
    next: Next<B, E, R>,
    during: (delay: number, save: Effect.Effect<void, F>) => Next<B, E | F, R>
  ) => Next<B, E | F, R>
  /** The loop was paused or resumed. Completes when the store has it. */
  readonly saveState: (loop: Watched) => Effect.Effect<void>
}

type BeginRun<F> = (
  loop: Watched,
  plan: AnyPlan,
  state: unknown,
  isTriggered: boolean
) => Effect.Effect<unknown, F>

export class RememberingDriver<A, E, R, In, Out, B, F> extends ForkedDriver<A, E, R, In, Out, B, F> {
  private readonly recollection: Recollection<F>
  // Neither a stop nor a trigger cuts this Effect short: it ends by itself.
  private uncut: unknown = undefined

  constructor(
    context: Context.Context<R>,
    rules: Rules<A, E, R, In, Out, B, F>,
    spec: Spec<A, E, R, In, Out, F>,
    watch: ForkedWatch,
    recollection: Recollection<F>
  ) {
    super(context, rules, spec, watch)
    this.recollection = recollection
  }

  protected override delayed(initialDelay: number): Effect.Effect<B, E | F, R> {
    return Effect.flatMap(this.wait(this.recollection.load(this)), () => super.delayed(initialDelay))
  }

  protected override firstRun(): Next<B, E | F, R> {
    const { at, plan, state } = this
    const wait = this.recollection.recall(plan, state, at)
    if (wait === undefined) return this.saveBefore(super.firstRun())
    // The memory has the delay as the combinators have changed it.
    return this.decide(wait === done ? wait : wait + (plan.since?.(state, at, wait) ?? 0))
  }

  protected override run(): Effect.Effect<unknown, E | F, R> {
    const { begin } = this.recollection
    if (begin === undefined || this.doing === "asking" || this.isStopping || this.isHeld) return super.run()
    this.doing = "asking"
    return this.wait(begin(this, this.plan, this.state, this.triggered))
  }

  protected override ran(exit: Exit.Exit<A, E>): Next<B, E | F, R> {
    this.at.awaitLimit()
    return this.saveBefore(super.ran(exit))
  }

  private saveBefore(next: Next<B, E | F, R>): Next<B, E | F, R> {
    const saved = this.recollection.saveBefore(
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
    if (this.doing !== "asking") return super.waited(result)
    this.wake = undefined
    this.at.startRun()
  }

  /** Completes when the memory has it, as `resume` does. */
  override pause(): Effect.Effect<void> {
    super.pause()
    return this.recollection.saveState(this)
  }

  override resume(): Effect.Effect<void> {
    super.resume()
    return this.recollection.saveState(this)
  }
}
