package nft_test

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"claude-gateway/lab/netpol/nft"
	"claude-gateway/lab/netpol/policy"
)

func TestRenderedChainsOfAPod(t *testing.T) {
	script := nft.Render(policy.Rules{Pods: []policy.PodRules{{
		Namespace: "dev-e",
		Name:      "runner",
		Addresses: []netip.Addr{netip.MustParseAddr("10.42.0.7"), netip.MustParseAddr("fd42::7")},
		Ingress:   &policy.Direction{},
		Egress: &policy.Direction{Allows: []policy.Allow{
			{
				Peers: policy.Peers{Addresses: []netip.Addr{
					netip.MustParseAddr("10.42.0.8"), netip.MustParseAddr("10.42.0.9"), netip.MustParseAddr("fd42::8"),
				}},
				Ports: []policy.PortRange{{Protocol: corev1.ProtocolTCP, From: 8080, To: 8080}, {Protocol: corev1.ProtocolSCTP, From: 1, To: 9}},
			},
			{
				Peers: policy.Peers{Block: &policy.Block{
					Prefix: netip.MustParsePrefix("0.0.0.0/0"),
					Except: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16")},
				}},
				AnyPort: true,
			},
			{Peers: policy.Peers{Any: true}, Ports: []policy.PortRange{{Protocol: corev1.ProtocolUDP, From: 0, To: 65535}}},
		}},
	}}})
	expected := `table inet netpol {
}
delete table inet netpol
table inet netpol {

	map egress4 {
		type ipv4_addr : verdict
		elements = { 10.42.0.7 : jump egress-0 }
	}

	map egress6 {
		type ipv6_addr : verdict
		elements = { fd42::7 : jump egress-0 }
	}

	chain egress-0 {
		comment "dev-e/runner"
		ip daddr { 10.42.0.8, 10.42.0.9 } tcp dport 8080 return
		ip daddr { 10.42.0.8, 10.42.0.9 } sctp dport 1-9 return
		ip6 daddr { fd42::8 } tcp dport 8080 return
		ip6 daddr { fd42::8 } sctp dport 1-9 return
		ip daddr 0.0.0.0/0 ip daddr != 10.0.0.0/8 ip daddr != 10.1.0.0/16 return
		udp dport 0-65535 return
		counter reject with icmpx port-unreachable
	}

	map ingress4 {
		type ipv4_addr : verdict
		elements = { 10.42.0.7 : jump ingress-0 }
	}

	map ingress6 {
		type ipv6_addr : verdict
		elements = { fd42::7 : jump ingress-0 }
	}

	chain ingress-0 {
		comment "dev-e/runner"
		counter reject with icmpx port-unreachable
	}
`
	if !strings.HasPrefix(script, expected) {
		t.Fatalf("rendered\n%s", script)
	}
}
