// Package actionclient speaks the action protocol of Apache OpenWhisk, /init and /run, with one container.
//
// # What it promises
//
//   - /run is written at most once, also on a connection that the runtime closes at any moment. [Answer.Sent] is false only if no
//     byte of the request has left this process.
//   - Each call ends by the time limit that it is given, and reads a bounded number of bytes, whatever the runtime answers.
//   - An answer is classified as OpenWhisk does it: whose fault it is, and whether the container may serve again.
//   - No proxy is used, no redirect followed, and nothing decompressed.
//
// # What it does not
//
// It does not limit how many activations a container runs at once, and does not know whether a container still runs: a
// connection that broke because the container was killed looks like one that broke because the action ended its process. Unlike
// OpenWhisk it keeps connections, and accepts answers without a Content-Length.
//
// # Goroutines
//
// All work is done on those of the callers, which may be several. Timers close the connections that nobody used for a second.
package actionclient
