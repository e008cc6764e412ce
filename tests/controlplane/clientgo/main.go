// What client-go's dynamic client needs for the same work as the client in host/kube, measured in
// this process: `clientgo MODE --kubeconfig FILE …`. It also makes the load that both are measured
// under (`seed`, `change`). One line of JSON on the output; benchmarks/kube/compare.py reads it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/pager"
)

const stamp = "bench.slipway.dev/at" // nanoseconds, when a change was sent

var (
	pods       = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	forever    = context.Background()
)

type options struct {
	namespace             string
	inFlight, count, rate int
	seconds               float64
	client                dynamic.Interface
}

type usage struct{ wall, cpu float64 }

func now() usage {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return usage{float64(time.Now().UnixNano()) / 1e9, seconds(u.Utime) + seconds(u.Stime)}
}

func since(start usage, prefix string, out map[string]any) {
	end := now()
	out[prefix+"seconds"], out[prefix+"cpu"] = end.wall-start.wall, end.cpu-start.cpu
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "clientgo:", err)
		os.Exit(1)
	}
}

func main() {
	modes := map[string]func(*options, map[string]any){"get": get, "list": list, "informer": informer, "watches": watches, "seed": seed, "change": change}
	if len(os.Args) < 2 || modes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clientgo get|list|informer|watches|seed|change --kubeconfig FILE …")
		os.Exit(2)
	}
	var o options
	flags := flag.NewFlagSet("clientgo", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the server")
	flags.StringVar(&o.namespace, "namespace", "bench", "where the objects are")
	flags.IntVar(&o.inFlight, "in-flight", 1, "get: callers")
	flags.IntVar(&o.count, "count", 1000, "seed: pods; watches: informers")
	flags.IntVar(&o.rate, "rate", 200, "change: changes a second")
	flags.Float64Var(&o.seconds, "seconds", 3, "how long")
	flags.Parse(os.Args[2:])
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	check(err)
	config.QPS = -1 // no limit of its own
	o.client, err = dynamic.NewForConfig(config)
	check(err)
	out := map[string]any{}
	modes[os.Args[1]](&o, out)
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	out["peakKiB"] = u.Maxrss
	check(json.NewEncoder(os.Stdout).Encode(out))
}

func get(o *options, out map[string]any) {
	one := o.client.Resource(configMaps).Namespace(o.namespace)
	_, err := one.Get(forever, "one", metav1.GetOptions{})
	check(err)
	start, end := now(), time.Now().Add(time.Duration(o.seconds*1e9))
	done := make([]int, o.inFlight)
	var callers sync.WaitGroup
	for i := range done {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for n := 0; time.Now().Before(end); n++ {
				_, err := one.Get(forever, "one", metav1.GetOptions{})
				check(err)
				done[i] = n + 1
			}
		}()
	}
	callers.Wait()
	since(start, "", out)
	total := 0
	for _, n := range done {
		total += n
	}
	out["requests"] = total
}

func list(o *options, out map[string]any) {
	start := now()
	resource := o.client.Resource(pods).Namespace(o.namespace)
	all, _, err := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return resource.List(ctx, options)
	}).List(forever, metav1.ListOptions{})
	check(err)
	since(start, "", out)
	items := 0
	switch all := all.(type) {
	case *metav1.List:
		items = len(all.Items)
	case *unstructured.UnstructuredList:
		items = len(all.Items)
	default:
		items = lenOf(all)
	}
	out["items"] = items
}

// delays collects how long changes took to arrive.
type delays struct {
	mutex sync.Mutex
	since int64 // changes sent before are not counted
	ms    []float64
}

func (d *delays) note(object any) {
	pod, ok := object.(*unstructured.Unstructured)
	if !ok {
		return
	}
	var at int64
	fmt.Sscan(pod.GetAnnotations()[stamp], &at)
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if at != 0 && at >= d.since {
		d.ms = append(d.ms, float64(time.Now().UnixNano()-at)/1e6)
	}
}

func informer(o *options, out map[string]any) {
	start := now()
	arrived := &delays{since: math.MaxInt64}
	handle := dynamicinformer.NewFilteredDynamicInformer(o.client, pods, o.namespace, 0, cache.Indexers{}, nil).Informer()
	handle.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: arrived.note, UpdateFunc: func(_, object any) { arrived.note(object) }})
	go handle.Run(forever.Done())
	if !cache.WaitForCacheSync(forever.Done(), handle.HasSynced) {
		os.Exit(1)
	}
	since(start, "start_", out)
	out["items"] = len(handle.GetStore().ListKeys())
	time.Sleep(time.Second)
	arrived.mutex.Lock()
	arrived.since = time.Now().UnixNano()
	arrived.mutex.Unlock()
	steady := now()
	time.Sleep(time.Duration(o.seconds * 1e9))
	since(steady, "", out)
	arrived.mutex.Lock()
	defer arrived.mutex.Unlock()
	out["delaysMs"] = arrived.ms
}

func watches(o *options, out map[string]any) {
	start := now()
	var synced []cache.InformerSynced
	var told sync.WaitGroup
	told.Add(o.count)
	for i := 0; i < o.count; i++ {
		handle := dynamicinformer.NewFilteredDynamicInformer(o.client, configMaps, o.namespace, 0, cache.Indexers{}, nil).Informer()
		handle.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(object any) {
			if object.(*unstructured.Unstructured).GetName() == "late" {
				told.Done()
			}
		}})
		synced = append(synced, handle.HasSynced)
		go handle.Run(forever.Done())
	}
	if !cache.WaitForCacheSync(forever.Done(), synced...) {
		os.Exit(1)
	}
	since(start, "start_", out)
	resource := o.client.Resource(configMaps).Namespace(o.namespace)
	resource.Delete(forever, "late", metav1.DeleteOptions{})
	steady := now()
	_, err := resource.Create(forever, &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "late"}}}, metav1.CreateOptions{})
	check(err)
	told.Wait()
	since(steady, "", out)
	check(resource.Delete(forever, "late", metav1.DeleteOptions{}))
}
