// Package traces records what Go's wait package does under virtual time. See README.md.
package traces

import (
	"context"
	"errors"
	"flag"
	"testing"

	"effect-wait/go-traces/trace"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

var out = flag.String("out", "../../packages/wait/test/fixtures", "the folder to write into")

func TestRecord(t *testing.T) {
	r := &trace.Recorder{T: t, Calls: calls}
	for _, rule := range rules() {
		r.Rule(rule)
	}
	generate(r)
	r.Write(*out)
}

var ms = trace.Duration

var errFailed = errors.New("failed")

func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, errFailed):
		return "error"
	case err == wait.ErrWaitTimeout:
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	default:
		panic(err)
	}
}

// loop is a call with a function that runs for ever.
func loop(call func(x *trace.World, f func())) trace.Call {
	return func(x *trace.World) string {
		call(x, func() { x.Run() })
		return "returned"
	}
}

func loopWithContext(call func(x *trace.World, f func(context.Context))) trace.Call {
	return func(x *trace.World) string {
		call(x, func(context.Context) { x.Run() })
		return "returned"
	}
}

// poll is a call with a condition.
func poll(call func(x *trace.World, condition wait.ConditionFunc) error) trace.Call {
	return func(x *trace.World) string {
		return outcome(call(x, func() (bool, error) {
			switch x.Run() {
			case trace.Done:
				return true, nil
			case trace.Error:
				return false, errFailed
			default:
				return false, nil
			}
		}))
	}
}

func pollWithContext(call func(x *trace.World, condition wait.ConditionWithContextFunc) error) trace.Call {
	return poll(func(x *trace.World, condition wait.ConditionFunc) error { return call(x, condition.WithContext()) })
}

func policy(p *trace.Policy) wait.Backoff {
	return wait.Backoff{Duration: ms(p.Duration), Factor: p.Factor, Jitter: p.Jitter, Steps: p.Steps, Cap: ms(p.Cap)}
}

func manager(args trace.Args) wait.BackoffManager {
	switch args.Manager {
	case "jittered":
		return wait.NewJitteredBackoffManager(ms(*args.Duration), *args.Jitter, clock.RealClock{})
	case "exponential":
		return wait.NewExponentialBackoffManager(
			ms(*args.Initial), ms(*args.Max), ms(*args.Reset), *args.Factor, *args.Jitter, clock.RealClock{})
	default:
		return &stepManager{backoff: policy(args.Policy)}
	}
}

// stepManager is the BackoffManager that people write over Backoff.Step.
type stepManager struct {
	backoff wait.Backoff
	timer   clock.Timer
}

func (m *stepManager) Backoff() clock.Timer {
	delay := m.backoff.Step()
	if m.timer == nil {
		m.timer = clock.RealClock{}.NewTimer(delay)
	} else {
		m.timer.Reset(delay)
	}
	return m.timer
}

func delays(args trace.Args) wait.DelayFunc {
	if args.Reset != nil {
		return policy(args.Policy).DelayWithReset(clock.RealClock{}, ms(*args.Reset))
	}
	return policy(args.Policy).DelayFunc()
}

