package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Compile computes the rules. If a part of a policy cannot be read, the error names it, the part allows nothing, and the
// rest applies. As in kube-router, a pod's traffic to itself through a Service is checked like any other.
func Compile(
	pods []*corev1.Pod, namespaces []*corev1.Namespace, policies []*networkingv1.NetworkPolicy,
) (Rules, error) {
	c := compiler{endpoints: endpoints(pods), namespaceLabels: map[string]labels.Set{}}
	for _, namespace := range namespaces {
		c.namespaceLabels[namespace.Name] = namespace.Labels
	}
	var rules Rules
	for _, target := range c.endpoints {
		pod := PodRules{Namespace: target.pod.Namespace, Name: target.pod.Name, Addresses: target.addresses}
		for _, policy := range policies {
			if policy.Namespace != target.pod.Namespace || !c.selects(&policy.Spec.PodSelector, target.pod.Labels) {
				continue
			}
			if isolates(policy, networkingv1.PolicyTypeIngress) {
				pod.Ingress = orEmpty(pod.Ingress)
				for _, rule := range policy.Spec.Ingress {
					pod.Ingress.Allows = append(pod.Ingress.Allows, c.ingress(policy, target, rule)...)
				}
			}
			if isolates(policy, networkingv1.PolicyTypeEgress) {
				pod.Egress = orEmpty(pod.Egress)
				for _, rule := range policy.Spec.Egress {
					pod.Egress.Allows = append(pod.Egress.Allows, c.egress(policy, rule)...)
				}
			}
		}
		if pod.Ingress != nil || pod.Egress != nil {
			rules.Pods = append(rules.Pods, pod)
		}
	}
	return rules, errors.Join(c.problems...)
}

func orEmpty(direction *Direction) *Direction {
	if direction == nil {
		return &Direction{}
	}
	return direction
}

// isolates applies the API server's default to objects that did not pass through the API server.
func isolates(policy *networkingv1.NetworkPolicy, policyType networkingv1.PolicyType) bool {
	if len(policy.Spec.PolicyTypes) == 0 {
		return policyType == networkingv1.PolicyTypeIngress || len(policy.Spec.Egress) > 0
	}
	return slices.Contains(policy.Spec.PolicyTypes, policyType)
}

type compiler struct {
	endpoints       []endpoint
	namespaceLabels map[string]labels.Set
	problems        []error
}

// ingress resolves port names in the pod that the rule protects.
func (c *compiler) ingress(
	policy *networkingv1.NetworkPolicy, target endpoint, rule networkingv1.NetworkPolicyIngressRule,
) []Allow {
	if len(rule.Ports) == 0 {
		return allowsFor(c.peers(policy, rule.From), true, nil)
	}
	ports, names := splitPorts(rule.Ports)
	for _, name := range names {
		ports = append(ports, namedPorts(target.pod, name.name, name.protocol)...)
	}
	return allowsFor(c.peers(policy, rule.From), false, ports)
}

// egress resolves port names in each pod that the rule allows as a destination.
func (c *compiler) egress(
	policy *networkingv1.NetworkPolicy, rule networkingv1.NetworkPolicyEgressRule,
) []Allow {
	peers := c.peers(policy, rule.To)
	if len(rule.Ports) == 0 {
		return allowsFor(peers, true, nil)
	}
	ports, names := splitPorts(rule.Ports)
	allows := allowsFor(peers, false, ports)
	for _, name := range names {
		for _, destination := range c.endpoints {
			addresses := slices.DeleteFunc(slices.Clone(destination.addresses), func(address netip.Addr) bool {
				return !slices.ContainsFunc(peers, func(p Peers) bool { return p.contains(address) })
			})
			if len(addresses) > 0 {
				numbers := namedPorts(destination.pod, name.name, name.protocol)
				allows = append(allows, allowsFor([]Peers{{Addresses: addresses}}, false, numbers)...)
			}
		}
	}
	return allows
}

func allowsFor(peers []Peers, anyPort bool, ports []PortRange) []Allow {
	if !anyPort && len(ports) == 0 {
		return nil
	}
	var allows []Allow
	for _, peer := range peers {
		allows = append(allows, Allow{Peers: peer, AnyPort: anyPort, Ports: ports})
	}
	return allows
}

func (c *compiler) peers(policy *networkingv1.NetworkPolicy, from []networkingv1.NetworkPolicyPeer) []Peers {
	if len(from) == 0 {
		return []Peers{{Any: true}}
	}
	var peers []Peers
	var addresses []netip.Addr
	var networks networkSet
	for _, peer := range from {
		if peer.IPBlock != nil {
			if err := networks.add(peer.IPBlock); err != nil {
				c.problems = append(c.problems, fmt.Errorf("policy %s/%s: %w", policy.Namespace, policy.Name, err))
			}
			continue
		}
		for _, candidate := range c.endpoints {
			if c.isPeer(policy.Namespace, peer, candidate.pod) {
				addresses = append(addresses, candidate.addresses...)
			}
		}
	}
	for _, block := range networks.blocks() {
		peers = append(peers, Peers{Block: &block})
	}
	if len(addresses) > 0 {
		slices.SortFunc(addresses, netip.Addr.Compare)
		peers = append(peers, Peers{Addresses: slices.Compact(addresses)})
	}
	return peers
}

func (c *compiler) isPeer(policyNamespace string, peer networkingv1.NetworkPolicyPeer, pod *corev1.Pod) bool {
	if peer.NamespaceSelector == nil {
		if pod.Namespace != policyNamespace {
			return false
		}
	} else if !c.selects(peer.NamespaceSelector, c.namespaceLabels[pod.Namespace]) {
		return false
	}
	return peer.PodSelector == nil || c.selects(peer.PodSelector, pod.Labels)
}

func (c *compiler) selects(selector *metav1.LabelSelector, set labels.Set) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		c.problems = append(c.problems, err)
		return false
	}
	return parsed.Matches(set)
}

type portName struct {
	name     string
	protocol corev1.Protocol
}

func splitPorts(policyPorts []networkingv1.NetworkPolicyPort) (numbers []PortRange, names []portName) {
	for _, port := range policyPorts {
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		switch {
		case port.Port == nil:
			numbers = append(numbers, PortRange{protocol, 0, 65535})
		case port.Port.Type == intstr.String:
			names = append(names, portName{port.Port.StrVal, protocol})
		default:
			from := uint16(port.Port.IntVal)
			to := from
			if port.EndPort != nil {
				to = uint16(*port.EndPort)
			}
			numbers = append(numbers, PortRange{protocol, from, to})
		}
	}
	return numbers, names
}
