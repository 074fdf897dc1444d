// Package flood measures how much memory a scheduler takes while a master sends events as fast as the connection takes them, and
// answers no call. The scheduler is a process of its own, on loopback, and time is real. All of it is test code.
package flood
