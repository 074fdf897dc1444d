package mesostest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
)

// agentServer serves the API of one agent, from the start of the agent's process to its end.
type agentServer struct {
	server *http.Server
	stop   context.CancelFunc // of requests
}

// openAPI starts the API of an agent whose process has started, if there is to be one. On the loop.
func (m *Master) openAPI(a *agent) error {
	if m.config.ListenAgents == nil || a.api != nil {
		return nil
	}
	l, err := m.config.ListenAgents(a.config)
	if err != nil {
		return err
	}
	if _, text, err := net.SplitHostPort(l.Addr().String()); err == nil {
		if port, err := strconv.Atoi(text); err == nil {
			a.config.Port = port
		}
	}
	serving, stop := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:     http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serveAgent(a, w, r) }),
		BaseContext: func(net.Listener) context.Context { return serving },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ErrorLog:    slog.NewLogLogger(m.config.Logger.Handler(), slog.LevelWarn),
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				m.conns.Add(1)
				if serving.Err() != nil {
					_ = c.Close() // accepted too late for Close to see it
				}
			case http.StateClosed, http.StateHijacked:
				m.conns.Done()
			}
		},
	}
	a.api = &agentServer{server, stop}
	m.conns.Go(func() { _ = server.Serve(l) }) // it ends when the process does
	return nil
}

// closeAPI breaks all connections to an agent whose process has ended.
func (a *agent) closeAPI() {
	if a.api == nil {
		return
	}
	a.api.stop()
	_ = a.api.server.Close()
	a.api = nil
}

// reopenAPI is for an agent that comes back. Where its port was taken meanwhile it cannot be reached.
func (m *Master) reopenAPI(a *agent) {
	if err := m.openAPI(a); err != nil {
		m.config.Logger.Warn("agent without its API", "agent", a.config.Hostname, "err", err)
	}
}
