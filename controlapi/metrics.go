package controlapi

// metrics handles GET /metrics, which [Config.Metrics] answers.
func (c *call) metrics() (any, error) {
	if c.config.Metrics == nil {
		return nil, fail(CodeNoRoute, "this member has no metrics")
	}
	giveTime(c.w)
	c.config.Metrics.ServeHTTP(c.w, c.r)
	return answered{}, nil
}
