package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The same faults, in the same words, as the development cluster takes at /_sim/faults
// (devcluster/faults.h), so that one test speaks to both.
type rule struct {
	ID    int64 `json:"id"`
	Match struct {
		Method    string `json:"method,omitempty"`
		Path      string `json:"path,omitempty"`
		Verb      string `json:"verb,omitempty"`
		UserAgent string `json:"userAgent,omitempty"`
	} `json:"match"`
	Action     string `json:"action"`
	Status     int    `json:"status,omitempty"`
	RetryAfter int    `json:"retryAfter,omitempty"`
	Ms         int64  `json:"ms,omitempty"`
	After      int64  `json:"after,omitempty"`
	Every      int64  `json:"every,omitempty"`
	Count      int64  `json:"count,omitempty"`
	Seen       int64  `json:"seen"`
	Hits       int64  `json:"hits"`
}

var actions = map[string]bool{"latency": true, "status": true, "drop": true, "half-line": true, "gone": true, "refuse-all": true, "page": true, "garbage": true}

func (r *rule) matches(request *http.Request, verb string) bool {
	if r.Match.Method != "" && r.Match.Method != request.Method || r.Match.Verb != "" && r.Match.Verb != verb ||
		!strings.HasPrefix(request.UserAgent(), r.Match.UserAgent) {
		return false
	}
	if strings.Contains(r.Match.Path, "*") {
		parts := strings.Split(r.Match.Path, "*")
		rest := request.URL.Path
		if !strings.HasPrefix(rest, parts[0]) || !strings.HasSuffix(rest, parts[len(parts)-1]) {
			return false
		}
		for _, part := range parts {
			at := strings.Index(rest, part)
			if at < 0 {
				return false
			}
			rest = rest[at+len(part):]
		}
		return true
	}
	return strings.Contains(request.URL.Path, r.Match.Path)
}

type faultProxy struct {
	mutex        sync.Mutex
	rules        []*rule
	next         int64
	refusedUntil time.Time
	watches      map[int64]func()
	nextWatch    int64
	log          *os.File
	upstream     http.Handler
}

func verbOf(request *http.Request) string {
	switch request.Method {
	case "GET":
		if watch := request.URL.Query().Get("watch"); watch == "true" || watch == "1" {
			return "watch"
		}
		return "get"
	case "POST":
		return "create"
	case "PUT":
		return "update"
	case "PATCH":
		if strings.HasPrefix(request.Header.Get("Content-Type"), "application/apply-patch") {
			return "apply"
		}
		return "patch"
	}
	return strings.ToLower(request.Method)
}

// hit returns what the request runs into: how long it waits first, and what else happens.
func (p *faultProxy) hit(request *http.Request, verb string) (wait time.Duration, found *rule) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, r := range p.rules {
		// A fault that another one keeps from happening has not been hit, so that it meets a later request.
		if found != nil && r.Action != "latency" {
			continue
		}
		if !r.matches(request, verb) || r.Count != 0 && r.Hits >= r.Count {
			continue
		}
		if r.Seen++; r.Seen%max(r.Every, 1) != 0 {
			continue
		}
		r.Hits++
		if r.Action == "latency" {
			wait += time.Duration(r.Ms) * time.Millisecond
		} else {
			copied := *r
			found = &copied
		}
	}
	return wait, found
}

