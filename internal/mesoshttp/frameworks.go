package mesoshttp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// operatorPath is that of the operator API.
const operatorPath = "/api/v1"

// frameworks is the part of the answer to GET_FRAMEWORKS that is read. Those that were removed are in another list.
type frameworks struct {
	GetFrameworks struct {
		Frameworks []struct {
			FrameworkInfo struct {
				ID     struct{ Value string }
				Labels struct {
					Labels []struct{ Key, Value string }
				}
			} `json:"framework_info"`
		}
	} `json:"get_frameworks"`
}

// FindFramework returns the ID of the framework with this label, or "" if the master shows none. It asks the operator API
// of master, a base URL as in Call, with the credentials and along the redirects of Subscribe. A master shows a principal
// only what it may see.
func (c *Client) FindFramework(ctx context.Context, master, key, value string) (string, error) {
	hops := []string{strings.TrimRight(master, "/")}
	for {
		resp, err := c.getFrameworks(ctx, hops[len(hops)-1])
		if err != nil {
			return "", fmt.Errorf("mesoshttp: GET_FRAMEWORKS to %s: %w", hops[len(hops)-1], err)
		}
		if resp.StatusCode == http.StatusOK {
			return findLabel(resp.Body, key, value)
		}
		discard(resp)
		if resp.StatusCode != http.StatusTemporaryRedirect {
			return "", fmt.Errorf("mesoshttp: GET_FRAMEWORKS refused by %s: %w", hops[len(hops)-1], statusCode(resp.StatusCode))
		}
		location := resp.Header.Get("Location")
		if strings.HasSuffix(location, operatorPath) {
			location += strings.TrimPrefix(path, operatorPath)
		}
		next := leader(resp.Request.URL, location)
		if err := c.refuseHop(hops, next); err != nil {
			return "", &RedirectError{Hops: hops, Location: location, Err: err}
		}
		hops = append(hops, next)
	}
}

func (c *Client) getFrameworks(ctx context.Context, master string) (*http.Response, error) {
	req, err := c.post(ctx, master, []byte(`{"type":"GET_FRAMEWORKS"}`))
	if err != nil {
		return nil, err
	}
	req.URL.Path = strings.TrimSuffix(req.URL.Path, path) + operatorPath
	req.Header.Set("Content-Type", JSON.mediaType())
	req.Header.Set("Accept", JSON.mediaType())
	return c.send(c.streams, req) // a connection of its own: no call waits behind the answer, which may be long
}

func findLabel(body io.ReadCloser, key, value string) (string, error) {
	defer body.Close()
	var answer frameworks
	if err := json.NewDecoder(io.LimitReader(body, recordio.DefaultLimit)).Decode(&answer); err != nil {
		return "", fmt.Errorf("mesoshttp: answer to GET_FRAMEWORKS: %w", err)
	}
	for _, f := range answer.GetFrameworks.Frameworks {
		for _, l := range f.FrameworkInfo.Labels.Labels {
			if l.Key == key && l.Value == value {
				return f.FrameworkInfo.ID.Value, nil
			}
		}
	}
	return "", nil
}
