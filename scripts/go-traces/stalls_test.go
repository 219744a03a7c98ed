package traces

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"effect-wait/go-traces/trace"
)

// In a stall the whole process stands still: from a SIGSTOP to a SIGCONT. The fake clock has no such thing, so stalls are recorded
// in real time. The test binary starts itself as a child process, which plays one scenario. The parent stops and continues it.

var (
	stallsFile = flag.String("stalls", "", "the file with the recordings of stalls")
	compare    = flag.Bool("compare", false, "compare with the file instead of writing it")
	rounds     = flag.Int("rounds", 8, "how often each stall is recorded")
	child      = flag.Int("child", -1, "play the stall of this number, as a child process")
)

const (
	// Two rounds of the same behavior differ by at most so many milliseconds. Two behaviors differ by more than 75.
	noise, difference = 25, 75
	// A machine is busy when this process wakes later than that, in milliseconds.
	lateness = 8
	// How often a busy machine gets another try.
	tries = 5
)

// stall is the time between two signals.
type stall [2]float64

// recording is a scenario with stalls, and what happened in it.
type recording struct {
	Name   string      `json:"name"`
	Call   string      `json:"call"`
	Args   args        `json:"args"`
	Takes  []float64   `json:"takes"`
	Result string      `json:"result"`
	Stop   *trace.Stop `json:"stop"`
	Stalls []stall     `json:"stalls"`
	story
}

// story is what happened, in milliseconds since the call.
type story struct {
	Starts   []float64 `json:"starts"`
	Ends     []float64 `json:"ends"`
	Returned float64   `json:"returned"`
	Outcome  string    `json:"outcome"`
}

func (s story) isNear(other story, tolerance float64) bool {
	near := func(a, b float64) bool { return math.Abs(a-b) <= tolerance }
	return s.Outcome == other.Outcome && near(s.Returned, other.Returned) &&
		slices.EqualFunc(s.Starts, other.Starts, near) && slices.EqualFunc(s.Ends, other.Ends, near)
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *child >= 0 {
		play(stalls()[*child])
		return
	}
	os.Exit(m.Run())
}

func TestStalls(t *testing.T) {
	if *stallsFile == "" {
		t.Skip("runs in real time: see record.sh")
	}
	go watch()
	list := stalls()
	var expected []recording
	if *compare {
		expected = read(t)
	}
	t.Run("all", func(t *testing.T) {
		for i := range list {
			t.Run(list[i].Call+" "+list[i].Name, func(t *testing.T) {
				t.Parallel()
				if *compare {
					compareWith(t, i, expected[i].story)
				} else {
					list[i].story = record(t, i)
				}
			})
		}
	})
	if !*compare && !t.Failed() {
		trace.WriteFile(t, *stallsFile, list)
		t.Logf("%d recordings of stalls", len(list))
	}
}

