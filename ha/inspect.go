package ha

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
)

// inspect returns an error unless the file is an intact store: bbolt can safely use it, and the records match the digest.
func inspect(file *os.File) error {
	_, err := inspectRecords(file)
	return err
}

// inspectRecords inspects the file and returns the digest of its records.
func inspectRecords(file *os.File) (got boltfile.Digest, err error) {
	defer func() {
		var damage boltfile.Damage
		var foreign boltfile.Foreign
		switch {
		case errors.As(err, &damage):
			err = fmt.Errorf("%w: %s: %w", ErrCorrupt, file.Name(), err)
		case errors.As(err, &foreign):
			err = fmt.Errorf("%w: %s: %w", ErrFormat, file.Name(), err)
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return got, err
	}
	in, err := boltfile.Inspect(file, info.Size())
	if err != nil {
		return got, err
	}
	buckets, err := in.Buckets()
	if err != nil {
		return got, err
	}
	want, err := inspectAbout(in, buckets)
	if err != nil {
		return got, err
	}
	if err = in.Bucket(buckets[recordsBucket], got.Add); err != nil {
		return got, err
	}
	if got != want {
		return got, boltfile.Damage(fmt.Sprintf("%s, should be %s", got, want))
	}
	return got, in.Free()
}

// inspectAbout checks that the buckets are those of a store of this version and returns its digest.
func inspectAbout(in *boltfile.Inspection, buckets map[string][]byte) (boltfile.Digest, error) {
	if buckets[aboutBucket] == nil || buckets[recordsBucket] == nil || len(buckets) != 2 {
		return boltfile.Digest{}, boltfile.Foreign("a bbolt database of something else")
	}
	about := map[string][]byte{}
	err := in.Bucket(buckets[aboutBucket], func(key, value []byte) { about[string(key)] = bytes.Clone(value) })
	if err != nil {
		return boltfile.Digest{}, err
	}
	if got := string(about[formatKey]); got != format {
		return boltfile.Digest{}, boltfile.Foreign(fmt.Sprintf("format %.40q, this program knows %q", got, format))
	}
	return boltfile.DecodeDigest(about[digestKey])
}
