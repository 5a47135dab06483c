package controller

import (
	"fmt"
	"time"
)

// Delay is how long after it was seen a state of the cluster is enforced.
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

// seen is a state of the cluster, rendered, that waits to be enforced.
type seen struct {
	at       time.Time
	script   string
	isolated int
}

// backlog is the states not yet enforced, oldest first.
type backlog []seen

// due takes out the newest state that has waited long enough, with those before it.
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

// add keeps no more than the newest state while none is ever due.
func (b *backlog) add(state seen, delay Delay) {
	if delay.Never {
		*b = nil
	}
	*b = append(*b, state)
}

// wait is how long until the oldest state is due; false if none will be.
func (b backlog) wait(now time.Time, delay Delay) (time.Duration, bool) {
	if len(b) == 0 || delay.Never {
		return 0, false
	}
	return b[0].at.Add(delay.Duration).Sub(now), true
}
