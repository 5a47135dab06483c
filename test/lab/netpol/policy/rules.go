// Package policy says what NetworkPolicies mean: pods, namespaces and policies in, rules by pod address out.
// It does no I/O; package nft puts the rules into the kernel.
package policy

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Rules holds every pod that at least one policy isolates; traffic of all other addresses is not restricted.
type Rules struct {
	Pods []PodRules
}

// PodRules is what holds for one isolated pod.
type PodRules struct {
	Namespace string
	Name      string
	Addresses []netip.Addr
	// Ingress is nil while no policy isolates the pod for ingress.
	Ingress *Direction
	// Egress is nil while no policy isolates the pod for egress.
	Egress *Direction
}

// Direction is a pod's default deny for one direction and its exceptions.
type Direction struct {
	Allows []Allow
}

// Allow lets traffic through that matches one of its peers and one of its ports.
type Allow struct {
	Peers Peers
	// AnyPort stands for all ports of all protocols, those without ports included.
	AnyPort bool
	Ports   []PortRange
}

// Peers is exactly one of: everybody, some addresses (of pods), an address block.
type Peers struct {
	Any       bool
	Addresses []netip.Addr
	Block     *Block
}

// Block is an ipBlock: a prefix without the excepted prefixes.
type Block struct {
	Prefix netip.Prefix
	Except []netip.Prefix
}

// PortRange is the ports From to To, both included, of one protocol.
type PortRange struct {
	Protocol corev1.Protocol
	From, To uint16
}

// Allowed tells whether a new connection from source to the port of destination passes.
func (r Rules) Allowed(source, destination netip.Addr, protocol corev1.Protocol, port uint16) bool {
	for _, pod := range r.Pods {
		if pod.Egress != nil && slices.Contains(pod.Addresses, source) &&
			!pod.Egress.allows(destination, protocol, port) {
			return false
		}
		if pod.Ingress != nil && slices.Contains(pod.Addresses, destination) &&
			!pod.Ingress.allows(source, protocol, port) {
			return false
		}
	}
	return true
}

func (d Direction) allows(peer netip.Addr, protocol corev1.Protocol, port uint16) bool {
	return slices.ContainsFunc(d.Allows, func(a Allow) bool {
		return a.Peers.contains(peer) && (a.AnyPort || slices.ContainsFunc(a.Ports, func(p PortRange) bool {
			return p.Protocol == protocol && p.From <= port && port <= p.To
		}))
	})
}

func (p Peers) contains(address netip.Addr) bool {
	return p.Any || slices.Contains(p.Addresses, address) || p.Block != nil && p.Block.contains(address)
}

func (b Block) contains(address netip.Addr) bool {
	return b.Prefix.Contains(address) && !slices.ContainsFunc(b.Except, func(except netip.Prefix) bool {
		return except.Contains(address)
	})
}
