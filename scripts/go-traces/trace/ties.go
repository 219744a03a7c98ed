package trace

import (
	"math"
	"slices"
)

// margin is what times are moved by, in milliseconds, to see whether anything is decided by a tie. Scenarios are in whole
// microseconds, so that up to 999 times this is never one.
const margin = 0.001501

// nudged lists scenarios that differ from the given one by as good as nothing.
func nudged(s Scenario) []Scenario {
	var list []Scenario
	for _, by := range []float64{-margin, margin} {
		if s.Stop != nil && s.Stop.At > 0 {
			moved := s
			moved.Stop = &Stop{At: s.Stop.At + by}
			list = append(list, moved)
		}
		if s.Args.Timeout != nil && *s.Args.Timeout > 0 {
			moved := s
			moved.Args.Timeout = At(*s.Args.Timeout + by)
			list = append(list, moved)
		}
		if s.Args.Reset != nil && *s.Args.Reset > 0 {
			moved := s
			moved.Args.Reset = At(*s.Args.Reset + by)
			list = append(list, moved)
		}
		if slices.ContainsFunc(s.Runs, func(run Run) bool { return run.Takes > 0 }) {
			moved := s
			moved.Runs = slices.Clone(s.Runs)
			for i, run := range moved.Runs {
				if run.Takes > 0 {
					moved.Runs[i].Takes = run.Takes + by
				}
			}
			list = append(list, moved)
		}
	}
	return list
}

// alike says whether two traces tell the same story, give or take half a millisecond.
func alike(a, b Trace) bool {
	near := func(a, b []float64) bool {
		return slices.EqualFunc(a, b, func(a, b float64) bool { return math.Abs(a-b) < 0.5 })
	}
	return a.Outcome == b.Outcome && len(a.Draws) == len(b.Draws) && near(a.Starts, b.Starts) && near(a.Ends, b.Ends) &&
		near([]float64{a.Returned}, []float64{b.Returned})
}

// tossed says whether Go tosses a coin in a trace: stop and something else are both there when a check ends, and Go's
// select takes any of them. For the loops and for the polls with a context this is no matter, since they look at the stop once more.
func tossed(t Trace) bool {
	if t.Stop == nil {
		return false
	}
	stop := t.Stop.At
	if n := t.Stop.Run; n > 0 {
		if n > len(t.Starts) {
			return false
		}
		stop = t.Starts[n-1]
	}
	ready := func(int) float64 { return math.Inf(1) }
	switch {
	case t.Call == "WaitFor":
		ready = func(run int) float64 {
			switch {
			case run >= len(t.Args.Ticks):
				return math.Inf(1) // this was the last check: nothing follows
			case run == len(t.Args.Ticks)-1:
				return t.Starts[run] // the channel is closed as soon as the last tick is taken
			default:
				return t.Starts[run] + t.Args.Ticks[run+1]
			}
		}
		if stop == 0 && t.Stop.Run == 0 && (len(t.Args.Ticks) == 0 || t.Args.Ticks[0] == 0) {
			return true
		}
	case t.Args.Interval != nil && t.Args.Immediate == nil && t.Args.Timeout != nil && *t.Args.Timeout > 0:
		ready = func(run int) float64 {
			timeout := *t.Args.Timeout
			if immediate(t.Call) {
				if run == 0 {
					return math.Inf(1) // ticks and timeout begin after this check
				}
				timeout += t.Ends[0]
			}
			if timeout <= t.Starts[run] {
				return math.Inf(1) // this is the last check: nothing follows
			}
			return timeout
		}
	}
	for run, start := range t.Starts {
		if result := t.Runs[min(run, len(t.Runs)-1)].Result; result != Continue {
			continue
		}
		if start <= stop && stop <= t.Ends[run] && ready(run) <= t.Ends[run] {
			return true
		}
	}
	return false
}

func immediate(call string) bool {
	return call == "PollImmediate" || call == "PollImmediateWithContext"
}

// At is a number of milliseconds as an argument.
func At(ms float64) *float64 { return &ms }
