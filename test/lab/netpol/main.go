// Stands in for k3s's NetworkPolicy controller (kube-router), which cannot be had here: it enforces NetworkPolicies on
// real packets with nftables, in the network namespace that it is started in. As with k3s, policies hold a moment after
// a pod got its address (how long is a knob here), and while it does not run nothing new is enforced: it fails open.
//
// Taken over where kube-router (its source at v2.1.0, the same at 2.6.3) differs from what Kubernetes says: its reading
// of address blocks (policy/networks.go), the ICMP that it lets every pod have, and that it drops what conntrack calls
// invalid. Not taken over, and not used by any policy of ours, which test/unit/components/egress/policies.test.ts sees
// to: port names, which kube-router opens on every address when the rule of an egress policy names no peers; and that
// it judges either end of a connection by both directions' rules of a policy for both, so that such a policy opens
// its own pods to one another if either direction's rules do.
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
	kubeconfig := flag.String("kubeconfig", "", "file that leads to the API server (required)")
	socket := flag.String("socket", "", "unix socket to control it by (required)")
	delayFlag := flag.String("delay", "0s", "how late what it sees is enforced: a duration, or never")
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
