// Package controlapi serves a framework over HTTP, on each of its members, and has a client for it.
package controlapi
