package policy

import (
	"fmt"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
)

// networkSet is what kube-router makes of the address blocks of one rule: one set of networks (ipset's hash:net), in
// which the most specific network that contains an address counts, an exception of another block included.
type networkSet []network

type network struct {
	prefix netip.Prefix
	except bool
}

// kube-router's reading of networks that such a set cannot hold. Of IPv6 it is global unicast and unique local
// addresses, not everything: an exception of 8000::/1 is less specific than the latter, and so without effect on it.
var everything = map[netip.Prefix][]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/0"): {netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("128.0.0.0/1")},
	netip.MustParsePrefix("::/0"):      {netip.MustParsePrefix("2000::/3"), netip.MustParsePrefix("fd00::/8")},
}

// add adds a block with its exceptions, or nothing of it when it cannot be read.
func (s *networkSet) add(block *networkingv1.IPBlock) error {
	prefix, err := netip.ParsePrefix(block.CIDR)
	if err != nil {
		return fmt.Errorf("ipBlock: %w", err)
	}
	networks := []network{{prefix, false}}
	for _, cidr := range block.Except {
		except, err := netip.ParsePrefix(cidr)
		if err != nil {
			return fmt.Errorf("ipBlock except: %w", err)
		}
		networks = append(networks, network{except, true})
	}
	for _, added := range networks {
		s.put(added)
	}
	return nil
}

// put adds a network; the last of several with one prefix counts.
func (s *networkSet) put(added network) {
	prefixes, ok := everything[added.prefix.Masked()]
	if !ok {
		prefixes = []netip.Prefix{added.prefix.Masked()}
	}
	for _, prefix := range prefixes {
		*s = slices.DeleteFunc(*s, func(n network) bool { return n.prefix == prefix })
		*s = append(*s, network{prefix, added.except})
	}
}

// blocks says the same as a list of blocks of which any may contain an address.
func (s networkSet) blocks() []Block {
	var blocks []Block
	for _, n := range s {
		if n.except {
			continue
		}
		block := Block{Prefix: n.prefix}
		for _, other := range s {
			if other.except && other.prefix.Bits() > n.prefix.Bits() && n.prefix.Overlaps(other.prefix) {
				block.Except = append(block.Except, other.prefix)
			}
		}
		blocks = append(blocks, block)
	}
	return blocks
}
