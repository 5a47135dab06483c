// Package controller watches the cluster and enforces its NetworkPolicies, after a configurable delay.
package controller

import (
	"context"
	"errors"
	"log"
	"time"

	"claude-gateway/lab/netpol/nft"
)

// retryAfter is the pause after nft rejected a script.
const retryAfter = time.Second

// Status is the answer of the control socket.
type Status struct {
	Delay string `json:"delay"`
	// Applied counts the states that have been enforced since the start.
	Applied int `json:"applied"`
	// Pending counts the states that were seen and are not enforced yet.
	Pending int `json:"pending"`
	// IsolatedPods counts the pods that are restricted by a policy now.
	IsolatedPods int `json:"isolatedPods"`
	// Error is empty unless nft rejected the last script or a policy could not be read.
	Error string `json:"error,omitempty"`
}

// Enforcer enforces states of the cluster. Only the goroutine of Run uses its fields.
type Enforcer struct {
	compile  Compile
	load     func(script string) error
	requests chan request

	delay   Delay
	waiting backlog
	// last is the newest state that was due. It is enforced unless nft rejected it or Off removed it.
	last    seen
	inForce string
	status  Status

	compileError, loadError error
}

type request struct {
	do     func()
	status chan Status
}

// NewEnforcer creates an enforcer that gets rules from compile and passes nftables scripts to load.
func NewEnforcer(delay Delay, compile Compile, load func(script string) error) *Enforcer {
	return &Enforcer{compile: compile, load: load, delay: delay, requests: make(chan request)}
}

// Run enforces until the context ends. Like kube-router, it then leaves the rules in place.
func (e *Enforcer) Run(ctx context.Context, changed <-chan struct{}) {
	for {
		var timer <-chan time.Time
		if wait, waiting := e.waiting.wait(time.Now(), e.delay); waiting {
			timer = time.After(wait)
		} else if e.last.script != e.inForce && !e.delay.Never {
			timer = time.After(retryAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
			e.look()
		case <-timer:
		case r := <-e.requests:
			r.do()
			e.applyDue()
			r.status <- e.report()
			continue
		}
		e.applyDue()
	}
}

// SetDelay changes the delay, also for waiting states, and restores the rules that Off removed.
func (e *Enforcer) SetDelay(delay Delay) Status {
	return e.ask(func() { e.delay = delay })
}

// Off removes all rules and sets the delay to never: the cluster is as if no controller had ever run.
func (e *Enforcer) Off() Status {
	return e.ask(func() {
		e.delay = Delay{Never: true}
		if e.try(nft.Removal) {
			e.inForce, e.status.IsolatedPods = "", 0
		}
	})
}

// Status returns the current state.
func (e *Enforcer) Status() Status {
	return e.ask(func() {})
}

func (e *Enforcer) ask(do func()) Status {
	r := request{do, make(chan Status, 1)}
	e.requests <- r
	return <-r.status
}

func (e *Enforcer) report() Status {
	report := e.status
	report.Delay, report.Pending = e.delay.String(), len(e.waiting)
	if err := errors.Join(e.compileError, e.loadError); err != nil {
		report.Error = err.Error()
	}
	return report
}

func (e *Enforcer) look() {
	rules, err := e.compile()
	if e.compileError = err; err != nil {
		log.Print(err)
	}
	state := seen{time.Now(), nft.Render(rules), len(rules.Pods)}
	newest := e.last.script
	if len(e.waiting) > 0 {
		newest = e.waiting[len(e.waiting)-1].script
	}
	if state.script != newest {
		e.waiting.add(state, e.delay)
	}
}

func (e *Enforcer) applyDue() {
	if state, due := e.waiting.due(time.Now(), e.delay); due {
		e.last = state
	}
	if e.delay.Never || e.last.script == e.inForce {
		return
	}
	if e.try(e.last.script) {
		e.inForce = e.last.script
		e.status.Applied++
		e.status.IsolatedPods = e.last.isolated
	}
}

func (e *Enforcer) try(script string) bool {
	e.loadError = e.load(script)
	if e.loadError != nil {
		log.Print(e.loadError)
	}
	return e.loadError == nil
}
