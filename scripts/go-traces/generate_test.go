package traces

import (
	"strings"

	"effect-wait/go-traces/trace"
)

// generate records random scenarios of every call.
func generate(r *trace.Recorder) {
	type generator = trace.Generator
	either := func(g *generator) *bool { b := g.Chance(50); return &b }

	loops := func(call string, n int, args func(g *generator) (trace.Args, int)) {
		for _, call := range []string{call, call + "WithContext"} {
			g := trace.NewGenerator(call)
			g.Record(r, n, func() trace.Scenario {
				args, typical := args(g)
				return trace.Scenario{
					Args: args,
					Runs: g.Works(max(2, typical*5/2)),
					Stop: g.Halt(typical*(2+g.Below(30)), 8),
				}
			})
		}
	}
	period := func(g *generator) (float64, int) {
		if g.Chance(8) {
			return 0, 100
		}
		period := g.Millis(20, 2000)
		return period, int(period)
	}
	justPeriod := func(g *generator) (trace.Args, int) {
		period, typical := period(g)
		return trace.Args{Period: at(period)}, typical
	}
	loops("Until", 24, justPeriod)
	loops("NonSlidingUntil", 24, justPeriod)
	loops("JitterUntil", 36, func(g *generator) (trace.Args, int) {
		period, typical := period(g)
		return trace.Args{Period: at(period), JitterFactor: at(jitter(g)), Sliding: either(g)}, typical
	})
	loops("BackoffUntil", 72, func(g *generator) (trace.Args, int) {
		sliding := either(g)
		switch g.Below(3) {
		case 0:
			duration, typical := period(g)
			return trace.Args{Manager: "jittered", Duration: at(duration), Jitter: at(jitter(g)), Sliding: sliding}, typical
		case 1:
			initial := g.Millis(20, 800)
			longest := trace.Pick(g, 0, g.Millis(int(initial), int(initial)*20))
			reset := trace.Pick(g, 0, g.Millis(20, 1000), g.Millis(500, 8000), g.Millis(2000, 60000))
			return trace.Args{
				Manager: "exponential", Initial: at(initial), Max: at(longest), Reset: at(reset),
				Factor: at(factor(g)), Jitter: at(jitter(g)), Sliding: sliding,
			}, int(initial * 2)
		default:
			policy := backoff(g)
			return trace.Args{Manager: "backoff", Policy: policy, Sliding: sliding}, int(policy.Duration * 2)
		}
	})

	g := trace.NewGenerator("Forever")
	g.Record(r, 24, func() trace.Scenario {
		args, typical := justPeriod(g)
		return trace.Scenario{Args: args, Runs: g.Exits(max(2, typical*5/2))}
	})

	g = trace.NewGenerator("DelayFunc.Until")
	g.Record(r, 72, func() trace.Scenario {
		policy := backoff(g)
		args := trace.Args{Policy: policy, Immediate: either(g), Sliding: either(g)}
		if g.Chance(60) {
			args.Reset = at(trace.Pick(g, 0, g.Millis(20, 1000), g.Millis(500, 4000), g.Millis(2000, 20000)))
		}
		typical := int(policy.Duration * 2)
		return trace.Scenario{Args: args, Runs: g.Checks(9, typical*2), Stop: g.Stop(typical*(2+g.Below(30)), 8)}
	})

	for _, name := range []string{"Poll", "PollImmediate"} {
		for _, rest := range []string{"", "Infinite", "Until"} {
			for _, twin := range []string{"", "WithContext"} {
				g := trace.NewGenerator(name + rest + twin)
				n := 30
				if rest != "" {
					n = 20
				}
				g.Record(r, n, func() trace.Scenario {
					interval := g.Millis(20, 1500)
					typical := int(interval)
					s := trace.Scenario{Args: trace.Args{Interval: at(interval)}, Runs: g.Checks(8, typical*5/2)}
					if rest == "" {
						s.Args.Timeout = at(trace.Pick(g, 0, g.Millis(1, typical*3), g.Millis(1, typical*12), g.Millis(1, typical*12)))
					}
					if rest == "Until" || twin != "" {
						s.Stop = g.Stop(typical*(2+g.Below(15)), 6)
					}
					return s
				})
			}
		}
	}
	for _, call := range []string{"PollUntilContextCancel", "PollUntilContextTimeout"} {
		g := trace.NewGenerator(call)
		g.Record(r, 48, func() trace.Scenario {
			interval, typical := period(g)
			s := trace.Scenario{
				Args: trace.Args{Interval: at(interval), Immediate: either(g)},
				Runs: g.Checks(8, max(2, typical*5/2)),
				Stop: g.Stop(typical*(2+g.Below(15)), 6),
			}
			if strings.HasSuffix(call, "Timeout") {
				s.Args.Timeout = at(trace.Pick(g, 0, g.Millis(1, typical*3), g.Millis(1, typical*12), g.Millis(1, typical*12)))
			}
			return s
		})
	}

	for _, call := range []string{"ExponentialBackoff", "ExponentialBackoffWithContext"} {
		g := trace.NewGenerator(call)
		g.Record(r, 40, func() trace.Scenario {
			policy := backoff(g)
			if g.Chance(80) {
				policy.Steps = 2 + g.Below(9)
			}
			typical := int(policy.Duration * 2)
			s := trace.Scenario{Args: trace.Args{Policy: policy}, Runs: g.Checks(8, typical*2)}
			if call == "ExponentialBackoffWithContext" {
				s.Stop = g.Stop(typical*(2+g.Below(12)), 6)
			}
			return s
		})
	}
	g = trace.NewGenerator("Backoff.Step")
	g.Record(r, 40, func() trace.Scenario {
		return trace.Scenario{Args: trace.Args{Policy: backoff(g), N: 1 + g.Below(14)}}
	})
}

func jitter(g *trace.Generator) float64 { return trace.Pick(g, 0, 0, 0.1, 0.25, 0.5, 1, 2.5, -0.5) }

func factor(g *trace.Generator) float64 { return trace.Pick(g, 0, 0.5, 1, 1.5, 2, 2, 3) }

func backoff(g *trace.Generator) *trace.Policy {
	duration := g.Millis(20, 800)
	return &trace.Policy{
		Duration: duration,
		Factor:   factor(g),
		Jitter:   jitter(g),
		Steps:    trace.Pick(g, -1, 0, 1, 2, 3, 4, 5, 6, 8, 10),
		Cap:      trace.Pick(g, 0, 0, g.Millis(1, int(duration)*10), g.Millis(int(duration), int(duration)*20)),
	}
}
