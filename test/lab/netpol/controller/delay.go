package controller

import (
	"fmt"
	"time"
)

// Delay is the time between seeing a state of the cluster and enforcing it.
type Delay struct {
	Never    bool
	Duration time.Duration
}

// ParseDelay reads a duration such as 0s or 2s, or never.
func ParseDelay(text string) (Delay, error) {
	if text == "never" {
		return Delay{Never: true}, nil
	}
	duration, err := time.ParseDuration(text)
	if err != nil || duration < 0 {
		return Delay{}, fmt.Errorf("delay %q is neither a duration such as 2s nor never", text)
	}
	return Delay{Duration: duration}, nil
}

func (d Delay) String() string {
	if d.Never {
		return "never"
	}
	return d.Duration.String()
}

// seen is a rendered state of the cluster that waits to be enforced.
type seen struct {
	at       time.Time
	script   string
	isolated int
}

// backlog contains the states that are not enforced yet, oldest first.
type backlog []seen

// due removes and returns the newest state that has waited long enough, and removes the older ones.
func (b *backlog) due(now time.Time, delay Delay) (seen, bool) {
	count := 0
	for count < len(*b) && !delay.Never && !now.Before((*b)[count].at.Add(delay.Duration)) {
		count++
	}
	if count == 0 {
		return seen{}, false
	}
	newest := (*b)[count-1]
	*b = (*b)[count:]
	return newest, true
}

// add keeps only the newest state while the delay is "never".
func (b *backlog) add(state seen, delay Delay) {
	if delay.Never {
		*b = nil
	}
	*b = append(*b, state)
}

// wait is the time until the oldest state is due; false if no state will be.
func (b backlog) wait(now time.Time, delay Delay) (time.Duration, bool) {
	if len(b) == 0 || delay.Never {
		return 0, false
	}
	return b[0].at.Add(delay.Duration).Sub(now), true
}
