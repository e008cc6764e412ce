// One program for every Kubernetes command that the tests need: `kube COMMAND ARGS…`.
//
// Besides Kubernetes' own commands it has `up` (a control plane on loopback), `faults` (a proxy
// that misbehaves on demand) and `certificate` (a client certificate of the control plane's CA).
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	theirs := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllers.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kube-proxy":              proxy.NewProxyCommand,
		"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
		"kubectl":                 kubectl.NewDefaultKubectlCommand,
	}
	ours := map[string]func([]string) error{"etcd": etcd, "up": up, "faults": faults, "certificate": certificate}
	if len(os.Args) < 2 || theirs[os.Args[1]] == nil && ours[os.Args[1]] == nil {
		var names []string
		for name := range theirs {
			names = append(names, name)
		}
		for name := range ours {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "usage: kube %s ARGS…\n", strings.Join(names, "|"))
		os.Exit(2)
	}
	name := os.Args[1]
	if command := ours[name]; command != nil {
		if err := command(os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "kube %s: %v\n", name, err)
			os.Exit(1)
		}
		return
	}
	os.Args = os.Args[1:]
	if name == "kubectl" {
		cli.RunNoErrOutput(theirs[name]())
		return
	}
	os.Exit(cli.Run(theirs[name]()))
}
