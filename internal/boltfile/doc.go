// Package boltfile knows what a bbolt database does not tell: whether its file is still at its path, whether the state that it
// opens is the newest one, and whether all of it is intact.
//
// bbolt has two meta pages at the head of its file, and writes them in turn. It opens the newest one that is intact, and
// cannot know whether a bad one is the newer one and was damaged, or was being written when the machine crashed. So each
// transaction that is complete leaves a mark: if there is a mark of a later transaction than that of the meta page, the
// newest state is damaged.
//
// Marks cost no sync of their own: the next transaction syncs them with its data. They are beside the contents of both meta
// pages, since the next transaction writes one of these pages anew, and a crash may leave any part of that. There they are
// in another sector of the disk than the content, and bbolt makes no use of that place.
//
// bbolt trusts the other pages, which have no checksums: damage to one may end the process. So a file is locked and
// inspected before bbolt maps it, and its owner keeps a digest of its records in it.
//
// The package has no goroutines. Its functions may be called from any goroutine, for different files at the same time.
package boltfile
