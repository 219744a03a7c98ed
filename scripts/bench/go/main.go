// Command bench measures Go's wait package: bench jitter N, bench poll N, bench sleep N. It prints JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

var benchmarks = map[string]func(count int) map[string]float64{
	"jitter": perIteration(jitter),
	"poll":   perIteration(poll),
	"sleep":  sleep,
}

func main() {
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	line, err := json.Marshal(benchmarks[os.Args[1]](count))
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// perIteration gives the nanoseconds of the processor for an iteration, after a tenth of them that warms up.
func perIteration(loop func(count int)) func(count int) map[string]float64 {
	return func(count int) map[string]float64 {
		loop(count / 10)
		begin := processorTime()
		loop(count)
		return map[string]float64{"nanos": nanosEach(begin, count)}
	}
}

func nanosEach(begin int64, count int) float64 {
	return float64(processorTime()-begin) / float64(count)
}

// processorTime gives the nanoseconds that the processor has worked for this process.
func processorTime() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func jitter(count int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	wait.JitterUntilWithContext(ctx, func(context.Context) {
		if n++; n == count {
			cancel()
		}
	}, 0, 0, true)
}

func poll(count int) {
	n := 0
	err := wait.PollUntilContextCancel(context.Background(), 0, true, func(context.Context) (bool, error) {
		n++
		return n == count, nil
	})
	if err != nil {
		panic(err)
	}
}

// sleep starts so many loops that run once and then sleep for an hour: the bytes of each; the nanoseconds to start each, and
// to cancel each, until all have returned.
func sleep(count int) map[string]float64 {
	ctx, cancel := context.WithCancel(context.Background())
	var ran, returned sync.WaitGroup
	ran.Add(count)
	returned.Add(count)
	empty := bytesInUse()
	begin := processorTime()
	for range count {
		go func() {
			defer returned.Done()
			wait.UntilWithContext(ctx, func(context.Context) { ran.Done() }, time.Hour)
		}()
	}
	ran.Wait()
	start := nanosEach(begin, count)
	time.Sleep(100 * time.Millisecond)
	bytes := float64(bytesInUse()-empty) / float64(count)
	begin = processorTime()
	cancel()
	returned.Wait()
	return map[string]float64{"bytes": bytes, "start": start, "cancel": nanosEach(begin, count)}
}

func bytesInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}
