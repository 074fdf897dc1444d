// Package storetest checks that a store keeps the promises that a scheduler builds on. The author of a store calls
// [Run] from a test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, open, reopen)
//	}
//
// It checks what can be seen through the methods: that Apply is all or nothing, in the presence of other calls too;
// that Load returns what was applied, byte for byte; that maps and slices are not shared; that contexts are
// obeyed; and, for a store that can be reopened, that records outlive it. It cannot check what needs a crash, a full
// disk or a lost connection: that remains for the store's own tests. The suite is itself checked
// against stores that are broken on purpose.
//
// Run starts goroutines and waits for them.
package storetest
