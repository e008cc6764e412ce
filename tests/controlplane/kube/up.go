package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// A child is this program again with another command. It is started anew when it dies, as systemd
// would, so that a test may kill it; its process id is in NAME.pid.
type child struct {
	name string
	args []string
}

type plane struct {
	dir      string
	mutex    sync.Mutex
	stopping bool
	running  map[string]*exec.Cmd
	ended    sync.WaitGroup
}

// run keeps a child alive until the plane stops. It holds its thread: the kernel tells a child of
// its parent's death when the *thread* that started it is gone.
func (p *plane) run(c child) {
	p.ended.Add(1)
	go func() {
		defer p.ended.Done()
		runtime.LockOSThread()
		for {
			log, err := os.OpenFile(filepath.Join(p.dir, c.name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			self, _ := os.Executable()
			command := exec.Command(self, c.args...)
			command.Stdout, command.Stderr, command.Dir = log, log, p.dir
			command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			p.mutex.Lock()
			if p.stopping {
				p.mutex.Unlock()
				log.Close()
				return
			}
			err = command.Start()
			p.running[c.name] = command
			p.mutex.Unlock()
			if err == nil {
				os.WriteFile(filepath.Join(p.dir, c.name+".pid"), []byte(strconv.Itoa(command.Process.Pid)), 0o600)
				err = command.Wait()
			}
			log.Close()
			p.mutex.Lock()
			stopping := p.stopping
			p.mutex.Unlock()
			if stopping {
				return
			}
			fmt.Fprintf(os.Stderr, "%s ended (%v) and is started again\n", c.name, err)
			time.Sleep(500 * time.Millisecond)
		}
	}()
}

func (p *plane) stop() {
	p.mutex.Lock()
	p.stopping = true
	for _, command := range p.running {
		if command.Process != nil {
			command.Process.Kill() // what it keeps is thrown away
		}
	}
	p.mutex.Unlock()
	p.ended.Wait()
}

func freePort(ip string) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// writeKubeconfig: `user` carries a certificate or a token.
func writeKubeconfig(path, server, ca string, user *clientcmdapi.AuthInfo) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: server, CertificateAuthority: ca}
	config.AuthInfos["test"] = user
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	return clientcmd.WriteToFile(*config, path)
}

func waitReady(url, caFile, token string, limit time.Duration) error {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: 5 * time.Second}
	last := "no answer"
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		request, _ := http.NewRequest("GET", url+"/readyz", nil)
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := client.Do(request)
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		response.Body.Close()
		if response.StatusCode == 200 {
			return nil
		}
		last = string(body)
	}
	return fmt.Errorf("%s is not ready after %s: %s", url, limit, last)
}

type upOptions struct {
	dir, ip, port, pods                      string
	compaction                               string
	controllers, scheduler, faults, untilEOF bool
	apiserver                                string
}

// up starts a control plane and runs until SIGTERM, SIGINT or, when asked, the end of its input.
// One line of JSON on its output says that it is ready and where: {"server", "kubeconfig", …}.
func up(args []string) error {
	var o upOptions
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	flags.StringVar(&o.dir, "dir", "", "a directory of its own: certificates, kubeconfigs, logs, process ids, data")
	flags.StringVar(&o.ip, "ip", "127.0.0.1", "address of the API server")
	flags.StringVar(&o.port, "port", "", "port of the API server; a free one without it")
	flags.StringVar(&o.compaction, "compaction", "0", "revisions that etcd keeps, 0 for all")
	flags.BoolVar(&o.controllers, "controllers", true, "run the controller manager")
	flags.BoolVar(&o.scheduler, "scheduler", false, "run the scheduler")
	flags.BoolVar(&o.faults, "faults", true, "run a proxy before the API server that takes faults at /_sim/faults")
	flags.BoolVar(&o.untilEOF, "until-eof", false, "end when the standard input ends, so with the process that started this one")
	flags.StringVar(&o.pods, "controller-list", "*,-nodeipam,-node-route-controller,-service-lb-controller,-cloud-node-lifecycle-controller", "controllers to run")
	flags.StringVar(&o.apiserver, "apiserver-args", "", "more arguments for the API server, with spaces")
	flags.Parse(args)
	if o.dir == "" {
		return errors.New("--dir is required")
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	o.dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if o.untilEOF {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			stop <- syscall.SIGTERM
		}()
	}
	p := &plane{dir: dir, running: map[string]*exec.Cmd{}}
	defer p.stop()
	ready, err := p.start(o)
	if err != nil {
		return err
	}
	line, _ := json.Marshal(ready)
	fmt.Println(string(line))
	<-stop
	return nil
}

