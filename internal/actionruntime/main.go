package actionruntime

import (
	"context"
	"fmt"
	"net"
	"os"
)

// Main is the program: it serves at the port of $PORT0 (Mesos), else $PORT, else 8080, of the host $HOST, by default 127.0.0.1, until the
// process ends, and returns the exit code. $__OW_ALLOW_CONCURRENT=true permits that activations overlap. Tests can run it
// in their own binary.
func Main() int {
	port := "8080"
	for _, name := range []string{"PORT", "PORT0"} {
		if p := os.Getenv(name); p != "" {
			port = p
		}
	}
	host, ok := os.LookupEnv("HOST")
	if !ok {
		host = "127.0.0.1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	runtime := New(Config{Stdout: os.Stdout, Stderr: os.Stderr, Concurrent: os.Getenv("__OW_ALLOW_CONCURRENT") == "true"})
	return runtime.Serve(context.Background(), listener)
}