type record struct {
	Ts        string   `json:"ts"`
	Method    string   `json:"method"`
	Path      string   `json:"path"`
	Query     string   `json:"query"`
	Verb      string   `json:"verb"`
	UserAgent string   `json:"userAgent"`
	Status    int      `json:"status"`
	Name      string   `json:"name,omitempty"`
	UID       string   `json:"uid,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

func (p *faultProxy) write(request *http.Request, verb string, status int, answer *http.Response, body []byte) {
	line := record{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), request.Method, request.URL.Path, request.URL.RawQuery, verb, request.UserAgent(), status, "", "", nil}
	if answer != nil {
		line.Warnings = answer.Header.Values("Warning")
	}
	var object struct {
		Metadata struct{ Name, UID string }
	}
	if body != nil && json.Unmarshal(body, &object) == nil {
		line.Name, line.UID = object.Metadata.Name, object.Metadata.UID
	}
	text, _ := json.Marshal(line)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.log.Write(append(text, '\n'))
}

func refusal(w http.ResponseWriter, r *rule) {
	reasons := map[int]string{400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired", 422: "Invalid",
		429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}
	status := max(r.Status, 400)
	if r.Status == 0 {
		status = 503
	}
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	body := map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure", "reason": reasons[status], "code": status,
		"message": fmt.Sprintf("the proxy was told to answer %d", status)}
	if r.RetryAfter > 0 {
		body["details"] = map[string]any{"retryAfterSeconds": r.RetryAfter}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

const goneEvent = `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}` + "\n"

// events passes a watch on and breaks it after so many lines, in the way that the rule says.
type events struct {
	http.ResponseWriter
	fault *rule
	lines int64
}

func (e *events) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func (e *events) Write(data []byte) (int, error) {
	written := 0
	for len(data) > 0 {
		if e.lines >= e.fault.After {
			if e.fault.Action == "half-line" {
				e.ResponseWriter.Write(data[:len(data)/2])
				http.NewResponseController(e.ResponseWriter).Flush()
			}
			panic(http.ErrAbortHandler)
		}
		end := bytes.IndexByte(data, '\n') + 1
		if end == 0 {
			end = len(data)
		} else {
			e.lines++
		}
		n, err := e.ResponseWriter.Write(data[:end])
		written += n
		if err != nil {
			return written, err
		}
		data = data[end:]
	}
	return written, nil
}

func (p *faultProxy) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/_sim/faults" {
		p.control(w, request)
		return
	}
	p.mutex.Lock()
	refused := time.Now().Before(p.refusedUntil)
	p.mutex.Unlock()
	if refused {
		panic(http.ErrAbortHandler)
	}
	verb := verbOf(request)
	wait, fault := p.hit(request, verb)
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-request.Context().Done():
			return
		}
	}
	if fault != nil && !p.passes(w, request, verb, fault) {
		return
	}
	if verb == "watch" {
		if fault != nil {
			w = &events{ResponseWriter: w, fault: fault}
		}
		ended := p.watching(request, &w)
		defer ended()
	} else {
		// A client that dies does not take back what it has sent: the server may have done it, so the log has to have it.
		// ReverseProxy looks for a dead client by itself when the context cannot be cancelled.
		ctx, ended := context.WithCancel(context.WithoutCancel(request.Context()))
		defer ended()
		request = request.WithContext(ctx)
	}
	p.upstream.ServeHTTP(w, request)
}

// passes is false when the fault has answered instead of the server.
func (p *faultProxy) passes(w http.ResponseWriter, request *http.Request, verb string, fault *rule) bool {
	watch := verb == "watch"
	switch fault.Action {
	case "status":
		refusal(w, fault)
		p.write(request, verb, max(fault.Status, 400), nil, nil)
	case "gone":
		if watch {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, goneEvent)
		} else {
			refusal(w, &rule{Status: 410})
		}
		p.write(request, verb, 410, nil, nil)
	case "drop", "half-line":
		if watch {
			return true
		}
		p.write(request, verb, 0, nil, nil)
		if fault.Action == "half-line" {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"kind":"Li`)
			http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	case "page":
		http.NotFound(w, request)
		p.write(request, verb, 404, nil, nil)
	case "garbage":
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html>Sign in</html>")
		p.write(request, verb, 200, nil, nil)
	case "refuse-all":
		p.mutex.Lock()
		p.refusedUntil = time.Now().Add(time.Duration(fault.Ms) * time.Millisecond)
		for _, end := range p.watches {
			end()
		}
		p.mutex.Unlock()
		panic(http.ErrAbortHandler)
	}
	return false
}

// watching lets refuse-all end a watch that is open.
func (p *faultProxy) watching(request *http.Request, w *http.ResponseWriter) func() {
	controller := http.NewResponseController(*w)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.nextWatch++
	id := p.nextWatch
	p.watches[id] = func() { controller.SetWriteDeadline(time.Now().Add(-time.Second)) }
	return func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		delete(p.watches, id)
	}
}

func (p *faultProxy) control(w http.ResponseWriter, request *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch request.Method {
	case "POST":
		added := &rule{}
		decoder := json.NewDecoder(request.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(added); err != nil || !actions[added.Action] {
			http.Error(w, fmt.Sprintf("no such fault: %v", err), http.StatusBadRequest)
			return
		}
		p.next++
		added.ID = p.next
		p.rules = append(p.rules, added)
		json.NewEncoder(w).Encode(added)
	case "DELETE":
		p.rules = nil
		p.refusedUntil = time.Time{}
		io.WriteString(w, "{}")
	default:
		json.NewEncoder(w).Encode(append([]*rule{}, p.rules...))
	}
}

// faults stands between clients and the API server on TLS, HTTP/1.1 and HTTP/2, passes everything
// on, writes one line a request, and misbehaves as it is told.
func faults(args []string) error {
	flags := flag.NewFlagSet("faults", flag.ExitOnError)
	listen := flags.String("listen", "", "address")
	certificate := flags.String("certificate", "", "its certificate and key: PATH.crt, PATH.key")
	upstream := flags.String("upstream", "", "URL of the API server")
	caFile := flags.String("ca", "", "certificate authority of the API server")
	logFile := flags.String("log", "", "one line of JSON a request")
	flags.Parse(args)
	target, err := url.Parse(*upstream)
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(*caFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return errors.New("no certificate in " + *caFile)
	}
	p := &faultProxy{watches: map[int64]func(){}}
	if p.log, err = os.OpenFile(path.Clean(*logFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	p.upstream = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: -1,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 100, DisableCompression: true},
		ModifyResponse: func(answer *http.Response) error {
			request := answer.Request
			var body []byte
			if answer.StatusCode == http.StatusCreated {
				if body, err = io.ReadAll(answer.Body); err != nil {
					return err
				}
				answer.Body = io.NopCloser(bytes.NewReader(body))
			}
			p.write(request, verbOf(request), answer.StatusCode, answer, body)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) }, // a proxy's 502 would be an answer of its own
	}
	server := &http.Server{Addr: *listen, Handler: p}
	return server.ListenAndServeTLS(*certificate+".crt", *certificate+".key")
}
