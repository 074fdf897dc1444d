// Package storetest checks that a store keeps the promises that a scheduler relies on. The author of a store calls
// [Run] in a test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, open, reopen)
//	}
//
// It checks what can be observed through the methods: that Apply is all or nothing, also with concurrent calls; that
// Load returns what was applied, byte for byte; that maps and slices are not shared; that the end of a context is
// respected; for a store that can be reopened, that its records are durable; and for one that takes only so much at
// once, that it takes as much as it says. [RunFenced] checks a store that only the process that leads may use,
// and [RunHanging] one whose disk or servers do not answer. It cannot check what needs a crash,
// a full disk or a lost connection: that is left to the store's own tests. The suite itself is tested with stores that
// are broken on purpose.
//
// Run and RunFenced start goroutines and wait for them; so does RunHanging, unless the store fails.
package storetest