// read returns the recordings in the file, and fails unless they are of the scenarios in this one.
func read(t *testing.T) []recording {
	data, err := os.ReadFile(*stallsFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Traces []struct {
			Name, Call string
			story
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	list := stalls()
	if len(file.Traces) != len(list) {
		t.Fatalf("%s has %d recordings, and there are %d scenarios", *stallsFile, len(file.Traces), len(list))
	}
	for i, trace := range file.Traces {
		if trace.Call != list[i].Call || trace.Name != list[i].Name {
			t.Fatalf("%s has %s %q instead of %s %q", *stallsFile, trace.Call, trace.Name, list[i].Call, list[i].Name)
		}
		list[i].story = trace.story
	}
	return list
}

func compareWith(t *testing.T, i int, expected story) {
	var actual story
	for range tries {
		actual, _ = runOnce(t, i, 0)
		if actual.isNear(expected, difference) {
			return
		}
	}
	t.Errorf("now\n%+v\nrecorded\n%+v", actual, expected)
}

// record returns the median of all rounds. It fails where Go tosses a coin: where two rounds differ on a calm machine.
func record(t *testing.T, i int) story {
	var stories []story
	for n := 0; len(stories) < *rounds; n++ {
		if n == tries**rounds {
			t.Fatal("this machine is too busy")
		}
		// Every other round has one thread only.
		next, calm := runOnce(t, i, len(stories)%2)
		switch {
		case len(stories) == 0 && calm, len(stories) > 0 && next.isNear(stories[0], noise):
			stories = append(stories, next)
		case calm:
			t.Fatalf("differs from one time to the next:\n%+v\n%+v", stories[0], next)
		}
	}
	median := func(time func(story) float64) float64 {
		sorted := slices.SortedFunc(slices.Values(stories), func(a, b story) int { return cmp.Compare(time(a), time(b)) })
		return math.Round(time(sorted[len(sorted)/2]))
	}
	medians := func(times func(story) []float64) []float64 {
		list := make([]float64, len(times(stories[0])))
		for n := range list {
			list[n] = median(func(s story) float64 { return times(s)[n] })
		}
		return list
	}
	return story{
		Starts:   medians(func(s story) []float64 { return s.Starts }),
		Ends:     medians(func(s story) []float64 { return s.Ends }),
		Returned: median(func(s story) float64 { return s.Returned }),
		Outcome:  stories[0].Outcome,
	}
}

// busyAt is when this process last woke late, in nanoseconds since the epoch.
var busyAt atomic.Int64

func watch() {
	for {
		due := time.Now().Add(2 * time.Millisecond)
		time.Sleep(time.Until(due))
		if now := time.Now(); now.Sub(due) > ms(lateness) {
			busyAt.Store(now.UnixNano())
		}
	}
}

// runOnce runs a scenario once: a child process plays it, with so many threads (0: Go's default), and this one stalls the child. It
// also returns whether the machine was calm meanwhile.
func runOnce(t *testing.T, i, threads int) (story story, calm bool) {
	start := time.Now().UnixNano()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self, "-child", fmt.Sprint(i))
	command.Stderr = os.Stderr
	if threads > 0 {
		command.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", threads))
	}
	pipe, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	call := time.Now()
	signal := func(at float64, signal syscall.Signal) {
		time.Sleep(time.Until(call.Add(ms(at))))
		if err := command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	for _, stall := range stalls()[i].Stalls {
		signal(stall[0], syscall.SIGSTOP)
		signal(stall[1], syscall.SIGCONT)
	}
	if err := json.NewDecoder(out).Decode(&story); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	return story, busyAt.Load() < start
}

// play is the child process. It prints a line when the call begins, and the story when it has returned.
func play(r recording) {
	call := calls[r.Call]
	if r.Call == "time.Ticker" {
		call = ticker
	}
	fmt.Println("call")
	trace, ok := trace.Play(scenario{Args: r.Args, Runs: last(r.Result, works(r.Takes...)), Stop: r.Stop}, call)
	if !ok {
		panic("does not end")
	}
	if err := json.NewEncoder(os.Stdout).Encode(story{trace.Starts, trace.Ends, trace.Returned, trace.Outcome}); err != nil {
		panic(err)
	}
}

// ticker is the usual loop over a time.Ticker, with its first run at once.
func ticker(x *trace.World) string {
	ticker := time.NewTicker(ms(*x.Args.Interval))
	defer ticker.Stop()
	for {
		x.Run()
		select {
		case <-x.StopCh:
			return "returned"
		case <-ticker.C:
		}
	}
}

// stalls are the scenarios. Whatever is due is at least 50 ms away from the start and the end of a stall.
func stalls() []recording {
	var list []recording
	const interval = 250

	lengths := func(takes ...float64) []float64 { return takes }

	// A deprecated poll has its ticks and its timeout from another goroutine, and a context its timeout. When a stall ends, what
	// fell due for both goroutines is a race. There Go tosses a coin.
	kinds := []struct {
		call, name            string
		args                  args
		loop, immediate, race bool
	}{
		{call: "time.Ticker", args: args{Interval: at(interval)}, loop: true},
		{call: "Until", args: args{Period: at(interval)}, loop: true},
		{call: "NonSlidingUntil", args: args{Period: at(interval)}, loop: true},
		{call: "JitterUntil", name: "sliding: ", args: args{Period: at(interval), JitterFactor: at(0), Sliding: &yes}, loop: true},
		{call: "JitterUntil", name: "not sliding: ", args: args{Period: at(interval), JitterFactor: at(0), Sliding: &no}, loop: true},
		{call: "Poll", args: args{Interval: at(interval), Timeout: at(60_000)}, race: true},
		{call: "PollImmediate", args: args{Interval: at(interval), Timeout: at(60_000)}, immediate: true, race: true},
		{call: "PollInfinite", args: args{Interval: at(interval)}, race: true},
		{call: "PollUntil", args: args{Interval: at(interval)}, race: true},
		{call: "PollUntilContextCancel", args: args{Interval: at(interval), Immediate: &no}},
		{call: "PollUntilContextCancel", name: "immediate: ", args: args{Interval: at(interval), Immediate: &yes}, immediate: true},
		{call: "PollUntilContextTimeout", args: args{Interval: at(interval), Timeout: at(60_000), Immediate: &no}},
	}
	// The first run is the one at 0, which a poll that is not immediate leaves out. Without a stall the fifth is at 1000.
	patterns := []struct {
		name   string
		takes  []float64
		stalls []stall
		race   bool
	}{
		{name: "nothing is due in the stall", takes: lengths(0, 0, 0, 0, 0, 0, 0), stalls: []stall{{1050, 1200}}},
		{name: "shorter than the interval", takes: lengths(0, 0, 0, 0, 0, 0, 0, 0), stalls: []stall{{1100, 1400}}},
		{name: "longer than the interval", takes: lengths(0, 0, 0, 0, 0, 0, 0, 0, 0), stalls: []stall{{1100, 4100}}},
		{name: "in the first sleep", takes: lengths(0, 0, 0, 0, 0, 0), stalls: []stall{{100, 600}}},
		{name: "ends shortly before a tick", takes: lengths(0, 0, 0, 0, 0, 0, 0, 0), stalls: []stall{{1100, 1950}}},
		{name: "ends shortly before a tick, and the run after it lasts longer", takes: lengths(0, 0, 0, 0, 0, 100, 0, 0), stalls: []stall{{1100, 1950}}},
		{name: "within a run", takes: lengths(0, 0, 0, 0, 600, 0, 0, 0), stalls: []stall{{1100, 1400}}},
		{name: "a run ends in the stall", takes: lengths(0, 0, 0, 0, 100, 0, 0, 0), stalls: []stall{{1050, 1200}}},
		{name: "a run ends in the stall, then ticks pass", takes: lengths(0, 0, 0, 0, 100, 0, 0, 0), stalls: []stall{{1050, 2100}}, race: true},
		{name: "ticks pass in the stall, then a run ends", takes: lengths(0, 0, 0, 0, 600, 0, 0, 0), stalls: []stall{{1100, 2100}}, race: true},
		{name: "two in a row", takes: lengths(0, 0, 0, 0, 0, 0, 0, 0), stalls: []stall{{600, 1100}, {1200, 1800}}},
	}
	for _, kind := range kinds {
		for _, pattern := range patterns {
			if kind.race && pattern.race {
				continue
			}
			r := recording{Name: kind.name + pattern.name, Call: kind.call, Args: kind.args, Takes: pattern.takes, Stalls: pattern.stalls}
			switch {
			case kind.loop:
				r.Result, r.Stop = trace.Continue, stopIn(len(r.Takes))
			case kind.immediate:
				r.Result = trace.Done
			default:
				r.Result, r.Takes = trace.Done, r.Takes[1:]
			}
			list = append(list, r)
		}
	}

	timeouts := []struct {
		name    string
		timeout float64
		takes   float64
		result  string
		stall   stall
		race    bool
	}{
		{name: "only the timeout is due in the stall", timeout: 1600, result: trace.Continue, stall: stall{1550, 1700}},
		{name: "ticks pass in the stall, then the timeout", timeout: 1600, result: trace.Continue, stall: stall{1100, 2100}, race: true},
		{name: "the timeout passes in the stall, then ticks", timeout: 1150, result: trace.Continue, stall: stall{1100, 2100}, race: true},
		{name: "the timeout passes in the stall, during a check", timeout: 1400, takes: 1500, result: trace.Continue, stall: stall{1000, 1600}},
		{name: "the timeout passes in the stall, during a check that holds", timeout: 1400, takes: 1500, result: trace.Done, stall: stall{1000, 1600}},
	}
	for _, kind := range []struct {
		call      string
		immediate *bool
		race      bool
	}{
		{call: "Poll"},
		{call: "PollImmediate"},
		{call: "PollUntilContextTimeout", immediate: &no, race: true},
	} {
		for _, timeout := range timeouts {
			if kind.race && timeout.race {
				continue
			}
			list = append(list, recording{
				Name:   timeout.name,
				Call:   kind.call,
				Args:   args{Interval: at(interval), Timeout: at(timeout.timeout), Immediate: kind.immediate},
				Takes:  lengths(timeout.takes),
				Result: timeout.result,
				Stalls: []stall{timeout.stall},
			})
		}
	}
	return list
}
