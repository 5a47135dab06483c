// Package policy interprets NetworkPolicies: from pods, namespaces and policies it computes rules by pod address. It does no
// I/O; package nft loads the rules into the kernel.
package policy

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Rules contains every pod that is isolated by at least one policy. Traffic of all other addresses is not restricted.
type Rules struct {
	Pods []PodRules
}

// PodRules contains the rules for one isolated pod.
type PodRules struct {
	Namespace string
	Name      string
	Addresses []netip.Addr
	// Ingress is nil while no policy isolates the pod for ingress.
	Ingress *Direction
	// Egress is nil while no policy isolates the pod for egress.
	Egress *Direction
}

// Direction is a pod's default deny for one direction, with its exceptions.
type Direction struct {
	Allows []Allow
}

// Allow allows traffic that matches one of its peers and one of its ports.
type Allow struct {
	Peers Peers
	// AnyPort means all ports of all protocols, including protocols without ports.
	AnyPort bool
	Ports   []PortRange
}

// Peers is exactly one of: everybody, some pod addresses, an address block.
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

// PortRange is the ports From to To (inclusive) of one protocol.
type PortRange struct {
	Protocol corev1.Protocol
	From, To uint16
}

// Allowed reports whether a new connection from source to the port of destination is allowed.
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
