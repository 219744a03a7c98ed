package trace

import (
	"fmt"
	"hash/fnv"
)

// Generator makes scenarios of one call, the same ones every time.
type Generator struct {
	call  string
	state uint64
}

// NewGenerator makes the generator of a call, whose scenarios do not depend on those of other calls.
func NewGenerator(call string) *Generator {
	hash := fnv.New64a()
	hash.Write([]byte(call))
	return &Generator{call: call, state: hash.Sum64()}
}

// next is SplitMix64.
func (g *Generator) next() uint64 {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Below is a whole number below n.
func (g *Generator) Below(n int) int { return int(g.next() % uint64(n)) }

// Chance is true so many times out of a hundred.
func (g *Generator) Chance(percent int) bool { return g.Below(100) < percent }

var primes = []int{
	2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127,
	131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251, 257, 263,
	269, 271, 277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359, 367, 373, 379, 383, 389, 397, 401, 409, 419,
}

// Millis is a duration of from..to milliseconds, and a prime number of microseconds.
func (g *Generator) Millis(from, to int) float64 {
	return float64((from+g.Below(to-from+1))*1000+primes[g.Below(len(primes))]) / 1000
}

// Pick is one of several.
func Pick[T any](g *Generator, from ...T) T { return from[g.Below(len(from))] }

// takes is how long a run lasts, at most; some last no time.
func (g *Generator) takes(most int) float64 {
	switch {
	case g.Chance(25):
		return 0
	case g.Chance(50):
		return g.Millis(1, max(2, most/4))
	default:
		return g.Millis(1, most)
	}
}

// Works are runs of a loop.
func (g *Generator) Works(most int) []Run {
	runs := make([]Run, 1+g.Below(6))
	for i := range runs {
		runs[i] = Run{g.takes(most), Continue}
	}
	return runs
}

// Exits are runs that end with Goexit.
func (g *Generator) Exits(most int) []Run {
	runs := g.Works(most)
	return append(runs, Run{g.takes(most), Goexit})
}

// Verdicts are checks that end with done or an error.
func (g *Generator) Verdicts(n, most int) []Run {
	runs := make([]Run, 1+g.Below(n))
	for i := range runs {
		runs[i] = Run{g.takes(most), Continue}
	}
	runs[len(runs)-1].Result = Pick(g, Done, Done, Error)
	return runs
}

// Checks may or may not end with done or an error.
func (g *Generator) Checks(n, most int) []Run {
	if g.Chance(55) {
		return g.Works(most)
	}
	return g.Verdicts(n, most)
}

// Stop comes after so many milliseconds at most, in one of so many runs, before the call, or not at all.
func (g *Generator) Stop(most, runs int) *Stop {
	if g.Chance(30) {
		return nil
	}
	return g.Halt(most, runs)
}

// Halt is a stop that comes.
func (g *Generator) Halt(most, runs int) *Stop {
	switch {
	case g.Chance(6):
		return &Stop{}
	case g.Chance(20):
		return &Stop{Run: 1 + g.Below(runs)}
	default:
		return &Stop{At: g.Millis(1, most)}
	}
}

// Record records n scenarios.
func (g *Generator) Record(r *Recorder, n int, scenario func() Scenario) {
	r.T.Helper()
	for count, tries := 0, 0; count < n; tries++ {
		if tries > 50*n {
			r.T.Fatalf("%s: hardly any scenario is good", g.call)
		}
		s := scenario()
		s.Call = g.call
		s.Name = fmt.Sprintf("random %d", count+1)
		s.Seed = int64(1 + g.Below(1<<31-2))
		if r.Random(s) {
			count++
		}
	}
}
