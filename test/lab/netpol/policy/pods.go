package policy

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// endpoint is a pod that currently has its own addresses.
type endpoint struct {
	pod       *corev1.Pod
	addresses []netip.Addr
}

// endpoints leaves out pods without an address, finished pods and pods on the host's network. If several pods report an
// address (it is assigned again while the old pod is still being removed), it belongs to the youngest.
func endpoints(pods []*corev1.Pod) []endpoint {
	youngestFirst := slices.Clone(pods)
	slices.SortStableFunc(youngestFirst, func(a, b *corev1.Pod) int {
		return cmp.Or(
			b.CreationTimestamp.Compare(a.CreationTimestamp.Time),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name),
		)
	})
	taken := map[netip.Addr]bool{}
	var found []endpoint
	for _, pod := range youngestFirst {
		if pod.Spec.HostNetwork || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		var addresses []netip.Addr
		for _, address := range reportedAddresses(pod) {
			if !taken[address] {
				taken[address] = true
				addresses = append(addresses, address)
			}
		}
		if len(addresses) > 0 {
			found = append(found, endpoint{pod, addresses})
		}
	}
	slices.SortFunc(found, func(a, b endpoint) int {
		return cmp.Or(cmp.Compare(a.pod.Namespace, b.pod.Namespace), cmp.Compare(a.pod.Name, b.pod.Name))
	})
	return found
}

func reportedAddresses(pod *corev1.Pod) []netip.Addr {
	var addresses []netip.Addr
	for _, reported := range pod.Status.PodIPs {
		if address, err := netip.ParseAddr(reported.IP); err == nil {
			addresses = append(addresses, address.Unmap())
		}
	}
	return addresses
}

// namedPorts returns the numbers of a port name in one pod. Restartable init containers (sidecars) count too.
func namedPorts(pod *corev1.Pod, name string, protocol corev1.Protocol) []PortRange {
	var ports []PortRange
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, port := range container.Ports {
			if port.Name == name && cmp.Or(port.Protocol, corev1.ProtocolTCP) == protocol {
				number := uint16(port.ContainerPort)
				ports = append(ports, PortRange{protocol, number, number})
			}
		}
	}
	return ports
}
