package controlapi

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// maxLine is how many bytes a line of an output may have: a chunk of 64 KiB in base64, or an error.
const maxLine = 1 << 20

// chunkReader reads an output, one chunk after the other.
type chunkReader struct{ lines *bufio.Scanner }

func newChunkReader(r io.Reader) *chunkReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	return &chunkReader{lines}
}

// next returns the next chunk, and the line that it is in. At the end it returns io.EOF, or the error with which the output
// ends. What is read is valid until the next call.
func (r *chunkReader) next() (chunk scheduler.LogChunk, line []byte, err error) {
	if !r.lines.Scan() {
		if err := r.lines.Err(); err != nil {
			return chunk, nil, err
		}
		return chunk, nil, io.EOF
	}
	line = r.lines.Bytes()
	var part struct {
		scheduler.LogChunk
		LogFailure
	}
	if err := json.Unmarshal(line, &part); err != nil {
		return chunk, nil, notOurs(err)
	}
	if part.Error != nil {
		part.Error.Status = statusOf(part.Error.Code)
		part.Error.decode(mostCauses)
		return chunk, nil, part.Error
	}
	return part.LogChunk, line, nil
}

// passOutput passes an output of the leader on. It returns an error if it is to go on with the next leader.
func (c *call) passOutput(from io.Reader) error {
	if c.out == nil {
		c.out = c.output()
	}
	for r := newChunkReader(from); ; {
		chunk, line, err := r.next()
		answer := as[*Error](err)
		switch {
		case err == nil:
			if err := c.out.chunk(chunk, json.RawMessage(line)); err != nil {
				return nil // the client has gone
			}
		case errors.Is(err, io.EOF):
			c.out.begin()
			return nil
		case answer == nil:
			return fmt.Errorf("the output broke off: %w", err)
		case endedWithTerm(answer):
			return answer
		default:
			c.refuse(answer)
			return nil
		}
	}
}

// resume returns the request URI with which an output goes on.
func (o *outputWriter) resume(u *url.URL) string {
	if !o.begun {
		return u.RequestURI()
	}
	query := u.Query()
	query.Set("offset", strconv.FormatInt(o.next, 10))
	if limit, err := strconv.ParseInt(query.Get("limit"), 10, 64); err == nil && limit > 0 {
		query.Set("limit", strconv.FormatInt(max(1, limit-o.sent), 10))
	}
	return u.EscapedPath() + "?" + query.Encode()
}
