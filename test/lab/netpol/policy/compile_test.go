package policy_test

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"claude-gateway/lab/netpol/policy"
)

func pod(name string, labels map[string]string, addresses ...string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, Labels: labels}}
	p.Status.Phase = corev1.PodRunning
	for _, address := range addresses {
		p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: address})
	}
	return p
}

func egressPolicy(selector metav1.LabelSelector, rules ...networkingv1.NetworkPolicyEgressRule) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "p"},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: selector, Egress: rules, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		},
	}
}

func compile(t *testing.T, pods []*corev1.Pod, policies ...*networkingv1.NetworkPolicy) policy.Rules {
	t.Helper()
	rules, err := policy.Compile(pods, []*corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "n"}}}, policies)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func isolated(rules policy.Rules) map[string][]netip.Addr {
	pods := map[string][]netip.Addr{}
	for _, p := range rules.Pods {
		pods[p.Name] = p.Addresses
	}
	return pods
}

func TestOnlyPodsWithAnAddressOfTheirOwnHaveRules(t *testing.T) {
	onHost := pod("on-host", nil, "10.90.0.2")
	onHost.Spec.HostNetwork = true
	finished, failed := pod("finished", nil, "10.42.0.2"), pod("failed", nil, "10.42.0.3")
	finished.Status.Phase, failed.Status.Phase = corev1.PodSucceeded, corev1.PodFailed
	rules := compile(t, []*corev1.Pod{onHost, finished, failed, pod("starting", nil), pod("running", nil, "10.42.0.4")},
		egressPolicy(metav1.LabelSelector{}))
	expected := map[string][]netip.Addr{"running": {netip.MustParseAddr("10.42.0.4")}}
	if got := isolated(rules); !reflect.DeepEqual(got, expected) {
		t.Fatalf("isolated: %v", got)
	}
}

// The labels of an address's old pod must neither restrict the new pod nor allow it anything.
func TestAnAddressGivenOutAgainIsTheYoungerPods(t *testing.T) {
	old := pod("old", map[string]string{"app": "gateway"}, "10.42.0.4", "fd42::4")
	young := pod("young", map[string]string{"app": "agent"}, "10.42.0.4")
	young.CreationTimestamp = metav1.NewTime(time.Unix(1, 0))
	other := pod("other", map[string]string{"app": "other"}, "10.42.0.5", "fd42::5")
	toGateway := egressPolicy(metav1.LabelSelector{MatchLabels: map[string]string{"app": "other"}},
		networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{{
			PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "gateway"}},
		}}})
	rules := compile(t, []*corev1.Pod{old, young, other}, toGateway)
	for destination, expected := range map[string]bool{"10.42.0.4": false, "fd42::4": true} {
		address := netip.MustParseAddr(destination)
		source := other.Status.PodIPs[0].IP
		if address.Is6() {
			source = other.Status.PodIPs[1].IP
		}
		if got := rules.Allowed(netip.MustParseAddr(source), address, corev1.ProtocolTCP, 80); got != expected {
			t.Errorf("to %s: %v", destination, got)
		}
	}
}

func TestAPortNameIsTheDestinationsOwn(t *testing.T) {
	web := intstr.FromString("web")
	serving := func(name string, port int32, address string) *corev1.Pod {
		p := pod(name, nil, address)
		p.Spec.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: port}}}}
		return p
	}
	rules := compile(t, []*corev1.Pod{serving("a", 8080, "10.42.0.1"), serving("b", 9090, "10.42.0.2"), pod("c", nil, "10.42.0.3")},
		egressPolicy(metav1.LabelSelector{}, networkingv1.NetworkPolicyEgressRule{
			Ports: []networkingv1.NetworkPolicyPort{{Port: &web}},
		}))
	source := netip.MustParseAddr("10.42.0.3")
	for _, attempt := range []struct {
		destination string
		port        uint16
		expected    bool
	}{
		{"10.42.0.1", 8080, true},
		{"10.42.0.1", 9090, false},
		{"10.42.0.2", 9090, true},
		{"10.42.0.2", 8080, false},
		{"203.0.113.10", 8080, false},
	} {
		if got := rules.Allowed(source, netip.MustParseAddr(attempt.destination), corev1.ProtocolTCP, attempt.port); got != attempt.expected {
			t.Errorf("%+v: %v", attempt, got)
		}
	}
}

