// Package argo records what Argo CD and Argo Events do with the documents of packages/documents/test/fixtures.
package argo

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	events "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/shared/util"
	"sigs.k8s.io/yaml"
)

var (
	out      = flag.String("out", "", "the file to write")
	fixtures = flag.String("fixtures", "", "the folder of the documents")
)

// The runs that are looked at where nothing ends them.
const most = 12

// How often a policy is played whose delays are random.
const rounds = 200

// Recording is what was seen of one policy. Times are in milliseconds.
type Recording struct {
	File     string    `json:"file"`
	Policy   int       `json:"policy"`
	Ends     bool      `json:"ends"`
	Fewest   int       `json:"fewest"`
	Most     int       `json:"most"`
	Shortest []float64 `json:"shortest"`
	Longest  []float64 `json:"longest"`
}

// Each round has as many delays as the others.
func (recording *Recording) add(delays []time.Duration) {
	recording.Fewest, recording.Most = len(delays), len(delays)
	for i, delay := range delays {
		millis := float64(delay) / float64(time.Millisecond)
		if i == len(recording.Shortest) {
			recording.Shortest = append(recording.Shortest, millis)
			recording.Longest = append(recording.Longest, millis)
		}
		recording.Shortest[i] = min(recording.Shortest[i], millis)
		recording.Longest[i] = max(recording.Longest[i], millis)
	}
}

func read(t *testing.T, file string, document any) {
	text, err := os.ReadFile(filepath.Join(*fixtures, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, document); err != nil {
		t.Fatal(err)
	}
}

// An Application, or the template of an ApplicationSet.
type application struct {
	Spec struct {
		SyncPolicy *v1alpha1.SyncPolicy `json:"syncPolicy"`
		Template   struct {
			Spec struct {
				SyncPolicy *v1alpha1.SyncPolicy `json:"syncPolicy"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// The delays that the status of the application announces.
func sync(t *testing.T, file string) Recording {
	var document application
	read(t, file, &document)
	policy := document.Spec.SyncPolicy
	if policy == nil {
		policy = document.Spec.Template.Spec.SyncPolicy
	}
	retries := policy.Retry.Limit
	if retries < 0 {
		retries = most - 1
	}
	var delays []time.Duration
	now := time.Now()
	for retry := range retries {
		at, err := policy.Retry.NextRetryAt(now, retry)
		if err != nil {
			t.Fatal(err)
		}
		delays = append(delays, at.Sub(now))
	}
	recording := Recording{File: file, Ends: policy.Retry.Limit >= 0}
	recording.add(delays)
	return recording
}

// Runs that always fail, under the policy of an event source or of a sensor.
func connect(t *testing.T, file string, policy *events.Backoff) Recording {
	recording := Recording{File: file, Ends: true}
	for range rounds {
		synctest.Test(t, func(t *testing.T) {
			var starts []time.Time
			_ = util.DoWithRetry(policy, func() error {
				starts = append(starts, time.Now())
				return errors.New("never")
			})
			var delays []time.Duration
			for i := 1; i < len(starts); i++ {
				delays = append(delays, starts[i].Sub(starts[i-1]))
			}
			recording.add(delays)
		})
	}
	return recording
}

func TestRecord(t *testing.T) {
	var retried, steps events.Sensor
	read(t, "kubernetes-sensor-retry.yaml", &retried)
	read(t, "kubernetes-sensor-steps.yaml", &steps)
	// Where this document has it, version 1.9 has no policy any more.
	var triggered struct {
		Spec struct {
			Triggers []struct {
				Template events.Trigger `json:"template"`
			} `json:"triggers"`
		} `json:"spec"`
	}
	read(t, "kubernetes-sensor-trigger.yaml", &triggered)
	var source events.EventSource
	read(t, "kubernetes-event-source.yaml", &source)
	recordings := []Recording{
		connect(t, "kubernetes-event-source.yaml", source.Spec.AMQP["created"].ConnectionBackoff),
		connect(t, "kubernetes-sensor-trigger.yaml", triggered.Spec.Triggers[0].Template.Policy.K8s.Backoff),
		connect(t, "kubernetes-sensor-retry.yaml", retried.Spec.Triggers[0].RetryStrategy),
		connect(t, "kubernetes-sensor-steps.yaml", steps.Spec.Triggers[0].RetryStrategy),
		sync(t, "argo-cd-application.yaml"),
		sync(t, "argo-cd-meta.yaml"),
		sync(t, "argo-cd-application-set.yaml"),
	}
	text, err := json.MarshalIndent(recordings, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