func (p *plane) start(o upOptions) (map[string]string, error) {
	in := func(name string) string { return filepath.Join(p.dir, name) }
	signer, err := newAuthority(p.dir)
	if err != nil {
		return nil, err
	}
	const day = 24 * time.Hour
	accounts, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(accounts.Public())
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	token := hex.EncodeToString(secret)
	hosts := []string{o.ip, "127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.96.0.1"}
	if err := errors.Join(
		writeKey(in("sa.key"), accounts), pemFile(in("sa.pub"), "PUBLIC KEY", public),
		signer.issue(in("server"), "kube-apiserver", nil, hosts, 30*day),
		signer.issue(in("admin"), "admin", []string{"system:masters"}, nil, 30*day),
		signer.issue(in("controllers"), "system:kube-controller-manager", nil, nil, 30*day),
		signer.issue(in("scheduler"), "system:kube-scheduler", nil, nil, 30*day),
		signer.issue(in("aggregator"), "aggregator", nil, nil, 30*day),
		os.WriteFile(in("tokens.csv"), []byte(token+",admin-token,admin-token,\"system:masters\"\n"), 0o600)); err != nil {
		return nil, err
	}
	if o.port == "" {
		if o.port, err = freePort(o.ip); err != nil {
			return nil, err
		}
	}
	var ports []string
	for i := 0; i < 3; i++ {
		port, err := freePort("127.0.0.1")
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	server := "https://" + net.JoinHostPort(o.ip, o.port)
	certificateOf := func(name string) *clientcmdapi.AuthInfo {
		return &clientcmdapi.AuthInfo{ClientCertificate: in(name + ".crt"), ClientKey: in(name + ".key")}
	}
	if err := errors.Join(
		writeKubeconfig(in("kubeconfig"), server, in("ca.crt"), &clientcmdapi.AuthInfo{Token: token}),
		writeKubeconfig(in("certificate.kubeconfig"), server, in("ca.crt"), certificateOf("admin")),
		writeKubeconfig(in("controllers.kubeconfig"), server, in("ca.crt"), certificateOf("controllers")),
		writeKubeconfig(in("scheduler.kubeconfig"), server, in("ca.crt"), certificateOf("scheduler"))); err != nil {
		return nil, err
	}
	etcdAt := "127.0.0.1:" + ports[0]
	p.run(child{"etcd", []string{"etcd", "--dir", in("etcd"), "--client", etcdAt, "--peer", "127.0.0.1:" + ports[1], "--compaction", o.compaction}})
	apiserver := []string{"kube-apiserver", "--etcd-servers=http://" + etcdAt, "--bind-address=" + o.ip, "--advertise-address=" + o.ip, "--secure-port=" + o.port,
		"--tls-cert-file=" + in("server.crt"), "--tls-private-key-file=" + in("server.key"), "--client-ca-file=" + in("ca.crt"),
		"--token-auth-file=" + in("tokens.csv"), "--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--service-account-key-file=" + in("sa.pub"), "--service-account-signing-key-file=" + in("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/16",
		"--proxy-client-cert-file=" + in("aggregator.crt"), "--proxy-client-key-file=" + in("aggregator.key"),
		"--requestheader-client-ca-file=" + in("ca.crt"), "--requestheader-allowed-names=aggregator",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--kubelet-preferred-address-types=InternalIP", "--enable-aggregator-routing=true", "--endpoint-reconciler-type=none",
		"--shutdown-delay-duration=0s"}
	if o.ip != "127.0.0.1" {
		apiserver = append(apiserver[:len(apiserver)-2], "--shutdown-delay-duration=0s") // pods reach it through its service
	}
	p.run(child{"apiserver", append(apiserver, strings.Fields(o.apiserver)...)})
	if err := waitReady(server, in("ca.crt"), token, 90*time.Second); err != nil {
		return nil, err
	}
	if o.controllers {
		p.run(child{"controllers", []string{"kube-controller-manager", "--kubeconfig=" + in("controllers.kubeconfig"), "--controllers=" + o.pods,
			"--service-account-private-key-file=" + in("sa.key"), "--root-ca-file=" + in("ca.crt"), "--use-service-account-credentials=true",
			"--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0", "--concurrent-namespace-syncs=20",
			"--kube-api-qps=1000", "--kube-api-burst=2000", "--concurrent-gc-syncs=40", "--namespace-sync-period=30s"}})
	}
	if o.scheduler {
		p.run(child{"scheduler", []string{"kube-scheduler", "--kubeconfig=" + in("scheduler.kubeconfig"), "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0"}})
	}
	ready := map[string]string{"server": server, "kubeconfig": in("kubeconfig"), "token": token, "ca": in("ca.crt")}
	if o.faults {
		at := "127.0.0.1:" + ports[2]
		p.run(child{"faults", []string{"faults", "--listen", at, "--certificate", in("server"), "--upstream", server, "--ca", in("ca.crt"), "--log", in("requests.jsonl")}})
		if err := errors.Join(waitReady("https://"+at, in("ca.crt"), token, 30*time.Second),
			writeKubeconfig(in("faults.kubeconfig"), "https://"+at, in("ca.crt"), &clientcmdapi.AuthInfo{Token: token})); err != nil {
			return nil, err
		}
		ready["faults"], ready["faultsKubeconfig"] = "https://"+at, in("faults.kubeconfig")
	}
	return ready, nil
}
