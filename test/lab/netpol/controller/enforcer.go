// Package controller follows the cluster and puts its policies into force, as late as it is told to be.
package controller

import (
	"context"
	"errors"
	"log"
	"time"

	"claude-gateway/lab/netpol/nft"
)

// retryAfter is the pause after nft refused a script.
const retryAfter = time.Second

// Status is what the control socket answers with.
type Status struct {
	Delay string `json:"delay"`
	// Applied counts the states put into force since the start.
	Applied int `json:"applied"`
	// Pending counts the states that were seen and are not in force yet.
	Pending int `json:"pending"`
	// IsolatedPods counts the pods that some policy restricts now.
	IsolatedPods int `json:"isolatedPods"`
	// Error is empty unless nft refused the last script or a policy could not be read.
	Error string `json:"error,omitempty"`
}

// Enforcer puts states of the cluster into force; its fields belong to the goroutine of Run.
type Enforcer struct {
	compile  Compile
	load     func(script string) error
	requests chan request

	delay   Delay
	waiting backlog
	// last is the newest state that was due; in force unless nft refused it or Off removed it.
	last    seen
	inForce string
	status  Status

	compileError, loadError error
}

type request struct {
	do     func()
	status chan Status
}

// NewEnforcer makes an enforcer that gets rules from compile and hands nftables scripts to load.
func NewEnforcer(delay Delay, compile Compile, load func(script string) error) *Enforcer {
	return &Enforcer{compile: compile, load: load, delay: delay, requests: make(chan request)}
}

// Run enforces until the context ends. The rules stay behind then, as kube-router's do.
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

// SetDelay changes the delay, also for what is waiting, and brings back what Off removed.
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

// Status tells how things are.
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
