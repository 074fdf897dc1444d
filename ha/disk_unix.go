//go:build unix && !solaris && !aix

package ha

import (
	"errors"
	"os"
)

// syncDir makes the name of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
