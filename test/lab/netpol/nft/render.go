// Package nft loads policy.Rules into the kernel as one nftables table.
package nft

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"claude-gateway/lab/netpol/policy"
)

// Table is the table that this package owns. It changes no other table.
const Table = "inet netpol"

// Removal is the script that deletes the table, whether it exists or not.
const Removal = "table " + Table + " {\n}\ndelete table " + Table + "\n"

// The hooks run after kube-proxy's DNAT, so they see the pod behind a Service. Packets from the node to its pods (kubelet
// probes) pass no hook. Like kube-router, the rules allow replies and common ICMP, including echo requests, before any
// policy, and drop packets that belong to no connection.
const hooks = `
	chain forward {
		type filter hook forward priority filter; policy accept
		jump common
	}

	chain input {
		type filter hook input priority filter; policy accept
		jump common
	}

	chain common {
		ct state established,related accept
		ct state invalid drop
		meta l4proto icmp icmp type { echo-request, destination-unreachable, time-exceeded } accept
		meta l4proto icmpv6 icmpv6 type { echo-request, echo-reply, destination-unreachable, packet-too-big, time-exceeded, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
		ip saddr vmap @egress4
		ip6 saddr vmap @egress6
		ip daddr vmap @ingress4
		ip6 daddr vmap @ingress6
	}
`

// Render writes the script that replaces the table with one that has these rules, in one transaction. A pod's chain returns
// for allowed packets (the other end's chain may still reject them) and rejects the rest.
func Render(rules policy.Rules) string {
	egress := side{name: "egress", peer: "daddr"}
	ingress := side{name: "ingress", peer: "saddr"}
	for _, pod := range rules.Pods {
		egress.add(pod, pod.Egress)
		ingress.add(pod, pod.Ingress)
	}
	var script strings.Builder
	script.WriteString(Removal + "table " + Table + " {\n")
	for _, s := range []side{egress, ingress} {
		writeMap(&script, s.name+"4", "ipv4_addr", s.elements4)
		writeMap(&script, s.name+"6", "ipv6_addr", s.elements6)
		script.WriteString(s.chains.String())
	}
	script.WriteString(hooks + "}\n")
	return script.String()
}

// side collects the chains and address maps of one direction.
type side struct {
	name                 string
	peer                 string
	count                int
	elements4, elements6 []string
	chains               strings.Builder
}

func (s *side) add(pod policy.PodRules, direction *policy.Direction) {
	if direction == nil {
		return
	}
	chain := fmt.Sprintf("%s-%d", s.name, s.count)
	s.count++
	for _, address := range pod.Addresses {
		element := fmt.Sprintf("%s : jump %s", address, chain)
		if address.Is4() {
			s.elements4 = append(s.elements4, element)
		} else {
			s.elements6 = append(s.elements6, element)
		}
	}
	// The kernel stores 128 bytes of comment, but a namespace and a pod name can be longer.
	comment := fmt.Sprintf("%.120s", pod.Namespace+"/"+pod.Name)
	fmt.Fprintf(&s.chains, "\n\tchain %s {\n\t\tcomment %q\n", chain, comment)
	for _, allow := range direction.Allows {
		for _, peers := range s.peerMatches(allow.Peers) {
			for _, ports := range portMatches(allow) {
				s.chains.WriteString("\t\t" + peers + ports + "return\n")
			}
		}
	}
	s.chains.WriteString("\t\tcounter reject with icmpx port-unreachable\n\t}\n")
}

func writeMap(script *strings.Builder, name, keyType string, elements []string) {
	fmt.Fprintf(script, "\n\tmap %s {\n\t\ttype %s : verdict\n", name, keyType)
	if len(elements) > 0 {
		fmt.Fprintf(script, "\t\telements = { %s }\n", strings.Join(elements, ", "))
	}
	script.WriteString("\t}\n")
}

func (s *side) peerMatches(peers policy.Peers) []string {
	switch {
	case peers.Any:
		return []string{""}
	case peers.Block != nil:
		field := s.field(peers.Block.Prefix.Addr())
		match := fmt.Sprintf("%s %s ", field, peers.Block.Prefix)
		for _, except := range peers.Block.Except {
			match += fmt.Sprintf("%s != %s ", field, except)
		}
		return []string{match}
	}
	var of4, of6 []string
	for _, address := range peers.Addresses {
		if address.Is4() {
			of4 = append(of4, address.String())
		} else {
			of6 = append(of6, address.String())
		}
	}
	var matches []string
	for _, addresses := range [][]string{of4, of6} {
		if len(addresses) > 0 {
			field := s.field(netip.MustParseAddr(addresses[0]))
			matches = append(matches, fmt.Sprintf("%s { %s } ", field, strings.Join(addresses, ", ")))
		}
	}
	return matches
}

func (s *side) field(address netip.Addr) string {
	if address.Is4() {
		return "ip " + s.peer
	}
	return "ip6 " + s.peer
}

func portMatches(allow policy.Allow) []string {
	if allow.AnyPort {
		return []string{""}
	}
	matches := make([]string, len(allow.Ports))
	for i, ports := range allow.Ports {
		number := fmt.Sprint(ports.From)
		if ports.To != ports.From {
			number += fmt.Sprintf("-%d", ports.To)
		}
		matches[i] = fmt.Sprintf("%s dport %s ", protocolNames[ports.Protocol], number)
	}
	return matches
}

var protocolNames = map[corev1.Protocol]string{
	corev1.ProtocolTCP:  "tcp",
	corev1.ProtocolUDP:  "udp",
	corev1.ProtocolSCTP: "sctp",
}
