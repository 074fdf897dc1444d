package controlapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi/page"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// errStops is why requests end when Serve does.
var errStops = fmt.Errorf("%w: the server stops", scheduler.ErrNotRunning)

// Server serves a framework over HTTP. It is made by [New]. Its methods may be called from any goroutine.
type Server struct {
	config Config
	routes []route
	guard  guard
	// Each request under way has an element in the channel for its kind, see enter. The limits are separate so that a task can be
	// killed however many clients watch, and so that clients without a token do not take the places of others.
	anonymous, running, waiting, watching chan struct{}
	// leader passes requests on to the member that leads. Nil: this process runs alone.
	leader *forwarder
	// ending is the ID of the framework that is torn down, or was. Nil: none.
	ending atomic.Pointer[string]
	hub    *hub
	keys   keysInUse
	page   http.Handler
	// description is that of the API, in OpenAPI. It is made once: making it takes milliseconds, and everybody may ask for it.
	description func() json.RawMessage
	extensions  []string // see Overview
}

// New returns a server that does nothing until [Server.Serve] is called, or requests come by [Server.ServeHTTP]. For an
// invalid config it returns a [*ConfigError], or several joined.
func New(config Config) (*Server, error) {
	config, err := config.normalize()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: config, routes: config.routes(), guard: newGuard(&config),
		anonymous: make(chan struct{}, maxAnonymous), running: make(chan struct{}, maxRequests),
		waiting: make(chan struct{}, maxWaiting), watching: make(chan struct{}, maxWatching),
		leader: newForwarder(&config), page: page.Handler(),
	}
	about := descriptions()
	for _, rt := range config.Routes {
		s.routes = append(s.routes, rt.own())
		about[rt.Method+" "+rt.Path] = rt.described()
		name, _, _ := strings.Cut(strings.TrimPrefix(rt.Path, "/v1/"), "/")
		s.extensions = append(s.extensions, name)
	}
	slices.Sort(s.extensions)
	s.extensions = slices.Compact(s.extensions)
	s.description = sync.OnceValue(func() json.RawMessage { return slices.Clip(openapi(s.routes, about)) })
	s.hub = newHub(s)
	return s, nil
}

// String returns the name of the framework.
func (s *Server) String() string { return s.config.String() }

// Format prints the same as String with every verb, so that no token is logged.
func (s *Server) Format(to fmt.State, _ rune) { fmt.Fprint(to, s.String()) }

// Serve answers requests on a listener, which it closes, until ctx ends. With [Config.TLS] it speaks TLS, and HTTP/2 to those
// who want it. Requests that are under way then end: those that wait or watch at once, others when they are answered, and
// all of them within 5 s. It returns the cause of ctx's end, or why it cannot serve, such as a listener that others can
// reach while everybody would be served, see [Config.Insecure].
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	if err := s.config.mayListen(listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	defer s.hub.use()()
	if s.leader != nil {
		defer s.leader.peers.transport.CloseIdleConnections()
	}
	requests, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	server := &http.Server{
		Handler:           s,
		TLSConfig:         s.config.TLS,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{WriteByteTimeout: writeTimeout}, // the deadlines of an answer do not end a connection
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	ended := make(chan error, 1)
	go func() {
		limited := newLimitedListener(listener, maxConnections)
		if s.config.TLS != nil {
			ended <- server.ServeTLS(limited, "", "")
		} else {
			ended <- server.Serve(limited)
		}
	}()
	select {
	case err := <-ended:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	end(errStops)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		_ = server.Close()
	}
	<-ended
	return context.Cause(ctx)
}

// ServeHTTP answers one request. It is for servers of your own, which have to limit the size of headers and the time in
// which they come. The rules of [Config.Insecure] hold for them as well.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // the page has another one
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	hurry(w)
	defer func() {
		if value := recover(); value != nil {
			if value == any(http.ErrAbortHandler) { // it is that value
				panic(value)
			}
			s.config.Logger.Error("panic in a request", "path", r.URL.Path, "panic", value, "stack", string(debug.Stack()))
			writeError(w, &Error{Code: scheduler.CodePanic, Message: "the server failed to answer; its log says why"})
		}
		s.config.Logger.Debug("request", "method", r.Method, "path", r.URL.Path, "took", time.Since(began))
	}()
	if err := s.guard.admit(r); err != nil {
		writeError(w, asError(err))
		return
	}
	at, id, allow := find(s.routes, r.Method, r.URL)
	if at == nil && len(allow) == 0 && isPage(r.URL.Path) {
		s.page.ServeHTTP(w, r)
		return
	}
	if at == nil {
		s.noRoute(w, r, allow)
		return
	}
	s.serve(at, &call{Server: s, ctx: r.Context(), w: w, r: r, id: id})
}

// hurry limits the time for the body of a request, and for a short answer, of whoever sends it.
func hurry(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // a test's writer has none
	giveTime(w)
}

// isPage reports whether a path is that of a file of the page. They have no data, and are served to all.
func isPage(path string) bool { return path == "/" || strings.HasPrefix(path, "/assets/") }

// noRoute answers a request for which there is no route.
func (s *Server) noRoute(w http.ResponseWriter, r *http.Request, allow []string) {
	if err := s.guard.identify(r); err != nil {
		writeError(w, asError(err))
		return
	}
	if len(allow) == 0 {
		writeError(w, asError(fail(CodeNoRoute, "there is nothing at %q", cut(r.URL.EscapedPath()))))
		return
	}
	allow = append(allow, http.MethodOptions)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	writeError(w, asError(fail(CodeMethod, "%s is not allowed here, but %s", cut(r.Method), strings.Join(allow, ", "))))
}

// serve answers a request for a route.
func (s *Server) serve(at *route, c *call) {
	if at.kind != local {
		if err := s.guard.identify(c.r); err != nil {
			c.refuse(err)
			return
		}
	}
	leave, err := s.enter(at.kind)
	if err != nil {
		c.refuse(err)
		return
	}
	defer leave()
	cancel, err := c.begin(at.kind)
	if err != nil {
		c.refuse(err)
		return
	}
	defer cancel()
	if at.kind.leads() {
		s.atLeader(at, c)
		return
	}
	body, err := at.handle(c)
	c.finish(at, body, err)
}

// enter takes a place among the requests under way, and returns how to leave it.
func (s *Server) enter(k kind) (leave func(), err error) {
	places := s.running
	switch k {
	case local:
		places = s.anonymous
	case waits:
		places = s.waiting
	case output, passed, stream:
		places = s.watching
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, fail(CodeBusy, "%d such requests are under way", cap(places))
	}
}

// leads reports whether the framework runs in this process, as far as it knows.
func (s *Server) leads() bool { return s.leader == nil || s.config.Elector.Status().Leads() }
