//go:build !unix || solaris || aix

package ha

// syncDir does nothing: directories cannot be synced here.
func syncDir(string) error { return nil }
