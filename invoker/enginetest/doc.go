// Package enginetest checks that an engine keeps the promises that package invoker relies on. The author of an engine calls
// [Run] in a test, or [RunInBubble] if the engine's platform is a fake one with virtual time:
//
//	func TestEngine(t *testing.T) {
//		enginetest.Run(t, func(t *testing.T) enginetest.Fixture { … })
//	}
//
// The containers of a [Fixture] run [Handler], by which the suite has them print, end, and say what they were given.
//
// It checks what can be observed through the methods, from the containers, and from what the platform itself says to run: that
// nothing is left behind by a Create that failed or was given up at any moment; that Instances is complete, also after a
// restart; that Destroy is certain, can be repeated and be called at once; that Watch misses nothing from the call on, or says so;
// that output is exact; and what an engine offers beyond that: [invoker.Suspender], [invoker.OutputReader], [invoker.AgentLister].
// It cannot check what needs a crash of the engine's process: that is left to the engine's own tests. The suite itself is
// tested with engines that are wrong in one way each.
//
// Run starts goroutines and waits for them.
package enginetest
