package mesoshttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// operatorPath is that of the operator API.
const operatorPath = "/api/v1"

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
			return "", &RedirectError{Hops: hops, Location: mask(resp.Request, location), Err: err}
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

// findLabel reads of the answer, which may be long, only what it looks for. Frameworks that were removed are in another list.
func findLabel(body io.ReadCloser, key, value string) (id string, err error) {
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, recordio.DefaultLimit))
	if err != nil {
		return "", fmt.Errorf("mesoshttp: answer to GET_FRAMEWORKS: %w", err)
	}
	answer, err := readJSON(text)
	if err != nil {
		return "", fmt.Errorf("mesoshttp: answer to GET_FRAMEWORKS: %w", err)
	}
	answer.at("get_frameworks", "frameworks").each(func(framework jsonText) {
		info := framework.at("framework_info")
		info.at("labels", "labels").each(func(label jsonText) {
			if id == "" && label.at("key").is(key) && label.at("value").is(value) {
				id = info.at("id", "value").text()
			}
		})
	})
	return id, nil
}
