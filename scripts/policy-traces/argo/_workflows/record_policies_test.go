// Played inside of the package of Argo's workflow controller, since its retries are not exported: see ../record.sh.
package controller

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/util/retry"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/yaml"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v4/util/logging"
)

var (
	out      = flag.String("out", "", "the file to write")
	fixtures = flag.String("fixtures", "", "the folder of the documents")
)

// The runs that are looked at where nothing ends them.
const most = 12

// recording is what was seen of one policy. Times are in milliseconds.
type recording struct {
	File     string    `json:"file"`
	Policy   int       `json:"policy"`
	Ends     bool      `json:"ends"`
	Fewest   int       `json:"fewest"`
	Most     int       `json:"most"`
	Shortest []float64 `json:"shortest"`
	Longest  []float64 `json:"longest"`
}

// The controller asks its queue to look at the workflow again.
type queue struct {
	workqueue.TypedRateLimitingInterface[string]
	after time.Duration
}

func (q *queue) AddAfter(_ string, after time.Duration) { q.after = after }

// Runs that fail at once, each when the controller lets it start.
func play(t *testing.T, workflow *wfv1.Workflow, strategy wfv1.RetryStrategy) (delays []float64, ends bool) {
	ctx := logging.TestContext(t.Context())
	cancel, controller := newController(ctx)
	defer cancel()
	later := &queue{TypedRateLimitingInterface: controller.wfQueue}
	controller.wfQueue = later
	synctest.Test(t, func(t *testing.T) {
		woc := newWorkflowOperationCtx(ctx, workflow, controller)
		node := woc.initializeNode(ctx, "retried", wfv1.NodeTypeRetry, "", &wfv1.WorkflowStep{}, "", wfv1.NodeRunning, &wfv1.NodeFlag{}, true)
		woc.wf.Status.Nodes[node.ID] = *node
		var last time.Time
		for run := range most {
			if run > 0 {
				delays = append(delays, float64(time.Since(last))/float64(time.Millisecond))
			}
			last = time.Now()
			child := fmt.Sprintf("retried(%d)", run)
			woc.initializeNode(ctx, child, wfv1.NodeTypePod, "", &wfv1.WorkflowStep{}, "", wfv1.NodeFailed, &wfv1.NodeFlag{Retried: true}, true)
			woc.addChildNode(ctx, "retried", child)
			for {
				parent, err := woc.wf.GetNodeByName("retried")
				if err != nil {
					t.Fatal(err)
				}
				after, isNext, err := woc.processNodeRetries(ctx, parent, strategy, &executeTemplateOpts{})
				if err != nil {
					t.Fatal(err)
				}
				if after.Phase != wfv1.NodeRunning {
					ends = true
					return
				}
				if isNext {
					break
				}
				time.Sleep(later.after)
			}
		}
	})
	return
}

// A container that always fails, as the executor runs it.
func runContainer(t *testing.T, set *wfv1.ContainerSetTemplate) (delays []float64) {
	backoff, err := set.GetRetryStrategy()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var last time.Time
		_ = retry.OnError(backoff, func(error) bool { return true }, func() error {
			if !last.IsZero() {
				delays = append(delays, float64(time.Since(last))/float64(time.Millisecond))
			}
			last = time.Now()
			return errors.New("never")
		})
	})
	return
}

func TestRecordPolicies(t *testing.T) {
	var recordings []recording
	for _, file := range []string{
		"argo-workflows-backoff.yaml",
		"argo-workflows-steps.yaml",
		"argo-workflows-unlimited.yaml",
		"argo-workflows-no-limit.yaml",
		"argo-workflows-max-duration.yaml",
		"argo-workflows-container-set.yaml",
	} {
		text, err := os.ReadFile(filepath.Join(*fixtures, file))
		if err != nil {
			t.Fatal(err)
		}
		var workflow wfv1.Workflow
		if err := yaml.Unmarshal(text, &workflow); err != nil {
			t.Fatal(err)
		}
		policy := 0
		for _, template := range workflow.Spec.Templates {
			var delays []float64
			ends := true
			switch {
			case template.RetryStrategy != nil:
				delays, ends = play(t, workflow.DeepCopy(), *template.RetryStrategy)
			case template.ContainerSet != nil:
				delays = runContainer(t, template.ContainerSet)
			default:
				continue
			}
			recordings = append(recordings, recording{file, policy, ends, len(delays), len(delays), delays, delays})
			policy++
		}
	}
	text, err := json.MarshalIndent(recordings, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
