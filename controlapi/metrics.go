package controlapi

import (
	"net/http"
	"time"
)

// metrics handles GET /metrics, which [Config.Metrics] answers.
func (c *call) metrics() (any, error) {
	if c.config.Metrics == nil {
		return nil, fail(CodeNoRoute, "this member has no metrics")
	}
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's writer has none
	c.config.Metrics.ServeHTTP(c.w, c.r)
	return answered{}, nil
}
