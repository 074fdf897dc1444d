package mesoshttp

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// mask returns a text of who has got the request without the credentials, which it may repeat.
func mask(req *http.Request, text string) string {
	_, secret, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if secret == "" {
		return text
	}
	quoted := strconv.Quote(secret) // as errors of net/http have it
	return strings.NewReplacer(secret, "***", quoted[1:len(quoted)-1], "***").Replace(text)
}

// maskError returns err, or an error of its own that wraps nothing if err quotes the credentials.
func maskError(req *http.Request, err error) error {
	if text := mask(req, err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}
