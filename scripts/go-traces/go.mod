module effect-wait/go-traces

go 1.26.0

godebug randseednop=0

require (
	effect-wait/go-traces/trace v0.0.0
	k8s.io/apimachinery v0.37.2
	k8s.io/utils v0.0.0-20260626114624-be93311217bd
)

require (
	github.com/go-logr/logr v1.4.3 // indirect
	k8s.io/klog/v2 v2.140.0 // indirect
)

replace effect-wait/go-traces/trace => ./trace
