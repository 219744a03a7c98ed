module effect-wait/go-traces/trace

go 1.26.0
