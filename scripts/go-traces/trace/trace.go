// Package trace runs a scenario against Go's wait package under virtual time, and tells what happened.
//
// It depends on nothing but the standard library, so that modules with different releases of the wait package share it.
package trace

import (
	"context"
	"encoding/json"
	"math"
	"math/rand"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// Policy is a wait.Backoff, its durations in milliseconds.
type Policy struct {
	Duration float64 `json:"duration"`
	Factor   float64 `json:"factor"`
	Jitter   float64 `json:"jitter"`
	Steps    int     `json:"steps"`
	Cap      float64 `json:"cap"`
}

// Args are the arguments of a call, its durations in milliseconds. Which of them are there depends on the call.
type Args struct {
	Manager      string    `json:"manager,omitempty"`
	Policy       *Policy   `json:"policy,omitempty"`
	Period       *float64  `json:"period,omitempty"`
	Interval     *float64  `json:"interval,omitempty"`
	Timeout      *float64  `json:"timeout,omitempty"`
	Duration     *float64  `json:"duration,omitempty"`
	Initial      *float64  `json:"initial,omitempty"`
	Max          *float64  `json:"max,omitempty"`
	Reset        *float64  `json:"reset,omitempty"`
	Factor       *float64  `json:"factor,omitempty"`
	Jitter       *float64  `json:"jitter,omitempty"`
	JitterFactor *float64  `json:"jitterFactor,omitempty"`
	Immediate    *bool     `json:"immediate,omitempty"`
	Sliding      *bool     `json:"sliding,omitempty"`
	Ticks        []float64 `json:"ticks,omitzero"`
	N            int       `json:"n,omitempty"`
}

// What a run ends with.
const (
	Continue = "continue"
	Done     = "done"
	Error    = "error"
	Goexit   = "goexit"
)

// Run says how long a run takes, in milliseconds, and what it ends with.
type Run struct {
	Takes  float64 `json:"takes"`
	Result string  `json:"result"`
}

// Stop says when the stop channel is closed and the context canceled: so many milliseconds after the call, where 0 is before it,
// or at the start of a run, counted from 1.
type Stop struct {
	At  float64
	Run int
}

// MarshalJSON writes a number, or an object with the run.
func (s Stop) MarshalJSON() ([]byte, error) {
	if s.Run > 0 {
		return json.Marshal(map[string]int{"run": s.Run})
	}
	return json.Marshal(s.At)
}

// Scenario is a call, and the world around it.
type Scenario struct {
	Name string `json:"name"`
	Call string `json:"call"`
	Args Args   `json:"args"`
	Runs []Run  `json:"runs"`
	Stop *Stop  `json:"stop"`
	Seed int64  `json:"seed"`
	// Exact scenarios depend on an equality that Go decides, so that moving a time a little changes what happens.
	Exact bool `json:"-"`
}

// Trace is what happened. Times are in milliseconds since the call.
type Trace struct {
	Scenario
	Draws    []float64 `json:"draws"`
	Delays   []float64 `json:"delays,omitempty"`
	Starts   []float64 `json:"starts"`
	Ends     []float64 `json:"ends"`
	Returned float64   `json:"returned"`
	Outcome  string    `json:"outcome"`
}

// A Call calls the wait package, and tells the outcome.
type Call func(x *World) string

// MaxRuns is how many runs a scenario may have.
const MaxRuns = 40

// World is what a call sees of its scenario.
type World struct {
	Args   Args
	Ctx    context.Context
	StopCh <-chan struct{}

	scenario Scenario
	trace    *Trace
	began    time.Time
	halt     func()
	endless  bool
}

// Duration is a number of milliseconds as Go takes it.
func Duration(ms float64) time.Duration { return time.Duration(math.Round(ms * 1e6)) }

// Millis is a duration in milliseconds.
func Millis(d time.Duration) float64 { return float64(d) / 1e6 }

// Run is one run of the work, or one check of the condition: it lasts as long, and ends, as the scenario says.
func (x *World) Run() string {
	n := len(x.trace.Starts)
	if n == MaxRuns {
		x.endless = true
		runtime.Goexit()
	}
	x.trace.Starts = append(x.trace.Starts, x.now())
	if x.scenario.Stop != nil && x.scenario.Stop.Run == n+1 {
		x.halt()
	}
	run := x.scenario.Runs[min(n, len(x.scenario.Runs)-1)]
	if run.Takes > 0 {
		time.Sleep(Duration(run.Takes))
	}
	x.trace.Ends = append(x.trace.Ends, x.now())
	if run.Result == Goexit {
		runtime.Goexit()
	}
	return run.Result
}

// Delay notes a delay that the call computed, without waiting for it.
func (x *World) Delay(d time.Duration) { x.trace.Delays = append(x.trace.Delays, Millis(d)) }

func (x *World) now() float64 { return Millis(time.Since(x.began)) }

// Execute runs a scenario in a bubble of its own. It says no when the scenario has too many runs.
func Execute(t *testing.T, s Scenario, call Call) (trace Trace, ok bool) {
	synctest.Test(t, func(t *testing.T) { trace, ok = Play(s, call) })
	return trace, ok
}

// Play runs a scenario on the clock that is there. It says no when the scenario has too many runs.
func Play(s Scenario, call Call) (trace Trace, ok bool) {
	trace = Trace{Scenario: s, Starts: []float64{}, Ends: []float64{}, Outcome: "returned"}
	ctx, cancel := context.WithCancel(context.Background())
	stop := make(chan struct{})
	stopped := false
	x := &World{Args: s.Args, Ctx: ctx, StopCh: stop, scenario: s, trace: &trace, began: time.Now()}
	x.halt = func() {
		if !stopped {
			stopped = true
			close(stop)
			cancel()
		}
	}
	rand.Seed(s.Seed)
	if s.Stop != nil && s.Stop.Run == 0 {
		if s.Stop.At == 0 {
			x.halt()
		} else {
			defer time.AfterFunc(Duration(s.Stop.At), x.halt).Stop()
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { trace.Returned = x.now() }()
		trace.Outcome = call(x)
	}()
	<-ended
	trace.Draws = draws(s.Seed, rand.Float64())
	x.halt()
	return trace, !x.endless
}

// draws lists the draws of a seeded source that come before the given one.
func draws(seed int64, next float64) []float64 {
	source := rand.New(rand.NewSource(seed))
	list := []float64{}
	for range 1000 {
		draw := source.Float64()
		if draw == next {
			return list
		}
		list = append(list, draw)
	}
	panic("the global random source does not follow its seed: is GODEBUG=randseednop=0 set?")
}