// Kubernetes says that NotIn matches a missing key. The cyclonus simulator differs, so this test covers it.
func TestNotInSelectsPodsWithoutTheLabel(t *testing.T) {
	rules := compile(t, []*corev1.Pod{pod("bare", nil, "10.42.0.1"), pod("exempt", map[string]string{"app": "x"}, "10.42.0.2")},
		egressPolicy(metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"x"}},
		}}))
	expected := map[string][]netip.Addr{"bare": {netip.MustParseAddr("10.42.0.1")}}
	if got := isolated(rules); !reflect.DeepEqual(got, expected) {
		t.Fatalf("isolated: %v", got)
	}
}

func TestAnUnreadableBlockAllowsNothingAndIsNamed(t *testing.T) {
	rules, err := policy.Compile([]*corev1.Pod{pod("a", nil, "10.42.0.1")}, nil, []*networkingv1.NetworkPolicy{
		egressPolicy(metav1.LabelSelector{}, networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{
			{IPBlock: &networkingv1.IPBlock{CIDR: "everything"}},
		}}),
	})
	if err == nil || !strings.Contains(err.Error(), "policy n/p: ipBlock:") {
		t.Fatalf("error: %v", err)
	}
	if len(rules.Pods) != 1 || len(rules.Pods[0].Egress.Allows) != 0 {
		t.Fatalf("rules: %+v", rules)
	}
}

// Where kube-router differs from Kubernetes, the test expects kube-router's behavior, because the machine runs kube-router.
func TestAddressBlocksAreReadAsKubeRouterReadsThem(t *testing.T) {
	type block = networkingv1.IPBlock
	for _, c := range []struct {
		name   string
		blocks []block
		passes map[string]bool
	}{
		{"::/0 means only global unicast and unique local addresses", []block{{CIDR: "::/0"}}, map[string]bool{
			"2001:db8::1": true, "3fff::1": true, "fd00::1": true, "fc00::1": false, "fe80::1": false, "64:ff9b::1": false,
		}},
		{"an exception less specific than these two ranges has no effect on them", []block{{CIDR: "::/0", Except: []string{"8000::/1", "2000::/4"}}},
			map[string]bool{"2001:db8::1": false, "3fff::1": true, "fd20:ce::254": true, "fc00::1": false}},
		{"the last entry for a prefix wins", []block{{CIDR: "2000::/3"}, {CIDR: "::/0", Except: []string{"fd00::/8"}}},
			map[string]bool{"2001:db8::1": true, "fd00::1": false}},
		{"2000::/3 means exactly global unicast", []block{{CIDR: "2000::/3", Except: []string{"2001:db8::/32"}}},
			map[string]bool{"2001:db8::1": false, "2606:4700::1": true, "fd20:ce::254": false, "fe80::1": false}},
		{"0.0.0.0/0 means all of IPv4", []block{{CIDR: "0.0.0.0/0", Except: []string{"0.0.0.0/1", "224.0.0.0/3"}}},
			map[string]bool{"1.1.1.1": false, "160.79.104.10": true, "255.255.255.255": false}},
		{"an exception of one block also applies to a less specific block", []block{{CIDR: "10.0.0.0/8"}, {CIDR: "10.1.0.0/16", Except: []string{"10.1.2.0/24"}}},
			map[string]bool{"10.1.2.3": false, "10.1.3.3": true, "10.2.0.1": true}},
		{"an exception of one block does not apply to a more specific block", []block{{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16"}}, {CIDR: "10.1.2.0/24"}},
			map[string]bool{"10.1.2.3": true, "10.1.3.3": false, "10.2.0.1": true}},
	} {
		var peers []networkingv1.NetworkPolicyPeer
		for _, b := range c.blocks {
			peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: &b})
		}
		rules := compile(t, []*corev1.Pod{pod("a", nil, "10.42.0.1", "fd42::1")},
			egressPolicy(metav1.LabelSelector{}, networkingv1.NetworkPolicyEgressRule{To: peers}))
		for destination, expected := range c.passes {
			address := netip.MustParseAddr(destination)
			source := netip.MustParseAddr("10.42.0.1")
			if address.Is6() {
				source = netip.MustParseAddr("fd42::1")
			}
			if got := rules.Allowed(source, address, corev1.ProtocolTCP, 443); got != expected {
				t.Errorf("%s: to %s: %v", c.name, destination, got)
			}
		}
	}
}
