module effect-wait/go-traces/v0.26

go 1.26.0

godebug randseednop=0

require (
	effect-wait/go-traces/trace v0.0.0
	k8s.io/apimachinery v0.26.15
)

require (
	github.com/go-logr/logr v1.2.3 // indirect
	k8s.io/klog/v2 v2.80.1 // indirect
	k8s.io/utils v0.0.0-20221107191617-1a15be271d1d // indirect
)

replace effect-wait/go-traces/trace => ../trace
