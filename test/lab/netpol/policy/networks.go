package policy

import (
	"fmt"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
)

// networkSet is how kube-router stores the address blocks of one rule: one set of networks (ipset's hash:net). The most
// specific network that contains an address decides, even if it is an exception of another block.
type networkSet []network

type network struct {
	prefix netip.Prefix
	except bool
}

// How kube-router reads networks that such a set cannot store. ::/0 becomes global unicast and unique local addresses, so
// an exception of 8000::/1 is less specific than the unique local range and has no effect on it.
var everything = map[netip.Prefix][]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/0"): {netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("128.0.0.0/1")},
	netip.MustParsePrefix("::/0"):      {netip.MustParsePrefix("2000::/3"), netip.MustParsePrefix("fd00::/8")},
}

// add adds a block with its exceptions, or nothing if a part of it cannot be parsed.
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

// put adds a network. The last of several with the same prefix wins.
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

// blocks returns the set as a list of blocks. An address is in the set if any of the blocks contains it.
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
