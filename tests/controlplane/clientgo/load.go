package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

func lenOf(list runtime.Object) int { return meta.LenList(list) }

func podName(i int) string { return fmt.Sprintf("pod-%05d", i) }

// podObject is as large as an operator's pod is: about 5 KB with the server's own fields.
func podObject(i int) map[string]any {
	var containers []any
	for _, name := range []string{"postgres", "metrics"} {
		var env []any
		for j := 0; j < 12; j++ {
			env = append(env, map[string]any{"name": fmt.Sprintf("SETTING_%d", j), "value": strings.Repeat("v", 40)})
		}
		containers = append(containers, map[string]any{"name": name, "image": "registry.example.com/databases/" + name + ":17.5", "env": env,
			"resources": map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "256Mi"}}})
	}
	return map[string]any{"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": podName(i), "labels": map[string]any{"app": "bench", "slipway.dev/instance": fmt.Sprintf("ins_%05d", i/3)}},
		"spec":     map[string]any{"automountServiceAccountToken": false, "containers": containers}}
}

// parallel calls `each` for 0 … n-1, eight at a time.
func parallel(n int, each func(int) error) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range 8 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range next {
				check(each(i))
			}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

func seed(o *options, out map[string]any) {
	start := now()
	create := func(resource string, namespace string, object map[string]any) error {
		kind := o.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource})
		u := &unstructured.Unstructured{Object: object}
		var err error
		if namespace == "" {
			_, err = kind.Create(forever, u, metav1.CreateOptions{})
		} else {
			_, err = kind.Namespace(namespace).Create(forever, u, metav1.CreateOptions{})
		}
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	}
	named := func(kind, name string) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}}
	}
	check(create("namespaces", "", named("Namespace", o.namespace)))
	check(create("serviceaccounts", o.namespace, named("ServiceAccount", "default")))
	one := named("ConfigMap", "one")
	one["data"] = map[string]any{"text": strings.Repeat("x", 1000)}
	check(create("configmaps", o.namespace, one))
	parallel(o.count, func(i int) error { return create("pods", o.namespace, podObject(i)) })
	since(start, "", out)
}

// change stamps pods at a steady rate until it is ended.
func change(o *options, out map[string]any) {
	resource := o.client.Resource(pods).Namespace(o.namespace)
	work := make(chan int, 64)
	for range 8 {
		go func() {
			for i := range work {
				patch, _ := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{stamp: fmt.Sprint(time.Now().UnixNano())}}})
				_, err := resource.Patch(forever, podName(i), types.MergePatchType, patch, metav1.PatchOptions{})
				check(err)
			}
		}()
	}
	tick := time.NewTicker(time.Second / time.Duration(o.rate))
	end := time.Now().Add(time.Duration(o.seconds * 1e9))
	n := 0
	for ; time.Now().Before(end); n++ {
		<-tick.C
		work <- n * 7919 % o.count
	}
	out["changes"] = n
}
