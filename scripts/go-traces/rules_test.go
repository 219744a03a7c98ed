package traces

import (
	"math"

	"effect-wait/go-traces/trace"
)

type (
	scenario = trace.Scenario
	args     = trace.Args
	run      = trace.Run
)

var (
	at       = trace.At
	yes, no  = true, false
	stopped  = &trace.Stop{}
	neverEnd = works(0)
)

func stopAt(ms float64) *trace.Stop { return &trace.Stop{At: ms} }

func stopIn(run int) *trace.Stop { return &trace.Stop{Run: run} }

// works are runs that take so long, each, and go on.
func works(takes ...float64) []run {
	runs := make([]run, len(takes))
	for i, ms := range takes {
		runs[i] = run{Takes: ms, Result: trace.Continue}
	}
	return runs
}

// last has the last of these runs end with this.
func last(result string, runs []run) []run {
	runs[len(runs)-1].Result = result
	return runs
}

func policyOf(duration, factor, jitter float64, steps int, longest float64) *trace.Policy {
	return &trace.Policy{Duration: duration, Factor: factor, Jitter: jitter, Steps: steps, Cap: longest}
}

// rules are the scenarios written by hand: at least one for each thing that the real package does, as DESIGN.md lists it.
func rules() []scenario {
	var list []scenario
	add := func(calls []string, scenarios ...scenario) {
		for _, call := range calls {
			for _, s := range scenarios {
				s.Call = call
				list = append(list, s)
			}
		}
	}
	twins := func(call string) []string { return []string{call, call + "WithContext"} }

	add([]string{"Forever"},
		scenario{Name: "the period starts when the run ends", Args: args{Period: at(1000)}, Runs: last(trace.Goexit, works(400, 400, 400, 400))},
		scenario{Name: "ends in its first run", Args: args{Period: at(1000)}, Runs: last(trace.Goexit, works(0))},
		scenario{Name: "a period of 0 runs back to back", Args: args{Period: at(0)}, Runs: last(trace.Goexit, works(0, 0, 150, 0, 50))},
	)

	// What Until and NonSlidingUntil, JitterUntil and BackoffUntil have in common.
	looping := func(with func(period float64) args) []scenario {
		return []scenario{
			{Name: "stops while it sleeps", Args: with(1000), Runs: works(400), Stop: stopAt(3900.007)},
			{Name: "a run in flight at the stop finishes", Args: with(1000), Runs: works(700), Stop: stopAt(2300.011)},
			{Name: "the period passes and stop comes during a run", Args: with(1000), Runs: works(100, 3000.017), Stop: stopAt(2800.013)},
			{Name: "stop comes within a run of no length", Args: with(1000), Runs: works(0), Stop: stopIn(4)},
			{Name: "stop comes within a run", Args: with(1000), Runs: works(250), Stop: stopIn(3)},
			{Name: "already stopped: no run", Args: with(1000), Runs: works(100), Stop: stopped},
			{Name: "runs that grow past the period", Args: with(1000), Runs: works(400, 800, 1200, 1600, 2000), Stop: stopAt(11000.019)},
			{Name: "runs as long as the period", Args: with(1000), Runs: works(1000), Stop: stopAt(6500.023)},
			{Name: "period 0 runs back to back and sees its stop", Args: with(0), Runs: works(0), Stop: stopIn(5)},
			{Name: "period 0 and runs that take time", Args: with(0), Runs: works(120.003), Stop: stopAt(1000.029)},
			{Name: "period 0, already stopped: no run", Args: with(0), Runs: works(0), Stop: stopped},
		}
	}
	add(twins("Until"), looping(func(period float64) args { return args{Period: at(period)} })...)
	add(twins("NonSlidingUntil"), looping(func(period float64) args { return args{Period: at(period)} })...)
	for _, sliding := range []*bool{&yes, &no} {
		name := " (not sliding)"
		if *sliding {
			name = " (sliding)"
		}
		named := func(scenarios []scenario) []scenario {
			for i := range scenarios {
				scenarios[i].Name += name
			}
			return scenarios
		}
		add(twins("JitterUntil"), named(looping(func(period float64) args {
			return args{Period: at(period), JitterFactor: at(0.5), Sliding: sliding}
		}))...)
		add(twins("JitterUntil"), named([]scenario{
			{Name: "a factor of 0 draws nothing", Args: args{Period: at(1000), JitterFactor: at(0), Sliding: sliding},
				Runs: works(400), Stop: stopAt(5300.031)},
			{Name: "a factor below 0 draws nothing", Args: args{Period: at(1000), JitterFactor: at(-1), Sliding: sliding},
				Runs: works(400), Stop: stopAt(5300.031)},
		})...)

		jittered := func(period float64) args {
			return args{Manager: "jittered", Duration: at(period), Jitter: at(0.25), Sliding: sliding}
		}
		exponential := func(initial, longest, reset, factor float64) args {
			return args{
				Manager: "exponential", Initial: at(initial), Max: at(longest), Reset: at(reset),
				Factor: at(factor), Jitter: at(0), Sliding: sliding,
			}
		}
		reflector := exponential(800, 30000, 120000, 2)
		reflector.Jitter = at(1)
		add(twins("BackoffUntil"), named(append(looping(jittered),
			scenario{Name: "exponential: 1 2 4 8 10 10", Args: exponential(1000, 10000, 60000, 2), Runs: works(500), Stop: stopAt(50000.007)},
			scenario{Name: "exponential: jitters each delay, but not its growth", Args: reflector, Runs: works(500), Stop: stopAt(200000.007)},
			scenario{Name: "exponential: afresh when more than reset lies between two steps", Args: exponential(1000, 10000, 20000, 2),
				Runs: works(0, 0, 0, 21000.011, 0), Stop: stopAt(70000.007)},
			scenario{Name: "exponential: what lies between two steps includes the run",
				Args: exponential(1000, 10000, 3000, 2), Runs: works(3500, 100, 3500.011, 100), Stop: stopAt(60000.007)},
			scenario{Name: "exponential: a reset that is not longer than max never stays at max", Args: exponential(1000, 10000, 5000, 2),
				Runs: works(100), Stop: stopAt(60000.013)},
			scenario{Name: "exponential: keeps its growth when exactly reset lies between two steps", Exact: true,
				Args: exponential(1000, 60000, 4000, 2), Runs: works(0), Stop: stopAt(40000.013)},
			scenario{Name: "exponential: reset 0 begins afresh with each step", Args: exponential(1000, 10000, 0, 2), Runs: works(100), Stop: stopAt(12000.017)},
			scenario{Name: "exponential: max 0 is no cap", Args: exponential(1000, 0, 60000, 2), Runs: works(100), Stop: stopAt(70000.019)},
			scenario{Name: "exponential: an initial delay above max comes once", Args: exponential(5000, 1000, 60000, 2), Runs: works(100), Stop: stopAt(12000.019)},
			scenario{Name: "exponential: factor 0 never grows", Args: exponential(1000, 10000, 60000, 0), Runs: works(100), Stop: stopAt(8000.023)},
			scenario{Name: "exponential: factor 0.5 shrinks", Args: exponential(1000, 10000, 60000, 0.5), Runs: works(100), Stop: stopAt(3050.029)},
			scenario{Name: "exponential: a long run, then the delay that its start chose", Args: exponential(1000, 10000, 60000, 2),
				Runs: works(100, 3000, 100), Stop: stopAt(30000.031)},
			scenario{Name: "backoff: growth ends after its steps", Args: args{Manager: "backoff", Policy: policyOf(500, 2, 0, 4, 0), Sliding: sliding},
				Runs: works(100), Stop: stopAt(40000.037)},
			scenario{Name: "backoff: growth ends at its cap", Args: args{Manager: "backoff", Policy: policyOf(500, 2, 0, 10, 3000), Sliding: sliding},
				Runs: works(100), Stop: stopAt(30000.041)},
			scenario{Name: "backoff: jittered at the cap, too", Args: args{Manager: "backoff", Policy: policyOf(500, 2, 0.3, 10, 2000), Sliding: sliding},
				Runs: works(100), Stop: stopAt(20000.043)},
			scenario{Name: "backoff: no steps", Args: args{Manager: "backoff", Policy: policyOf(500, 2, 0, 0, 0), Sliding: sliding},
				Runs: works(100), Stop: stopAt(4000.047)},
		))...)
	}

	// DelayFunc.Until
	until := func(name string, policy *trace.Policy, reset *float64, runs []run, stop *trace.Stop, exact bool) []scenario {
		var list []scenario
		for _, immediate := range []*bool{&yes, &no} {
			for _, sliding := range []*bool{&yes, &no} {
				title := name
				if *immediate {
					title += " (immediate)"
				}
				if *sliding {
					title += " (sliding)"
				}
				list = append(list, scenario{
					Name: title, Args: args{Policy: policy, Reset: reset, Immediate: immediate, Sliding: sliding},
					Runs: runs, Stop: stop, Exact: exact,
				})
			}
		}
		return list
	}
	for _, scenarios := range [][]scenario{
		until("growing delays until it holds", policyOf(500, 2, 0, 10, 0), nil, last(trace.Done, works(100, 100, 100, 100, 100)), nil, false),
		until("jittered", policyOf(500, 2, 0.4, 10, 3000), nil, last(trace.Done, works(100, 700, 100, 100, 0, 0)), nil, false),
		until("fails", policyOf(500, 1, 0, 1, 0), nil, last(trace.Error, works(100, 100, 50)), nil, false),
		until("already stopped", policyOf(500, 1, 0, 1, 0), nil, works(100), stopped, false),
		until("already stopped, and its check would hold", policyOf(500, 1, 0, 1, 0), nil, last(trace.Done, works(100)), stopped, false),
		until("a check in flight at the stop finishes", policyOf(500, 1, 0, 1, 0), nil, works(300), stopAt(650.007), false),
		until("a check in flight at the stop holds", policyOf(500, 1, 0, 1, 0), nil, last(trace.Done, works(900)), stopAt(650.007), false),
		until("the delay passes and stop comes during a check", policyOf(500, 1, 0, 1, 0), nil, works(100, 2000), stopAt(2050.011), false),
		until("stop comes within a check of no length", policyOf(500, 1, 0.2, 1, 0), nil, works(0), stopIn(3), false),
		until("delays of 0", policyOf(0, 2, 0, 3, 0), nil, last(trace.Done, works(0, 50, 0, 0, 70)), nil, false),
		until("DelayWithReset: afresh reset after the last reset", policyOf(1000, 2, 0, 10, 8000), at(20000), works(10), stopAt(60000.013), false),
		until("DelayWithReset: short runs never put it off", policyOf(1000, 2, 0, 10, 60000), at(5000), works(100), stopAt(30000.017), false),
		until("DelayWithReset: exactly reset is not enough", policyOf(1000, 2, 0, 10, 8000), at(7000), works(0), stopAt(40000.017), true),
		until("DelayWithReset: a reset of 0 is no growth", policyOf(1000, 2, 0.5, 10, 8000), at(0), works(100), stopAt(9000.019), false),
		until("DelayWithReset: a factor of 0 is no growth", policyOf(1000, 0, 0, 10, 8000), at(3000), works(100), stopAt(9000.019), false),
		until("DelayWithReset: grows anew after its steps", policyOf(300, 3, 0, 2, 0), at(6000), works(50), stopAt(25000.023), false),
		until("DelayWithReset: a long run makes it begin afresh", policyOf(1000, 2, 0, 10, 60000), at(9000), works(100, 100, 9000.029, 100), stopAt(40000.031), false),
	} {
		add([]string{"DelayFunc.Until"}, scenarios...)
	}

	// The legacy polls.
	every := func(interval float64) args { return args{Interval: at(interval)} }
	within := func(interval, timeout float64) args { return args{Interval: at(interval), Timeout: at(timeout)} }
	for _, call := range []string{"Poll", "PollImmediate"} {
		add(twins(call),
			scenario{Name: "a last check at the timeout", Args: within(1000, 2500), Runs: neverEnd},
			scenario{Name: "the last check holds", Args: within(1000, 2500), Runs: last(trace.Done, works(0, 0, 0))},
			scenario{Name: "the last check fails", Args: within(1000, 1500), Runs: last(trace.Error, works(0, 0))},
			scenario{Name: "the last check takes long", Args: within(1000, 2500), Runs: works(100, 100, 5000)},
			scenario{Name: "holds at the third check", Args: within(1000, 60000), Runs: last(trace.Done, works(100, 100, 100))},
			scenario{Name: "fails at the second check", Args: within(1000, 60000), Runs: last(trace.Error, works(100, 100))},
			scenario{Name: "ticks that come while the condition runs are dropped", Args: within(1000, 7700), Runs: works(1500)},
			scenario{Name: "several ticks dropped by one check", Args: within(1000, 9300), Runs: works(200, 3600, 200)},
			scenario{Name: "a timeout during a check: the last one follows at once", Args: within(1000, 2500), Runs: works(700)},
			scenario{Name: "a timeout during a check whose true wins", Args: within(1000, 2500), Runs: last(trace.Done, works(100, 100, 1700))},
			scenario{Name: "a timeout just after a tick: the tick's check and the last one", Args: within(1000, 3000.002), Runs: neverEnd},
			scenario{Name: "a timeout just after a tick whose check is in flight", Args: within(1000, 3000.002), Runs: works(100)},
			scenario{Name: "a timeout just before a tick", Args: within(1000, 2999.998), Runs: neverEnd},
			scenario{Name: "a timeout shorter than the interval: one check", Args: within(1000, 300), Runs: neverEnd},
			scenario{Name: "a first check longer than the timeout", Args: within(1000, 1500), Runs: works(3000.007, 0)},
			scenario{Name: "a timeout of 0 means never", Args: within(1000, 0), Runs: last(trace.Done, works(0, 0, 0, 0, 0, 0, 0, 0))},
		)
		add([]string{call + "WithContext"},
			scenario{Name: "a timeout of 0, until it is stopped", Args: within(1000, 0), Runs: works(100), Stop: stopAt(6400.007)},
			scenario{Name: "stopping gives ErrWaitTimeout", Args: within(1000, 9000), Runs: works(100), Stop: stopAt(2400.011)},
			scenario{Name: "stop during the last check", Args: within(1000, 1500), Runs: works(100, 100, 900), Stop: stopAt(1700.013)},
			scenario{Name: "stop during the last check, which holds", Args: within(1000, 1500), Runs: last(trace.Done, works(100, 900)), Stop: stopAt(1700.013)},
		)
	}
	for _, call := range []string{"PollInfinite", "PollImmediateInfinite", "PollUntil", "PollImmediateUntil"} {
		add(twins(call),
			scenario{Name: "holds at the fourth check", Args: every(1000), Runs: last(trace.Done, works(0, 100, 0, 100))},
			scenario{Name: "holds at the first check", Args: every(1000), Runs: last(trace.Done, works(200))},
			scenario{Name: "fails at the third check", Args: every(1000), Runs: last(trace.Error, works(0, 100, 100))},
			scenario{Name: "ticks that come while the condition runs are dropped", Args: every(1000), Runs: last(trace.Done, works(1500, 2700, 100, 1500, 0))},
		)
	}
	for _, call := range []string{
		"PollWithContext", "PollImmediateWithContext", "PollInfiniteWithContext", "PollImmediateInfiniteWithContext",
		"PollUntil", "PollUntilWithContext", "PollImmediateUntil", "PollImmediateUntilWithContext",
	} {
		with := every(1000)
		if call == "PollWithContext" || call == "PollImmediateWithContext" {
			with = within(1000, 20000)
		}
		add([]string{call},
			scenario{Name: "stops while it waits", Args: with, Runs: works(100), Stop: stopAt(3500.007)},
			scenario{Name: "already stopped", Args: with, Runs: works(100), Stop: stopped},
			scenario{Name: "already stopped, and the check would hold", Args: with, Runs: last(trace.Done, works(100)), Stop: stopped},
			scenario{Name: "already stopped, and the check would fail", Args: with, Runs: last(trace.Error, works(100)), Stop: stopped},
			scenario{Name: "a check in flight at the stop finishes", Args: with, Runs: works(0, 600), Stop: stopAt(2300.011)},
			scenario{Name: "a check in flight at the stop holds", Args: with, Runs: last(trace.Done, works(0, 600, 600)), Stop: stopAt(3300.011)},
			scenario{Name: "a check in flight at the stop fails", Args: with, Runs: last(trace.Error, works(0, 600)), Stop: stopIn(2)},
			scenario{Name: "stop comes within a check of no length", Args: with, Runs: works(0), Stop: stopIn(3)},
			scenario{Name: "stop comes within the first check, which takes several ticks", Args: with, Runs: works(3300), Stop: stopIn(1)},
			scenario{Name: "stopped before the first tick", Args: with, Runs: works(0), Stop: stopAt(400.013)},
		)
	}

	// The polls with a context.
	for _, immediate := range []*bool{&yes, &no} {
		name := " (not immediate)"
		if *immediate {
			name = " (immediate)"
		}
		for _, call := range []string{"PollUntilContextCancel", "PollUntilContextTimeout"} {
			with := func(interval float64) args {
				if call == "PollUntilContextTimeout" {
					return args{Interval: at(interval), Timeout: at(60000.007), Immediate: immediate}
				}
				return args{Interval: at(interval), Immediate: immediate}
			}
			add([]string{call},
				scenario{Name: "holds at the third check" + name, Args: with(1000), Runs: last(trace.Done, works(100, 100, 100))},
				scenario{Name: "fails at the second check" + name, Args: with(1000), Runs: last(trace.Error, works(100, 100))},
				scenario{Name: "canceled while it waits" + name, Args: with(1000), Runs: works(100), Stop: stopAt(3500.011)},
				scenario{Name: "one missed tick is kept" + name, Args: with(1000), Runs: last(trace.Done, works(1500, 100, 100, 100))},
				scenario{Name: "of several missed ticks one is kept" + name, Args: with(1000), Runs: last(trace.Done, works(3700, 100, 0, 100))},
				scenario{Name: "checks that all take longer than the interval" + name, Args: with(1000), Runs: works(1300.003), Stop: stopAt(9000.013)},
				scenario{Name: "already canceled" + name, Args: with(1000), Runs: works(100), Stop: stopped},
				scenario{Name: "already canceled, and the check would hold" + name, Args: with(1000), Runs: last(trace.Done, works(100)), Stop: stopped},
				scenario{Name: "already canceled, and the check would fail" + name, Args: with(1000), Runs: last(trace.Error, works(100)), Stop: stopped},
				scenario{Name: "a check in flight at the cancel finishes" + name, Args: with(1000), Runs: works(100, 600), Stop: stopAt(2300.017)},
				scenario{Name: "a check in flight at the cancel holds" + name, Args: with(1000), Runs: last(trace.Done, works(100, 600, 600)), Stop: stopIn(3)},
				scenario{Name: "a kept tick does not outlive the cancel" + name, Args: with(1000), Runs: works(100, 2500), Stop: stopAt(3300.017)},
				scenario{Name: "cancel comes within a check of no length" + name, Args: with(1000), Runs: works(0), Stop: stopIn(2)},
				scenario{Name: "interval 0 checks back to back" + name, Args: with(0), Runs: last(trace.Done, works(0, 0, 130, 0, 50))},
				scenario{Name: "interval 0 sees its cancel" + name, Args: with(0), Runs: works(0), Stop: stopIn(6)},
				scenario{Name: "interval 0 and checks that take time" + name, Args: with(0), Runs: works(120.003), Stop: stopAt(700.019)},
				scenario{Name: "interval 0, already canceled" + name, Args: with(0), Runs: works(0), Stop: stopped},
			)
		}
		with := func(interval, timeout float64) args {
			return args{Interval: at(interval), Timeout: at(timeout), Immediate: immediate}
		}
		add([]string{"PollUntilContextTimeout"},
			scenario{Name: "no check at the deadline" + name, Args: with(1000, 2500), Runs: works(100)},
			scenario{Name: "a deadline just after a tick" + name, Args: with(1000, 3000.002), Runs: neverEnd},
			scenario{Name: "a deadline just before a tick" + name, Args: with(1000, 2999.998), Runs: neverEnd},
			scenario{Name: "a check in flight at the deadline finishes" + name, Args: with(1000, 2500), Runs: works(100, 700)},
			scenario{Name: "a check in flight at the deadline holds" + name, Args: with(1000, 2500), Runs: last(trace.Done, works(100, 1700))},
			scenario{Name: "a check in flight at the deadline fails" + name, Args: with(1000, 2500), Runs: last(trace.Error, works(100, 1700))},
			scenario{Name: "a kept tick does not outlive the deadline" + name, Args: with(1000, 2500), Runs: works(2700)},
			scenario{Name: "a deadline before the first tick" + name, Args: with(1000, 300), Runs: works(100)},
			scenario{Name: "a first check longer than the timeout" + name, Args: with(1000, 1300), Runs: works(4000)},
			scenario{Name: "timeout 0 has passed already" + name, Args: with(1000, 0), Runs: works(100)},
			scenario{Name: "timeout 0, and the check would hold" + name, Args: with(1000, 0), Runs: last(trace.Done, works(100))},
			scenario{Name: "timeout 0, already canceled: canceled" + name, Args: with(1000, 0), Runs: works(100), Stop: stopped},
			scenario{Name: "timeout 0 and interval 0" + name, Args: with(0, 0), Runs: works(0)},
			scenario{Name: "interval 0 and a deadline" + name, Args: with(0, 700.023), Runs: works(110)},
			scenario{Name: "canceled, then the deadline, in one check" + name, Args: with(1000, 2500), Runs: works(100, 5000), Stop: stopAt(2300.029)},
			scenario{Name: "the deadline, then canceled, in one check" + name, Args: with(1000, 2500), Runs: works(100, 5000), Stop: stopAt(2700.029)},
			scenario{Name: "canceled before the deadline" + name, Args: with(1000, 2500), Runs: works(100), Stop: stopAt(1300.031)},
		)
	}

	// Backoffs.
	checks := func(policy *trace.Policy) args { return args{Policy: policy} }
	k8s131122 := policyOf(1000, 2, 0, 10, 3000)
	add(twins("ExponentialBackoff"),
		scenario{Name: "the cap ends it, unchecked (kubernetes#131122)", Args: checks(k8s131122), Runs: neverEnd},
		scenario{Name: "the cap ends it, with checks that take time", Args: checks(k8s131122), Runs: works(250)},
		scenario{Name: "the cap is reached, but not exceeded", Args: checks(policyOf(1000, 2, 0, 4, 4000)), Runs: works(50)},
		scenario{Name: "a duration above the cap: one check, one full sleep", Args: checks(policyOf(5000, 2, 0, 10, 1000)), Runs: neverEnd},
		scenario{Name: "a duration above the cap with a factor of 0", Args: checks(policyOf(5000, 0, 0, 3, 1000)), Runs: neverEnd},
		scenario{Name: "at most steps checks", Args: checks(policyOf(1000, 2, 0, 4, 0)), Runs: works(50)},
		scenario{Name: "1 step: one check, no sleep", Args: checks(policyOf(1000, 2, 0.5, 1, 0)), Runs: works(50)},
		scenario{Name: "0 steps: nothing", Args: checks(policyOf(1000, 2, 0, 0, 0)), Runs: works(50)},
		scenario{Name: "fewer than 0 steps: nothing", Args: checks(policyOf(1000, 2, 0, -3, 0)), Runs: works(50)},
		scenario{Name: "holds at the third check", Args: checks(policyOf(1000, 2, 0, 5, 0)), Runs: last(trace.Done, works(50, 50, 50))},
		scenario{Name: "holds at the last check", Args: checks(policyOf(1000, 2, 0, 3, 0)), Runs: last(trace.Done, works(50, 50, 50))},
		scenario{Name: "fails at the second check", Args: checks(policyOf(1000, 2, 0, 5, 0)), Runs: last(trace.Error, works(50, 50))},
		scenario{Name: "draws one jitter a sleep", Args: checks(policyOf(500, 1.5, 0.5, 6, 0)), Runs: works(30)},
		scenario{Name: "a negative jitter draws nothing", Args: checks(policyOf(500, 1.5, -0.5, 4, 0)), Runs: works(30)},
		scenario{Name: "a duration of 0", Args: checks(policyOf(0, 2, 1, 5, 0)), Runs: works(30, 0, 0, 10, 0)},
		scenario{Name: "client-go's DefaultRetry", Args: checks(policyOf(10, 1, 0.1, 5, 0)), Runs: works(5)},
		scenario{Name: "client-go's DefaultBackoff", Args: checks(policyOf(10, 5, 0.1, 4, 0)), Runs: works(5)},
	)
	add([]string{"ExponentialBackoffWithContext"},
		scenario{Name: "already canceled: no check", Args: checks(policyOf(1000, 2, 0, 4, 0)), Runs: works(50), Stop: stopped},
		scenario{Name: "already canceled, 0 steps: ErrWaitTimeout", Args: checks(policyOf(1000, 2, 0, 0, 0)), Runs: works(50), Stop: stopped},
		scenario{Name: "canceled while it sleeps", Args: checks(policyOf(1000, 2, 0, 4, 0)), Runs: works(50), Stop: stopAt(2300.007)},
		scenario{Name: "canceled during a check", Args: checks(policyOf(1000, 2, 0.5, 4, 0)), Runs: works(700), Stop: stopIn(2)},
		scenario{Name: "canceled during a check that holds", Args: checks(policyOf(1000, 2, 0, 4, 0)), Runs: last(trace.Done, works(700, 700)), Stop: stopIn(2)},
		scenario{Name: "canceled during the last check: ErrWaitTimeout", Args: checks(policyOf(1000, 2, 0, 2, 0)), Runs: works(700), Stop: stopIn(2)},
		scenario{Name: "canceled in the sleep that the cap truncated", Args: checks(k8s131122), Runs: neverEnd, Stop: stopAt(2300.011)},
		scenario{Name: "canceled during the last check before the cap: canceled", Args: checks(k8s131122), Runs: works(300), Stop: stopIn(2)},
	)
	steps := func(name string, n int, policy *trace.Policy) scenario {
		return scenario{Name: name, Args: args{Policy: policy, N: n}}
	}
	add([]string{"Backoff.Step"},
		steps("1 2 4 8, then growth ends after its steps", 8, policyOf(1000, 2, 0, 4, 0)),
		steps("growth ends at the cap", 8, policyOf(1000, 2, 0, 10, 5000)),
		steps("the cap is reached, but not exceeded", 8, policyOf(1000, 2, 0, 10, 4000)),
		steps("a first delay above the cap is not capped", 4, policyOf(5000, 2, 0, 10, 1000)),
		steps("a factor of 0 never grows, nor looks at the cap", 4, policyOf(5000, 0, 0, 10, 1000)),
		steps("a factor of 1", 4, policyOf(700, 1, 0, 10, 0)),
		steps("a factor below 1 shrinks", 12, policyOf(1000, 0.3, 0, 20, 0)),
		steps("no steps", 4, policyOf(1000, 2, 0, 0, 0)),
		steps("fewer than 0 steps", 4, policyOf(1000, 2, 0, -1, 0)),
		steps("one draw a step, also after its steps", 8, policyOf(1000, 2, 0.5, 4, 0)),
		steps("the jitter is over the cap, and no part of the growth", 8, policyOf(1000, 3, 1, 10, 10000)),
		steps("a negative jitter draws nothing", 4, policyOf(1000, 2, -1, 4, 0)),
		steps("a duration of 0 draws, and stays 0", 4, policyOf(0, 2, 1, 4, 0)),
		steps("nanoseconds are truncated", 12, policyOf(0.001, 1.7, 0, 12, 0)),
		steps("nanoseconds are truncated after the jitter, too", 12, policyOf(0.003, math.Sqrt2, math.Phi, 12, 0)),
	)
	return list
}
