package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"testing"
)

// Recorder turns scenarios into traces.
type Recorder struct {
	T      *testing.T
	Calls  map[string]Call
	traces map[string][]Trace
}

// Rule records a scenario written by hand, and fails where Go tosses a coin. Its seed is made from its name.
func (r *Recorder) Rule(s Scenario) {
	r.T.Helper()
	hash := fnv.New32a()
	hash.Write([]byte(s.Call + " " + s.Name))
	s.Seed = int64(hash.Sum32()>>1) + 1
	if slices.ContainsFunc(r.traces[s.Call], func(other Trace) bool { return other.Name == s.Name }) {
		r.T.Fatalf("%s: %s: there are two of this name", s.Call, s.Name)
	}
	if why := r.try(s); why != "" {
		r.T.Fatalf("%s: %s: %s", s.Call, s.Name, why)
	}
}

// Random records a generated scenario, and says no where Go tosses a coin or the scenario is too long.
func (r *Recorder) Random(s Scenario) bool { return r.try(s) == "" }

func (r *Recorder) try(s Scenario) string {
	call := r.Calls[s.Call]
	if s.Runs == nil {
		s.Runs = []Run{}
	}
	trace, ok := Execute(r.T, s, call)
	if !ok {
		return "does not end"
	}
	if tossed(trace) {
		return "stop and something else are both there when a check ends"
	}
	if !s.Exact {
		for _, other := range nudged(s) {
			if moved, ok := Execute(r.T, other, call); !ok || !alike(trace, moved) {
				return fmt.Sprintf("hangs on a microsecond:\n%+v\n%+v", trace, moved)
			}
		}
	}
	for range 4 {
		if again, _ := Execute(r.T, s, call); !reflect.DeepEqual(trace, again) {
			r.T.Fatalf("%s: %s: differs from one time to the next:\n%+v\n%+v", s.Call, s.Name, trace, again)
		}
	}
	if r.traces == nil {
		r.traces = map[string][]Trace{}
	}
	r.traces[s.Call] = append(r.traces[s.Call], trace)
	return ""
}

// Write writes a file for every call.
func (r *Recorder) Write(dir string) {
	r.T.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.T.Fatal(err)
	}
	total := 0
	for call := range r.Calls {
		traces := r.traces[call]
		if len(traces) == 0 {
			r.T.Fatalf("%s: no traces", call)
		}
		total += len(traces)
		WriteFile(r.T, filepath.Join(dir, call+".json"), traces)
	}
	r.T.Logf("%d traces of %d functions", total, len(r.Calls))
}

// WriteFile writes a file of traces, one a line, with the versions of Go and of the wait package.
func WriteFile[T any](t *testing.T, file string, traces []T) {
	t.Helper()
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"go\": %q,\n  \"module\": %q,\n  \"traces\": [", runtime.Version(), apimachinery(t))
	for i, trace := range traces {
		if i > 0 {
			out.WriteByte(',')
		}
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(trace); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n    ")
		out.Write(bytes.TrimSpace(line.Bytes()))
	}
	out.WriteString("\n  ]\n}\n")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// apimachinery is the module that was recorded with its version, out of the go.mod beside the test. (Test binaries do not tell.)
func apimachinery(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`k8s\.io/apimachinery v\S+`).Find(mod)
	if version == nil {
		t.Fatal("no k8s.io/apimachinery in go.mod")
	}
	return string(version)
}
