package controlapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

// maxFrame is how many bytes an event may have. The largest are parts of a snapshot.
const maxFrame = 64 << 20

var errFrame = errors.New("controlapi: an event that is too large")

// frame is one server-sent event. A comment, or a line that only has an ID, is one without a name.
type frame struct {
	name string
	id   uint64 // 0: none
	data []byte
}

// frameReader reads server-sent events. What has not come as a whole is an error.
type frameReader struct{ r *bufio.Reader }

func newFrameReader(r io.Reader) *frameReader { return &frameReader{bufio.NewReaderSize(r, 32<<10)} }

// next returns the next event.
func (r *frameReader) next() (f frame, err error) {
	for size := 0; ; {
		line, err := r.line(maxFrame - size)
		if err != nil {
			return frame{}, err
		}
		if len(line) == 0 {
			if hasTooManyParts(f.data) {
				return frame{}, errFrame
			}
			return f, nil
		}
		size += len(line)
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			f.name = string(value)
		case "id":
			f.id, _ = strconv.ParseUint(string(value), 10, 64) // 0 if it is none
		case "data":
			if f.data != nil {
				f.data = append(f.data, '\n')
			}
			f.data = append(f.data, value...)
		}
	}
}

// line returns the next line of up to most bytes, without its end. It is valid until the next call.
func (r *frameReader) line(most int) ([]byte, error) {
	part, err := r.r.ReadSlice('\n')
	if err == nil {
		return bytes.TrimRight(part, "\r\n"), nil
	}
	var line []byte
	for errors.Is(err, bufio.ErrBufferFull) {
		if line = append(line, part...); len(line) > most {
			return nil, errFrame
		}
		part, err = r.r.ReadSlice('\n')
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(append(line, part...), "\r\n"), nil
}
