package scheduler

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
)

// subscribeError returns why a subscription could not be opened: a [*SubscribeError] if another attempt would get the
// same answer.
func subscribeError(err error) error {
	var status *mesoshttp.StatusError
	if !errors.As(err, &status) || errors.Is(err, mesoshttp.ErrRedirect) {
		return fmt.Errorf("scheduler: cannot subscribe: %w", err)
	}
	master := new(mesoshttp.MasterError)
	_ = errors.As(err, &master)
	text := mastertext.OfAnswer(status.Body)
	if mastertext.IsFinalAnswer(status.Status, status.Body) {
		return &SubscribeError{Master: master.URL, Status: status.Status, Message: text}
	}
	parts := []string{master.Mistake, text}
	if status.Location != "" {
		parts = append(parts, "location "+status.Location)
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return &CallError{Master: master.URL, Call: "SUBSCRIBE", Status: status.Status, Message: strings.Join(parts, ": "), retryAfter: status.RetryAfter}
}

// leaderlessError is why an attempt failed that has reached no leading master, since there is none or it is not known yet.
type leaderlessError struct{ err error }

func (e *leaderlessError) Error() string { return e.err.Error() }
func (e *leaderlessError) Unwrap() error { return e.err }

// nobodyLeads reports whether a master could not be subscribed with because no master leads, as far as that one knows, or
// because it is not there. Gateways answer so as well, or close the connection, when they find no master.
func nobodyLeads(err error) bool {
	var refused *CallError
	if errors.As(err, &refused) {
		switch refused.Status {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	return notConnected(err) || errors.Is(err, mesoshttp.ErrRedirect) && !isUntrusted(err) ||
		errors.Is(err, mesoshttp.ErrNoAnswer) || errors.Is(err, mesoshttp.ErrClosed)
}

// withZooKeeper adds to the error of a leader that ZooKeeper has named what is wrong with ZooKeeper. If the leader answers
// that it does not lead yet, or redirects to the one before, it will soon lead; if it does not answer, ZooKeeper will say who
// leads next.
func (e *edges) withZooKeeper(leader string, err error) error {
	if problem := e.detector.Problem(); problem != nil {
		err = fmt.Errorf("%w; the last leader known stays, since ZooKeeper cannot be asked: %s", err, problem)
	}
	var unanswered *mesoshttp.MasterError
	if !nobodyLeads(err) || errors.As(err, &unanswered) && unanswered.URL == leader {
		return err
	}
	return &leaderlessError{err}
}

// isUntrusted reports whether nothing was sent to a master, since its host is not trusted.
func isUntrusted(err error) bool {
	var untrusted *mesoshttp.UntrustedError
	return errors.As(err, &untrusted)
}

// notConnected reports whether there was no connection with the master.
func notConnected(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}
