// Package traces records WaitFor, which the wait package exported up to release 0.26. See ../README.md.
package traces

import (
	"errors"
	"flag"
	"testing"
	"time"

	"effect-wait/go-traces/trace"

	"k8s.io/apimachinery/pkg/util/wait"
)

var out = flag.String("out", "../../../packages/wait/test/fixtures", "the folder to write into")

func TestRecord(t *testing.T) {
	r := &trace.Recorder{T: t, Calls: map[string]trace.Call{"WaitFor": waitFor}}
	for _, rule := range rules() {
		r.Rule(rule)
	}
	g := trace.NewGenerator("WaitFor")
	g.Record(r, 40, func() trace.Scenario {
		ticks := make([]float64, 1+g.Below(8))
		for i := range ticks {
			ticks[i] = g.Millis(50, 900)
		}
		return trace.Scenario{
			Args: trace.Args{Ticks: ticks},
			Runs: g.Checks(7, 1000),
			Stop: g.Stop(3000, 4),
		}
	})
	r.Write(*out)
}

var errFailed = errors.New("failed")

func waitFor(x *trace.World) string {
	ticks := func(done <-chan struct{}) <-chan struct{} {
		c := make(chan struct{})
		go func() {
			defer close(c)
			for _, gap := range x.Args.Ticks {
				select {
				case <-time.After(trace.Duration(gap)):
				case <-done:
					return
				}
				select {
				case c <- struct{}{}:
				case <-done:
					return
				}
			}
		}()
		return c
	}
	err := wait.WaitFor(ticks, func() (bool, error) {
		switch x.Run() {
		case trace.Done:
			return true, nil
		case trace.Error:
			return false, errFailed
		default:
			return false, nil
		}
	}, x.StopCh)
	switch err {
	case nil:
		return "done"
	case errFailed:
		return "error"
	case wait.ErrWaitTimeout:
		return "timeout"
	default:
		panic(err)
	}
}

func rules() []trace.Scenario {
	var list []trace.Scenario
	add := func(name string, ticks, takes []float64, result string, stop *trace.Stop) {
		runs := make([]trace.Run, len(takes))
		for i, ms := range takes {
			runs[i] = trace.Run{Takes: ms, Result: trace.Continue}
		}
		runs[len(runs)-1].Result = result
		list = append(list, trace.Scenario{
			Name: name, Call: "WaitFor", Args: trace.Args{Ticks: ticks}, Runs: runs, Stop: stop,
		})
	}
	type ms = []float64
	add("once for every tick, and once more at the end", ms{300, 500}, ms{0}, trace.Continue, nil)
	add("ticks that wait for a check", ms{300, 500, 200}, ms{650, 650, 100, 100}, trace.Continue, nil)
	add("the last check takes time", ms{300, 500}, ms{50, 50, 900}, trace.Continue, nil)
	add("holds at the second tick", ms{300, 500, 500}, ms{0, 50}, trace.Done, nil)
	add("holds at the end", ms{300, 500}, ms{0, 50, 50}, trace.Done, nil)
	add("fails at the second tick", ms{300, 500, 500}, ms{0, 50}, trace.Error, nil)
	add("fails at the end", ms{300}, ms{0, 50}, trace.Error, nil)
	add("no ticks: one check", ms{}, ms{70}, trace.Continue, nil)
	add("no ticks: one check, which holds", ms{}, ms{70}, trace.Done, nil)
	add("ticks at once", ms{0, 0, 400, 0}, ms{0, 30, 0, 30, 0}, trace.Continue, nil)
	add("stopping gives ErrWaitTimeout", ms{300, 500, 500}, ms{50}, trace.Continue, &trace.Stop{At: 950.007})
	add("stopped before the first tick", ms{300, 500}, ms{50}, trace.Continue, &trace.Stop{At: 150.011})
	add("already stopped: no check", ms{300, 500}, ms{50}, trace.Done, &trace.Stop{})
	add("a check in flight at the stop finishes", ms{300, 500}, ms{250}, trace.Continue, &trace.Stop{At: 450.013})
	add("a check in flight at the stop holds", ms{300, 500, 500}, ms{0, 250}, trace.Done, &trace.Stop{At: 900.017})
	add("stop comes within a check of no length", ms{300, 500, 500}, ms{0}, trace.Continue, &trace.Stop{Run: 2})
	add("stop during the last check", ms{300, 500}, ms{0, 0, 400}, trace.Continue, &trace.Stop{At: 900.019})
	return list
}
