package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/metrics"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// service is how a process serves the API, the page and the metrics of its framework.
type service struct {
	tokens
	api, listen string
	insecure    bool
	asked       bool // the address is the user's choice
}

func (v *service) flags(cmd *cobra.Command) {
	grouped(cmd, "API and page of this process", func(f *pflag.FlagSet) {
		f.StringVar(&v.api, "api", defaultAPI, "`HOST:PORT` at which others reach the API and the page of this process; port 0: any free one. If the default is in use, another port is taken")
		f.StringVar(&v.listen, "api-listen", "", "`IP:PORT` to listen at if it is another one, such as 0.0.0.0:8080")
		v.tokens.flags(f)
		f.BoolVar(&v.insecure, "insecure", false, "serve everybody who can connect, without a token, also beyond this machine")
	})
}

func (v *service) check(cmd *cobra.Command) error {
	v.asked = cmd.Flags().Changed("api") || v.listen != ""
	host, _, err := net.SplitHostPort(v.api)
	return check(cmd,
		rule{err == nil && host != "" && !net.ParseIP(host).IsUnspecified(), "--api %q (host:port that others reach, so not 0.0.0.0)", v.api},
		rule{v.listen == "" || cmd.Flags().Changed("api"), "--api-listen %q without the --api at which others reach this process", v.listen})
}

// open listens, and returns the address at which others reach this process.
func (v *service) open() (net.Listener, string, error) {
	token, err := v.read()
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", cmp.Or(v.listen, v.api))
	if errors.Is(err, syscall.EADDRINUSE) && !v.asked {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, "", err
	}
	at := l.Addr().(*net.TCPAddr)
	if token == "" && !v.insecure && !at.IP.IsLoopback() {
		return nil, "", errors.Join(l.Close(), fmt.Errorf("others can reach %v: set SAMPLEFW_TOKEN, --token or --token-file, or --insecure to serve everybody", at))
	}
	host, port, _ := net.SplitHostPort(v.api) // check has done it
	if v.listen == "" {
		port = fmt.Sprint(at.Port)
	}
	return l, net.JoinHostPort(host, port), nil
}

// server returns the server of a framework, which an election may be part of.
func (v *service) server(s *scheduler.Scheduler, elector ha.Elector) (*controlapi.Server, error) {
	token, err := v.read()
	if err != nil {
		return nil, err
	}
	config := controlapi.Config{Framework: s, Name: "samplefw", Insecure: v.insecure, Logger: s.Logger()}
	if elector != nil {
		config.Elector = elector
	}
	if token != "" {
		config.Tokens = []string{token}
	}
	if config.Metrics, err = metricsOf(s, elector); err != nil {
		return nil, err
	}
	return controlapi.New(config)
}

// metricsOf returns what answers Prometheus: with the metrics of the framework, and of this process.
func metricsOf(s *scheduler.Scheduler, elector ha.Elector) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	err := metrics.Register(registry, metrics.Sources{Scheduler: s, Elector: elector})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}), err
}
