// Replaces k3s's NetworkPolicy controller (kube-router), which is not available here: it enforces NetworkPolicies on real
// packets with nftables, in the network namespace in which it runs. As with k3s, policies take effect shortly after a pod
// got its address (the delay is configurable), and while it does not run, new policies are not enforced: it fails open.
//
// Where kube-router (source at v2.1.0, unchanged in 2.6.3) differs from Kubernetes, this program does the same as
// kube-router: it reads address blocks in the same way (policy/networks.go), allows the same ICMP to every pod, and drops
// packets that conntrack calls invalid. Two differences are not copied, because none of our policies uses them, which
// test/unit/components/egress/policies.test.ts checks. First, named ports: if an egress rule names no peers, kube-router
// opens them at every address. Second, policies with rules for both directions: kube-router applies both directions' rules
// to each end of a connection, so the policy's own pods may connect to one another if either direction allows it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"claude-gateway/lab/netpol/controller"
	"claude-gateway/lab/netpol/nft"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "netpol:", err)
		os.Exit(1)
	}
}

func run() error {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the API server (required)")
	socket := flag.String("socket", "", "unix socket for control commands (required)")
	delayFlag := flag.String("delay", "0s", "delay before a change is enforced: a duration, or never")
	flag.Parse()
	if *kubeconfig == "" || *socket == "" || flag.NArg() > 0 {
		return fmt.Errorf("usage: netpol --kubeconfig FILE --socket FILE [--delay 0s|2s|never]")
	}
	delay, err := controller.ParseDelay(*delayFlag)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	changed, compile, err := controller.Watch(ctx, *kubeconfig)
	if err != nil {
		return err
	}
	enforcer := controller.NewEnforcer(delay, compile, nft.Load)
	if err := enforcer.Listen(ctx, *socket); err != nil {
		return err
	}
	log.Printf("enforcing with delay %s", delay)
	enforcer.Run(ctx, changed)
	return nil
}
