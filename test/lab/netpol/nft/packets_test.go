package nft_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"claude-gateway/lab/netpol/fixture"
	"claude-gateway/lab/netpol/nft"
	"claude-gateway/lab/netpol/policy"
)

// SCTP sockets need a kernel module. SCTP rules are covered by the text tests and by the tests of package policy.
var protocols = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP}

const firstSourcePort uint16 = 20000

func TestPacketsGoWhereTheCyclonusSimulatorSays(t *testing.T) {
	var cases []fixture.Case
	for i, c := range fixture.CyclonusCases() {
		if i%6 == 0 {
			cases = append(cases, c)
		}
	}
	cases = append(cases, fixture.RandomCases(2, 50)...)
	for _, pods := range []layout{bridged, routed} {
		t.Run(string(pods), func(t *testing.T) { comparePackets(t, newNetwork(t, pods), cases) })
	}
}

func comparePackets(t *testing.T, n *network, cases []fixture.Case) {
	attempts := fixture.Attempts(protocols)
	for i, c := range cases {
		n.enforce(t, c.Policies)
		expected := fixture.Simulate(c.Policies, attempts)
		for j, got := range n.tryAll(t, attempts, firstSourcePort+uint16(i)) {
			if got != expected[j] {
				t.Fatalf("%s: %+v: packets %v, the simulator says %v", c.Name, attempts[j], got, expected[j])
			}
		}
	}
}

func TestTheNodeReachesItsPodsWhateverAPolicySays(t *testing.T) {
	n := newNetwork(t, bridged)
	n.enforce(t, denyAll("x"))
	for i, pod := range podAddresses("x", "a") {
		if !n.try(t, n.node, fixture.Attempt{
			Source: nodeAddresses[i], Destination: pod, Protocol: corev1.ProtocolTCP, Port: 80,
		}) {
			t.Errorf("the node does not reach %s", pod)
		}
	}
}

func TestAnEgressPolicyHoldsForTheNodeToo(t *testing.T) {
	n := newNetwork(t, bridged)
	fromPodToNode := func(i int, pod netip.Addr) bool {
		return n.try(t, n.endpoints[pod], fixture.Attempt{
			Source: pod, Destination: nodeAddresses[i], Protocol: corev1.ProtocolTCP, Port: 80,
		})
	}
	for _, step := range []struct {
		policies []*networkingv1.NetworkPolicy
		expected bool
	}{
		{nil, true},
		{denyAll("x"), false},
	} {
		n.enforce(t, step.policies)
		for i, pod := range podAddresses("x", "a") {
			if got := fromPodToNode(i, pod); got != step.expected {
				t.Errorf("%d policies: from %s to the node: %v", len(step.policies), pod, got)
			}
		}
	}
}

// kube-proxy's DNAT runs first: a policy that selects pods also applies to connections through their Service.
func TestAServiceIsJudgedAsThePodBehindIt(t *testing.T) {
	n := newNetwork(t, bridged)
	backend, other := podAddresses("x", "b")[0], podAddresses("x", "c")[0]
	toB := &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "x", Name: "to-b"},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"pod": "a"}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
			Egress: []networkingv1.NetworkPolicyEgressRule{{To: []networkingv1.NetworkPolicyPeer{{
				PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"pod": "b"}},
			}}}},
		},
	}
	n.enforce(t, []*networkingv1.NetworkPolicy{toB})
	n.load(t, fmt.Sprintf(`table ip proxy {
		chain prerouting {
			type nat hook prerouting priority dstnat; policy accept
			ip daddr 10.43.0.2 dnat to %s
			ip daddr 10.43.0.3 dnat to %s
		}
	}`, backend, other))
	for service, expected := range map[string]bool{"10.43.0.2": true, "10.43.0.3": false} {
		source := podAddresses("x", "a")[0]
		if got := n.try(t, n.endpoints[source], fixture.Attempt{
			Source: source, Destination: netip.MustParseAddr(service), Protocol: corev1.ProtocolTCP, Port: 80,
		}); got != expected {
			t.Errorf("service %s: %v, expected %v", service, got, expected)
		}
	}
}

// A property of kube-router that we have to accept: no policy blocks an echo request.
func TestPingsPassAsTheyDoWithKubeRouter(t *testing.T) {
	n := newNetwork(t, bridged)
	n.enforce(t, denyAll("x"))
	for i, pod := range podAddresses("x", "a") {
		err := n.endpoints[pod].do(func() error { return ping(pod, fixture.Outside[i]) })
		if err != nil {
			t.Errorf("ping from %s: %v", pod, err)
		}
	}
}

func TestRemovalOpensEverythingAndMayRunTwice(t *testing.T) {
	n := newNetwork(t, bridged)
	pod := podAddresses("x", "a")[0]
	attempt := fixture.Attempt{
		Source: pod, Destination: fixture.Outside[0], Protocol: corev1.ProtocolTCP, Port: 80,
	}
	n.enforce(t, denyAll("x"))
	if n.try(t, n.endpoints[pod], attempt) {
		t.Fatal("open under default deny")
	}
	n.load(t, nft.Removal)
	n.load(t, nft.Removal)
	if !n.try(t, n.endpoints[pod], attempt) {
		t.Fatal("closed without a table")
	}
}

func denyAll(namespace string) []*networkingv1.NetworkPolicy {
	return []*networkingv1.NetworkPolicy{{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "deny-all"},
		Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{
			networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress,
		}},
	}}
}

func podAddresses(namespace, name string) []netip.Addr {
	var addresses []netip.Addr
	for _, pod := range fixture.Pods() {
		if pod.Namespace == namespace && pod.Name == name {
			for _, reported := range pod.Status.PodIPs {
				addresses = append(addresses, netip.MustParseAddr(reported.IP))
			}
		}
	}
	return addresses
}

func (n *network) enforce(t *testing.T, policies []*networkingv1.NetworkPolicy) {
	t.Helper()
	rules, err := policy.Compile(fixture.Pods(), fixture.Namespaces(), policies)
	if err != nil {
		t.Fatal(err)
	}
	n.load(t, nft.Render(rules))
}

func (n *network) load(t *testing.T, script string) {
	t.Helper()
	if err := n.node.do(func() error { return nft.Load(script) }); err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
}

func (n *network) try(t *testing.T, from namespace, attempt fixture.Attempt) bool {
	t.Helper()
	var passed bool
	err := from.do(func() (err error) {
		passed, err = try(attempt, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return passed
}

// tryAll runs the attempts of one source one after another, and the sources in parallel.
func (n *network) tryAll(t *testing.T, attempts []fixture.Attempt, sourcePort uint16) []bool {
	t.Helper()
	bySource := map[netip.Addr][]int{}
	for i, attempt := range attempts {
		bySource[attempt.Source] = append(bySource[attempt.Source], i)
	}
	passed := make([]bool, len(attempts))
	problems := make([]error, len(attempts))
	var sources sync.WaitGroup
	for source, indices := range bySource {
		sources.Go(func() {
			n.endpoints[source].do(func() error {
				for _, i := range indices {
					var err error
					if passed[i], err = try(attempts[i], sourcePort); err != nil {
						problems[i] = fmt.Errorf("%+v: %w", attempts[i], err)
						break
					}
				}
				return nil
			})
		})
	}
	sources.Wait()
	if err := errors.Join(problems...); err != nil {
		t.Fatal(err)
	}
	return passed
}
