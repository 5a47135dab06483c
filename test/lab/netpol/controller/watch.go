package controller

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"claude-gateway/lab/netpol/policy"
)

// Compile computes the rules for the cluster as it is known now.
type Compile func() (policy.Rules, error)

// Watch watches pods, namespaces and policies. It returns when all three are known, with a channel that signals changes
// (one signal may stand for several) and the function that computes the current rules.
func Watch(ctx context.Context, kubeconfig string) (<-chan struct{}, Compile, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, nil, fmt.Errorf("kubeconfig %s: %w", kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("kubeconfig %s: %w", kubeconfig, err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods()
	namespaces := factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()

	changed := make(chan struct{}, 1)
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { tell() },
		UpdateFunc: func(any, any) { tell() },
		DeleteFunc: func(any) { tell() },
	}
	for _, informer := range []cache.SharedIndexInformer{
		pods.Informer(), namespaces.Informer(), policies.Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, nil, err
		}
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, nil, fmt.Errorf("stopped before the first list of %v", kind)
		}
	}
	tell()
	return changed, func() (policy.Rules, error) {
		podList, err := pods.Lister().List(labels.Everything())
		if err != nil {
			return policy.Rules{}, err
		}
		namespaceList, err := namespaces.Lister().List(labels.Everything())
		if err != nil {
			return policy.Rules{}, err
		}
		policyList, err := policies.Lister().List(labels.Everything())
		if err != nil {
			return policy.Rules{}, err
		}
		return policy.Compile(podList, namespaceList, policyList)
	}, nil
}
