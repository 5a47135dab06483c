package main

import (
	"math"
	"slices"
	"syscall"
	"time"
)

// quantiles of a set of durations, in milliseconds; all are 0 for an empty set.
type quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func quantilesOf(durations []time.Duration) quantiles {
	if len(durations) == 0 {
		return quantiles{}
	}
	slices.Sort(durations)
	// The nearest rank, so every figure is a measured value.
	at := func(share float64) float64 {
		rank := int(math.Ceil(share*float64(len(durations)))) - 1
		return float64(durations[max(rank, 0)]) / float64(time.Millisecond)
	}
	return quantiles{P50: at(0.5), P99: at(0.99), Max: at(1)}
}

// cpuSeconds is the CPU time that this process has used so far.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}
