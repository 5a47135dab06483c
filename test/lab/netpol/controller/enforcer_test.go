package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"claude-gateway/lab/netpol/nft"
	"claude-gateway/lab/netpol/policy"
)

// world simulates a cluster whose number of isolated pods grows, and a kernel that stores the last script.
type world struct {
	changed  chan struct{}
	isolated int
	refuse   error
	loaded   []string
}

func start(t *testing.T, delay Delay) (*world, *Enforcer) {
	t.Helper()
	w := &world{changed: make(chan struct{}, 1)}
	compile := func() (policy.Rules, error) { return rulesFor(w.isolated), nil }
	load := func(script string) error {
		if w.refuse == nil {
			w.loaded = append(w.loaded, script)
		}
		return w.refuse
	}
	e := NewEnforcer(delay, compile, load)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go e.Run(ctx, w.changed)
	return w, e
}

func rulesFor(isolated int) policy.Rules {
	var rules policy.Rules
	for i := range isolated {
		rules.Pods = append(rules.Pods, policy.PodRules{Name: fmt.Sprint(i), Egress: &policy.Direction{}})
	}
	return rules
}

func (w *world) isolate(pods int) {
	w.isolated = pods
	w.changed <- struct{}{}
	synctest.Wait()
}

func (w *world) expect(t *testing.T, e *Enforcer, expected Status) {
	t.Helper()
	synctest.Wait()
	if got := e.Status(); got != expected {
		t.Fatalf("status %+v, expected %+v", got, expected)
	}
	if len(w.loaded) > 0 && expected.IsolatedPods > 0 &&
		w.loaded[len(w.loaded)-1] != nft.Render(rulesFor(expected.IsolatedPods)) {
		t.Fatalf("the kernel does not have the rules of %d pods", expected.IsolatedPods)
	}
}

func TestWithoutDelayAChangeIsInForceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := start(t, Delay{})
		w.isolate(1)
		w.expect(t, e, Status{Delay: "0s", Applied: 1, IsolatedPods: 1})
		w.isolate(1)
		w.expect(t, e, Status{Delay: "0s", Applied: 1, IsolatedPods: 1})
	})
}

func TestEachChangeIsEnforcedItsOwnDelayLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := start(t, Delay{Duration: 2 * time.Second})
		w.isolate(1)
		time.Sleep(1500 * time.Millisecond)
		w.isolate(2)
		w.expect(t, e, Status{Delay: "2s", Pending: 2})
		time.Sleep(500 * time.Millisecond)
		w.expect(t, e, Status{Delay: "2s", Applied: 1, Pending: 1, IsolatedPods: 1})
		time.Sleep(1499 * time.Millisecond)
		w.expect(t, e, Status{Delay: "2s", Applied: 1, Pending: 1, IsolatedPods: 1})
		time.Sleep(time.Millisecond)
		w.expect(t, e, Status{Delay: "2s", Applied: 2, IsolatedPods: 2})
	})
}

func TestNeverKeepsWhatIsInForceAndADelayCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := start(t, Delay{})
		w.isolate(1)
		e.SetDelay(Delay{Never: true})
		w.isolate(2)
		w.isolate(3)
		time.Sleep(time.Hour)
		w.expect(t, e, Status{Delay: "never", Applied: 1, Pending: 1, IsolatedPods: 1})
		e.SetDelay(Delay{})
		w.expect(t, e, Status{Delay: "0s", Applied: 2, IsolatedPods: 3})
	})
}

func TestOffRemovesTheRulesUntilADelayIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := start(t, Delay{})
		w.isolate(1)
		e.Off()
		w.expect(t, e, Status{Delay: "never", Applied: 1})
		if last := w.loaded[len(w.loaded)-1]; last != nft.Removal {
			t.Fatalf("loaded %q", last)
		}
		w.isolate(2)
		w.expect(t, e, Status{Delay: "never", Applied: 1, Pending: 1})
		e.SetDelay(Delay{})
		w.expect(t, e, Status{Delay: "0s", Applied: 2, IsolatedPods: 2})
		e.Off()
		e.SetDelay(Delay{})
		w.expect(t, e, Status{Delay: "0s", Applied: 3, IsolatedPods: 2})
	})
}

func TestAScriptThatNftRefusesIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := start(t, Delay{})
		w.refuse = errors.New("nft: busy")
		w.isolate(1)
		w.expect(t, e, Status{Delay: "0s", Error: "nft: busy"})
		w.refuse = nil
		time.Sleep(retryAfter)
		w.expect(t, e, Status{Delay: "0s", Applied: 1, IsolatedPods: 1})
	})
}

func TestTheSocketAnswersEachCommandWithOneLine(t *testing.T) {
	w, e := start(t, Delay{})
	path := filepath.Join(t.TempDir(), "netpol.sock")
	if err := e.Listen(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	w.isolated = 1
	w.changed <- struct{}{}
	for _, step := range []struct{ line, expected string }{
		{"delay 2s", `"delay":"2s"`},
		{"status", `"delay":"2s"`},
		{"delay never", `"delay":"never"`},
		{"off", `"isolatedPods":0`},
		{"delay soon", `{"error":"delay \"soon\" is neither a duration such as 2s nor never"}`},
		{"delay -1s", `{"error":"delay \"-1s\" is neither a duration such as 2s nor never"}`},
		{"on", `{"error":"\"on\" is none of: status, delay DURATION, delay never, off"}`},
	} {
		answer := say(t, path, step.line)
		if !json.Valid([]byte(answer)) || !strings.Contains(answer, step.expected) {
			t.Errorf("%s: answered %s, expected %s", step.line, answer, step.expected)
		}
	}
}

func say(t *testing.T, path, line string) string {
	t.Helper()
	connection, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintln(connection, line)
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
