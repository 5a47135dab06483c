package policy_test

import (
	"testing"

	"claude-gateway/lab/netpol/fixture"
	"claude-gateway/lab/netpol/policy"
)

// Our rules and the simulator agree on every connection of the world, for cyclonus's own cases and two thousand random ones.
func TestRulesAgreeWithTheCyclonusSimulator(t *testing.T) {
	cases := append(fixture.CyclonusCases(), fixture.RandomCases(1, 2000)...)
	if len(cases) < 2300 {
		t.Fatalf("only %d cases: cyclonus's own are missing", len(cases))
	}
	attempts := fixture.Attempts(fixture.Protocols)
	passed, refused := 0, 0
	for _, c := range cases {
		rules, err := policy.Compile(fixture.Pods(), fixture.Namespaces(), c.Policies)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for i, expected := range fixture.Simulate(c.Policies, attempts) {
			a := attempts[i]
			if got := rules.Allowed(a.Source, a.Destination, a.Protocol, a.Port); got != expected {
				t.Fatalf("%s: %+v: allowed %v, the simulator says %v", c.Name, a, got, expected)
			}
			if expected {
				passed++
			} else {
				refused++
			}
		}
	}
	// The test would prove little if the generator made only open or only closed worlds.
	if passed < 100_000 || refused < 100_000 {
		t.Fatalf("%d passed and %d refused: too one-sided", passed, refused)
	}
}
