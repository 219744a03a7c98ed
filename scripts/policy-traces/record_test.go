// Package policies records what the real packages do with the documents of packages/documents/test/fixtures.
package policies

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"k8s.io/apimachinery/pkg/util/wait"
)

var out = flag.String("out", "", "the file to write")

const fixtures = "../../packages/documents/test/fixtures"

// How often each policy is played: its delays are random.
const rounds = 200

// Recording is what was seen of one policy in all rounds. Times are in milliseconds.
type Recording struct {
	File   string `json:"file"`
	Policy int    `json:"policy"`
	Ends   bool   `json:"ends"`
	// How many delays a round had. Of those that not all rounds had, the lengths are left out.
	Fewest   int       `json:"fewest"`
	Most     int       `json:"most"`
	Shortest []float64 `json:"shortest"`
	Longest  []float64 `json:"longest"`
}

// Plays a policy again and again. `play` returns the delays between its runs.
func record(file string, policy int, play func() []time.Duration) Recording {
	recording := Recording{File: file, Policy: policy, Ends: true}
	for round := range rounds {
		delays := play()
		if round == 0 {
			recording.Fewest = len(delays)
		}
		recording.Fewest = min(recording.Fewest, len(delays))
		recording.Most = max(recording.Most, len(delays))
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
	recording.Shortest = recording.Shortest[:recording.Fewest]
	recording.Longest = recording.Longest[:recording.Fewest]
	return recording
}

func between(starts []time.Time) []time.Duration {
	delays := []time.Duration{}
	for i := 1; i < len(starts); i++ {
		delays = append(delays, starts[i].Sub(starts[i-1]))
	}
	return delays
}

// Kubernetes' ExponentialBackoff, with a condition that never holds.
func kubernetes(t *testing.T, policy wait.Backoff) func() []time.Duration {
	return func() (delays []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			var starts []time.Time
			_ = wait.ExponentialBackoff(policy, func() (bool, error) {
				starts = append(starts, time.Now())
				return false, nil
			})
			delays = between(starts)
		})
		return
	}
}

// A call of a gRPC client that has the document for its service config, to a server that is never available.
func grpcClient(t *testing.T, config string, method string) func() []time.Duration {
	return func() (delays []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			var starts []time.Time
			listener := bufconn.Listen(1 << 16)
			server := grpc.NewServer(grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
				starts = append(starts, time.Now())
				return status.Error(codes.Unavailable, "never")
			}))
			go func() { _ = server.Serve(listener) }()
			client, err := grpc.NewClient("passthrough:///server",
				grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return listener.Dial() }),
				grpc.WithTransportCredentials(insecure.NewCredentials()),
				grpc.WithDisableServiceConfig(),
				grpc.WithDefaultServiceConfig(config))
			if err != nil {
				t.Fatal(err)
			}
			_ = client.Invoke(context.Background(), method, &empty{}, &empty{}, grpc.ForceCodec(codec{}))
			_ = client.Close()
			server.Stop()
			_ = listener.Close()
			synctest.Wait()
			delays = between(starts)
		})
		return
	}
}

type empty struct{}

// Messages without content, so that no protobuf is needed.
type codec struct{}

func (codec) Marshal(any) ([]byte, error) { return nil, nil }
func (codec) Unmarshal([]byte, any) error { return nil }
func (codec) Name() string                { return "proto" }

// An exporter of the collector, whose server is never available.
func otel(t *testing.T, retry configretry.BackOffConfig) func() []time.Duration {
	return func() (delays []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			var starts []time.Time
			ctx := context.Background()
			settings := exporter.Settings{ID: component.MustNewID("never"), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
			logs, err := exporterhelper.NewLogs(ctx, settings, &struct{}{}, func(context.Context, plog.Logs) error {
				starts = append(starts, time.Now())
				return errors.New("never")
			}, exporterhelper.WithRetry(retry), exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}))
			if err != nil {
				t.Fatal(err)
			}
			if err := logs.Start(ctx, componenttest.NewNopHost()); err != nil {
				t.Fatal(err)
			}
			data := plog.NewLogs()
			data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
			_ = logs.ConsumeLogs(ctx, data)
			if err := logs.Shutdown(ctx); err != nil {
				t.Fatal(err)
			}
			delays = between(starts)
		})
		return
	}
}

func textOf(t *testing.T, file string) string {
	text, err := os.ReadFile(filepath.Join(fixtures, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRecord(t *testing.T) {
	if *out == "" {
		t.Skip("no -out")
	}
	second := time.Second
	recordings := []Recording{
		record("kubernetes-configmap.yaml", 0, kubernetes(t, wait.Backoff{Duration: 10 * second, Factor: 2, Steps: 5, Cap: 60 * second})),
		record("kubernetes-go.json", 0, kubernetes(t, goPolicy(t))),
	}
	for _, call := range []struct {
		file, method string
		policy       int
	}{
		{"grpc-pubsub.json", "/example.v1.Topics/Create", 0},
		{"grpc-pubsub.json", "/example.v1.Topics/Publish", 1},
		{"grpc-retrying.json", "/example.Greeter/Greet", 0},
		{"grpc-go-spelling.json", "/example.echo.Echo/UnaryEcho", 0},
	} {
		recordings = append(recordings, record(call.file, call.policy, grpcClient(t, textOf(t, call.file), call.method)))
	}
	standard := configretry.NewDefaultBackOffConfig()
	milli := time.Millisecond
	for _, exporter := range []struct {
		file  string
		retry configretry.BackOffConfig
	}{
		{"otel-exporter.yaml", configretry.BackOffConfig{
			Enabled: true, InitialInterval: 10 * second, RandomizationFactor: 0.7, Multiplier: 1.3, MaxInterval: 60 * second, MaxElapsedTime: 600 * second,
		}},
		{"otel-collector.yaml", standard},
		{"otel-defaults.yaml", standard},
		{"otel-e2e.yaml", configretry.BackOffConfig{
			Enabled: true, InitialInterval: 10 * milli, RandomizationFactor: 0.5, Multiplier: 1.5, MaxInterval: 50 * milli, MaxElapsedTime: 200 * milli,
		}},
	} {
		recordings = append(recordings, record(exporter.file, 0, otel(t, exporter.retry)))
	}
	text, err := json.MarshalIndent(recordings, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Go's own decoder reads the document.
func goPolicy(t *testing.T) (policy wait.Backoff) {
	if err := json.Unmarshal([]byte(textOf(t, "kubernetes-go.json")), &policy); err != nil {
		t.Fatal(err)
	}
	return
}

// A document that gRPC refuses is refused here too.
func TestRefused(t *testing.T) {
	_, err := grpc.NewClient("passthrough:///server",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(textOf(t, "grpc-gapic.json")))
	if err == nil {
		t.Fatal(errors.New("gRPC takes grpc-gapic.json"))
	}
}
