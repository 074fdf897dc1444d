package actionclient

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Call is what /init and /run have in common.
type Call struct {
	Namespace     string // that invokes the action
	Action        string // fully qualified, such as "/guest/utils/echo"
	Version       string
	ActivationID  string
	TransactionID string
	APIKey        string    // "": none is passed on
	Deadline      time.Time // is told to the action
	// Timeout is the time limit of the call, from when it begins. Required.
	Timeout time.Duration
}

// InitRequest is sent to /init.
type InitRequest struct {
	Call
	Main   string
	Code   string
	Binary bool
	// Env are environment variables for the action. Those of the protocol, __OW_…, cannot be replaced.
	Env map[string]string
}

// RunRequest is sent to /run.
type RunRequest struct {
	Call
	// Params is a JSON object or array. Default {}. Anything else is not sent.
	Params json.RawMessage
}

// ErrParams is the Err of an answer to a request whose parameters are something else: it was not sent.
var ErrParams = errors.New("actionclient: the parameters are not a JSON object or array")

// appendTo appends the JSON of the request.
func (r *InitRequest) appendTo(b []byte) []byte {
	name := r.Action[strings.LastIndexByte(r.Action, '/')+1:]
	b = appendField(append(b, `{"value":{`...), "name", name)
	b = appendField(append(b, ','), "main", r.Main)
	b = appendField(append(b, ','), "code", r.Code)
	b = append(b, `,"binary":`...)
	b = strconv.AppendBool(b, r.Binary)
	b = append(b, `,"env":{`...)
	env := r.env()
	for i, key := range slices.Sorted(maps.Keys(env)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendField(b, key, env[key])
	}
	return append(b, "}}}"...)
}

func (r *InitRequest) env() map[string]string {
	env := make(map[string]string, len(r.Env)+7)
	maps.Copy(env, r.Env)
	maps.Copy(env, map[string]string{
		"__OW_NAMESPACE":      r.Namespace,
		"__OW_ACTION_NAME":    r.Action,
		"__OW_ACTION_VERSION": r.Version,
		"__OW_ACTIVATION_ID":  r.ActivationID,
		"__OW_TRANSACTION_ID": r.TransactionID,
		"__OW_DEADLINE":       r.deadline(),
	})
	if delete(env, "__OW_API_KEY"); r.APIKey != "" {
		env["__OW_API_KEY"] = r.APIKey
	}
	return env
}

// appendTo appends the JSON of the request.
func (r *RunRequest) appendTo(b []byte) ([]byte, error) {
	params := r.Params
	if len(params) == 0 {
		params = json.RawMessage("{}")
	}
	if !isObjectOrArray(params) {
		return b, ErrParams
	}
	b = append(append(b, `{"value":`...), params...)
	b = appendField(append(b, ','), "namespace", r.Namespace)
	b = appendField(append(b, ','), "action_name", r.Action)
	b = appendField(append(b, ','), "action_version", r.Version)
	b = appendField(append(b, ','), "activation_id", r.ActivationID)
	b = appendField(append(b, ','), "transaction_id", r.TransactionID)
	b = appendField(append(b, ','), "deadline", r.deadline())
	if r.APIKey != "" {
		b = appendField(append(b, ','), "api_key", r.APIKey)
	}
	return append(b, '}'), nil
}

// deadline is in milliseconds since 1970.
func (c *Call) deadline() string { return strconv.FormatInt(c.Deadline.UnixMilli(), 10) }

func appendField(b []byte, key, value string) []byte {
	return appendQuoted(append(appendQuoted(b, key), ':'), value)
}
