package nft_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"claude-gateway/lab/netpol/fixture"
)

// namespace is a network namespace that only this process uses. It disappears when the process ends.
type namespace struct {
	file *os.File
}

func newNamespace(t *testing.T) namespace {
	t.Helper()
	var file *os.File
	err := onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		var err error
		file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return namespace{file}
}

// do runs f on a thread in the namespace. Processes and sockets that f creates stay in the namespace.
func (n namespace) do(f func() error) error {
	return onOwnThread(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// onOwnThread never unlocks the thread. So the runtime ends the thread, and its namespace is not reused.
func onOwnThread(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		result <- f()
	}()
	return <-result
}

func (n namespace) path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd())
}

func (n namespace) ip(t *testing.T, lines ...string) {
	t.Helper()
	err := n.do(func() error {
		command := exec.Command("ip", "-batch", "-")
		command.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("ip: %w: %s", err, output)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// layout is the way in which a CNI plugin connects pods to their node.
type layout string

const (
	// routed gives each pod its own link, like the plugin ptp.
	routed layout = "routed"
	// bridged connects the pods to one bridge, as in k3s and the lab. The kernel applies firewall rules to bridged packets.
	bridged layout = "bridged"
)

// network is a node with the fixture's pods and one outside host, which has its own link in any layout. All of them serve
// the fixture's ports over TCP and UDP.
type network struct {
	node      namespace
	endpoints map[netip.Addr]namespace
}

// Addresses of the node itself, which serves TCP.
var nodeAddresses = []netip.Addr{netip.MustParseAddr("10.90.0.2"), netip.MustParseAddr("fd90::2")}

func newNetwork(t *testing.T, pods layout) *network {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("packets need network namespaces, and those need root")
	}
	n := &network{newNamespace(t), map[netip.Addr]namespace{}}
	if err := n.node.do(prepareNode); err != nil {
		t.Fatal(err)
	}
	n.node.ip(t, "link set lo up", "addr add 10.90.0.2/32 dev lo", "addr add fd90::2/128 dev lo")
	n.node.serve(t, []string{"tcp"})
	if pods == bridged {
		n.node.ip(t, "link add cni0 type bridge", "addr add 10.42.0.254/24 dev cni0",
			"addr add fd42::fe/64 dev cni0 nodad", "addr add fe80::1/64 dev cni0 nodad", "link set cni0 up")
	}
	n.joinByRoute(t, "outside", fixture.Outside)
	for i, pod := range fixture.Pods() {
		var addresses []netip.Addr
		for _, reported := range pod.Status.PodIPs {
			addresses = append(addresses, netip.MustParseAddr(reported.IP))
		}
		if link := fmt.Sprintf("veth%d", i); pods == bridged {
			n.joinByBridge(t, link, addresses)
		} else {
			n.joinByRoute(t, link, addresses)
		}
	}
	return n
}

// prepareNode makes the node a router. ICMP errors are not rate limited, because a missing one would look like packet loss.
func prepareNode() error {
	for setting, value := range map[string]string{
		"net/ipv4/ip_forward":          "1",
		"net/ipv4/icmp_ratelimit":      "0",
		"net/ipv4/icmp_msgs_per_sec":   "1000000",
		"net/ipv4/icmp_msgs_burst":     "1000000",
		"net/ipv6/conf/all/forwarding": "1",
		"net/ipv6/icmp/ratelimit":      "0",
		// Apply firewall rules to bridged packets, as k3s's node does.
		"net/bridge/bridge-nf-call-iptables":  "1",
		"net/bridge/bridge-nf-call-ip6tables": "1",
	} {
		if err := os.WriteFile("/proc/sys/"+setting, []byte(value), 0); err != nil {
			return err
		}
	}
	return nil
}

func (n *network) joinByRoute(t *testing.T, link string, addresses []netip.Addr) {
	t.Helper()
	endpoint := n.link(t, link)
	n.node.ip(t, fmt.Sprintf("addr add 169.254.1.1/32 dev %s", link),
		fmt.Sprintf("addr add fe80::1/64 dev %s nodad", link), fmt.Sprintf("link set %s up", link))
	for _, address := range addresses {
		n.node.ip(t, fmt.Sprintf("route add %s dev %s", netip.PrefixFrom(address, address.BitLen()), link))
		endpoint.ip(t, fmt.Sprintf("addr add %s dev eth0 nodad", netip.PrefixFrom(address, address.BitLen())))
	}
	endpoint.ip(t, "route add 169.254.1.1 dev eth0 scope link", "route add default via 169.254.1.1")
	n.open(t, endpoint, addresses)
}

func (n *network) joinByBridge(t *testing.T, link string, addresses []netip.Addr) {
	t.Helper()
	endpoint := n.link(t, link)
	n.node.ip(t, fmt.Sprintf("link set %s master cni0", link), fmt.Sprintf("link set %s up", link))
	for _, address := range addresses {
		length := map[bool]int{true: 24, false: 64}[address.Is4()]
		endpoint.ip(t, fmt.Sprintf("addr add %s/%d dev eth0 nodad", address, length))
	}
	endpoint.ip(t, "route add default via 10.42.0.254")
	n.open(t, endpoint, addresses)
}

func (n *network) link(t *testing.T, name string) namespace {
	t.Helper()
	endpoint := newNamespace(t)
	n.node.ip(t, fmt.Sprintf("link add %s type veth peer name eth0 netns %s", name, endpoint.path()))
	endpoint.ip(t, "link set lo up", "link set eth0 up")
	return endpoint
}

func (n *network) open(t *testing.T, endpoint namespace, addresses []netip.Addr) {
	t.Helper()
	endpoint.ip(t, "route add default via fe80::1 dev eth0")
	endpoint.serve(t, []string{"tcp", "udp"})
	for _, address := range addresses {
		n.endpoints[address] = endpoint
	}
}

func (n namespace) serve(t *testing.T, networks []string) {
	t.Helper()
	err := n.do(func() error {
		for _, port := range fixture.Ports {
			for _, network := range networks {
				if err := serveOne(t, network, fmt.Sprintf(":%d", port)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func serveOne(t *testing.T, network, address string) error {
	if network == "tcp" {
		listener, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		t.Cleanup(func() { listener.Close() })
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer connection.Close()
					io.Copy(connection, connection)
				}()
			}
		}()
		return nil
	}
	socket, err := net.ListenPacket(network, address)
	if err != nil {
		return err
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		buffer := make([]byte, 1)
		for {
			_, peer, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			socket.WriteTo(buffer, peer)
		}
	}()
	return nil
}

// limit is how long an attempt may stay without an answer or a refusal. After that it is an error.
const limit = 5 * time.Second

// try makes the attempt with real packets, in the calling thread's namespace. It returns true if it was answered, false if
// it was refused. The source port must be new for the pair of endpoints, or conntrack could take the attempt for a reply.
func try(a fixture.Attempt, sourcePort uint16) (bool, error) {
	source, target := netip.AddrPortFrom(a.Source, sourcePort), netip.AddrPortFrom(a.Destination, a.Port)
	attempt := exchange
	if a.Protocol == corev1.ProtocolTCP {
		attempt = connect
	}
	err := attempt(source, target)
	if errors.Is(err, unix.ECONNREFUSED) {
		return false, nil
	}
	return err == nil, err
}

// exchange sends one datagram and waits for its echo.
func exchange(source, target netip.AddrPort) error {
	socket, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(source), net.UDPAddrFromAddrPort(target))
	if err != nil {
		return err
	}
	defer socket.Close()
	socket.SetDeadline(time.Now().Add(limit))
	if _, err := socket.Write([]byte("?")); err != nil {
		return err
	}
	_, err = io.ReadFull(socket, make([]byte, 1))
	return err
}

// connect opens a connection. It does not use net.Dial: between namespaces of one machine the ICMP refusal of the first SYN
// arrives before connect returns. The kernel only notes it then, and net.Dial would wait a second for the next SYN's refusal.
func connect(source, target netip.AddrPort) error {
	family := unix.AF_INET
	if target.Addr().Is6() {
		family = unix.AF_INET6
	}
	socket, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	// A reset frees the source port at once.
	if err := unix.SetsockoptLinger(socket, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	if err := unix.Bind(socket, sockaddr(source)); err != nil {
		return err
	}
	if err := unix.Connect(socket, sockaddr(target)); err != unix.EINPROGRESS {
		return err
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		// SO_ERROR also returns an error that the kernel only noted.
		if number, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_ERROR); err != nil {
			return err
		} else if number != 0 {
			return unix.Errno(number)
		}
		events := []unix.PollFd{{Fd: int32(socket), Events: unix.POLLOUT}}
		if _, err := unix.Poll(events, 5); err != nil && err != unix.EINTR {
			return err
		}
		if events[0].Revents == unix.POLLOUT {
			return nil
		}
	}
	return os.ErrDeadlineExceeded
}

func sockaddr(address netip.AddrPort) unix.Sockaddr {
	if address.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: address.Addr().As4(), Port: int(address.Port())}
	}
	return &unix.SockaddrInet6{Addr: address.Addr().As16(), Port: int(address.Port())}
}

// ping sends one echo request and waits for its reply.
func ping(source, target netip.Addr) error {
	network, request, reply := "ip4:icmp", icmp.Type(ipv4.ICMPTypeEcho), icmp.Type(ipv4.ICMPTypeEchoReply)
	if source.Is6() {
		network, request, reply = "ip6:ipv6-icmp", ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
	}
	socket, err := icmp.ListenPacket(network, source.String())
	if err != nil {
		return err
	}
	defer socket.Close()
	socket.SetDeadline(time.Now().Add(limit))
	message, err := (&icmp.Message{Type: request, Body: &icmp.Echo{ID: 1, Seq: 1}}).Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := socket.WriteTo(message, &net.IPAddr{IP: target.AsSlice()}); err != nil {
		return err
	}
	for buffer := make([]byte, 1500); ; {
		size, peer, err := socket.ReadFrom(buffer)
		if err != nil {
			return err
		}
		// Neighbor discovery messages arrive on the same socket.
		answer, err := icmp.ParseMessage(reply.Protocol(), buffer[:size])
		if err == nil && answer.Type == reply && peer.String() == target.String() {
			return nil
		}
	}
}