var calls = map[string]trace.Call{
	"Forever": loop(func(x *trace.World, f func()) {
		// A goroutine that waits for a channel from outside its bubble keeps the fake clock from moving on.
		defer func(outside <-chan struct{}) { wait.NeverStop = outside }(wait.NeverStop)
		wait.NeverStop = make(chan struct{})
		wait.Forever(f, ms(*x.Args.Period))
	}),
	"Until": loop(func(x *trace.World, f func()) {
		wait.Until(f, ms(*x.Args.Period), x.StopCh)
	}),
	"UntilWithContext": loopWithContext(func(x *trace.World, f func(context.Context)) {
		wait.UntilWithContext(x.Ctx, f, ms(*x.Args.Period))
	}),
	"NonSlidingUntil": loop(func(x *trace.World, f func()) {
		wait.NonSlidingUntil(f, ms(*x.Args.Period), x.StopCh)
	}),
	"NonSlidingUntilWithContext": loopWithContext(func(x *trace.World, f func(context.Context)) {
		wait.NonSlidingUntilWithContext(x.Ctx, f, ms(*x.Args.Period))
	}),
	"JitterUntil": loop(func(x *trace.World, f func()) {
		wait.JitterUntil(f, ms(*x.Args.Period), *x.Args.JitterFactor, *x.Args.Sliding, x.StopCh)
	}),
	"JitterUntilWithContext": loopWithContext(func(x *trace.World, f func(context.Context)) {
		wait.JitterUntilWithContext(x.Ctx, f, ms(*x.Args.Period), *x.Args.JitterFactor, *x.Args.Sliding)
	}),
	"BackoffUntil": loop(func(x *trace.World, f func()) {
		wait.BackoffUntil(f, manager(x.Args), *x.Args.Sliding, x.StopCh)
	}),
	"BackoffUntilWithContext": loopWithContext(func(x *trace.World, f func(context.Context)) {
		wait.BackoffUntilWithContext(x.Ctx, f, manager(x.Args), *x.Args.Sliding)
	}),
	"DelayFunc.Until": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return delays(x.Args).Until(x.Ctx, *x.Args.Immediate, *x.Args.Sliding, condition)
	}),
	"Poll": poll(func(x *trace.World, condition wait.ConditionFunc) error {
		return wait.Poll(ms(*x.Args.Interval), ms(*x.Args.Timeout), condition)
	}),
	"PollWithContext": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.PollWithContext(x.Ctx, ms(*x.Args.Interval), ms(*x.Args.Timeout), condition)
	}),
	"PollImmediate": poll(func(x *trace.World, condition wait.ConditionFunc) error {
		return wait.PollImmediate(ms(*x.Args.Interval), ms(*x.Args.Timeout), condition)
	}),
	"PollImmediateWithContext": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.PollImmediateWithContext(x.Ctx, ms(*x.Args.Interval), ms(*x.Args.Timeout), condition)
	}),
	"PollInfinite": poll(func(x *trace.World, condition wait.ConditionFunc) error {
		return wait.PollInfinite(ms(*x.Args.Interval), condition)
	}),
	"PollInfiniteWithContext": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.PollInfiniteWithContext(x.Ctx, ms(*x.Args.Interval), condition)
	}),
	"PollImmediateInfinite": poll(func(x *trace.World, condition wait.ConditionFunc) error {
		return wait.PollImmediateInfinite(ms(*x.Args.Interval), condition)
	}),
	"PollImmediateInfiniteWithContext": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.PollImmediateInfiniteWithContext(x.Ctx, ms(*x.Args.Interval), condition)
	}),
	"PollUntil": poll(func(x *trace.World, condition wait.ConditionFunc) error {
		return wait.PollUntil(ms(*x.Args.Interval), condition, x.StopCh)
	}),
	"PollUntilWithContext": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.PollUntilWithContext(x.Ctx, ms(*x.Args.Interval), condition)
	}),
	"PollImmediateUntil": poll(func(x *trace.World, condition wait.ConditionFunc) error {
		return wait.PollImmediateUntil(ms(*x.Args.Interval), condition, x.StopCh)
	}),
	"PollImmediateUntilWithContext": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.PollImmediateUntilWithContext(x.Ctx, ms(*x.Args.Interval), condition)
	}),
	"PollUntilContextCancel": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.PollUntilContextCancel(x.Ctx, ms(*x.Args.Interval), *x.Args.Immediate, condition)
	}),
	"PollUntilContextTimeout": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.PollUntilContextTimeout(
			x.Ctx, ms(*x.Args.Interval), ms(*x.Args.Timeout), *x.Args.Immediate, condition)
	}),
	"ExponentialBackoff": poll(func(x *trace.World, condition wait.ConditionFunc) error {
		return wait.ExponentialBackoff(policy(x.Args.Policy), condition)
	}),
	"ExponentialBackoffWithContext": pollWithContext(func(x *trace.World, condition wait.ConditionWithContextFunc) error {
		return wait.ExponentialBackoffWithContext(x.Ctx, policy(x.Args.Policy), condition)
	}),
	"Backoff.Step": func(x *trace.World) string {
		backoff := policy(x.Args.Policy)
		for range x.Args.N {
			x.Delay(backoff.Step())
		}
		return "returned"
	},
}
