package actionruntime

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
)

// maxRequest is how many bytes a request may have: OpenWhisk's limit for code is 48 MB, to which quoting adds.
const maxRequest = 64 << 20

// posted is the body of /init and /run.
type posted struct {
	Value         json.RawMessage `json:"value"`
	Namespace     string          `json:"namespace"`
	ActionName    string          `json:"action_name"`
	ActionVersion string          `json:"action_version"`
	ActivationID  string          `json:"activation_id"`
	TransactionID string          `json:"transaction_id"`
	Deadline      string          `json:"deadline"`
	APIKey        string          `json:"api_key"`
}

// initValue is the value of /init.
type initValue struct {
	Name   string         `json:"name"`
	Main   string         `json:"main"`
	Code   string         `json:"code"`
	Binary bool           `json:"binary"`
	Env    map[string]any `json:"env"`
}

// ServeHTTP answers /init and /run. Any other request is answered with status 404.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if !r.begin() {
		panic(http.ErrAbortHandler)
	}
	defer r.work.Done()
	if q.Method != http.MethodPost {
		respond(w, http.StatusNotFound, errorJSON("There is nothing here."))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxRequest))
	var p posted
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	switch {
	case err != nil:
		respond(w, http.StatusBadRequest, errorJSON(fmt.Sprintf("The request cannot be read: %v.", err)))
	case q.URL.Path == "/init":
		r.serveInit(w, p)
	case q.URL.Path == "/run":
		r.serveRun(w, p)
	default:
		r.seen(Request{Path: q.URL.Path})
		respond(w, http.StatusNotFound, errorJSON("There is nothing here."))
	}
}

func (r *Runtime) seen(q Request) {
	if r.config.Seen != nil {
		r.config.Seen(q)
	}
}

func (r *Runtime) serveInit(w http.ResponseWriter, p posted) {
	var v initValue
	if err := json.Unmarshal(p.Value, &v); err != nil {
		respond(w, http.StatusBadRequest, errorJSON(fmt.Sprintf("The value cannot be read: %v.", err)))
		return
	}
	env := make(map[string]string, len(v.Env))
	for key, value := range v.Env {
		if text, ok := value.(string); ok {
			env[key] = text
		} else {
			text, _ := json.Marshal(value) // it was JSON
			env[key] = string(text)
		}
	}
	r.seen(Request{Path: "/init", Namespace: env["__OW_NAMESPACE"], Action: env["__OW_ACTION_NAME"], ActivationID: env["__OW_ACTIVATION_ID"]})
	switch {
	case !r.beginInit():
		respond(w, http.StatusForbidden, errorJSON("The action is initialised already."))
	case v.Code == "":
		r.endInit(nil, nil)
		respond(w, http.StatusForbidden, errorJSON("There is no code."))
	default:
		r.initialise(w, v, env)
	}
}

// initialise makes an action of the code, and takes its steps for /init.
func (r *Runtime) initialise(w http.ResponseWriter, v initValue, env map[string]string) {
	a := &activation{runtime: r, w: w, init: true, name: v.Name, env: env, status: http.StatusOK, body: []byte(`{"ok":true}`)}
	action, err := r.compile(v)
	if err != nil {
		a.status, a.body = http.StatusBadGateway, errorJSON(fmt.Sprintf("The code cannot be used: %v.", err))
	} else {
		a.take(action.init)
	}
	if a.status != http.StatusOK {
		action = nil
	}
	r.endInit(action, env)
	a.finish()
}

func (r *Runtime) compile(v initValue) (*action, error) {
	code := v.Code
	if v.Binary {
		decoded, err := base64.StdEncoding.DecodeString(code)
		if err != nil {
			return nil, err
		}
		code = string(decoded)
	}
	if function, ok := r.config.Functions[strings.TrimSpace(code)]; ok {
		return &action{function: function}, nil
	}
	return parse(code)
}

// beginInit reports whether this is the first /init, or the earlier ones failed.
func (r *Runtime) beginInit() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := !r.initialised
	r.initialised = true
	return first
}

func (r *Runtime) endInit(a *action, env map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.initialised, r.action, r.env = a != nil, a, env
}

func (r *Runtime) serveRun(w http.ResponseWriter, p posted) {
	r.seen(Request{Path: "/run", Namespace: p.Namespace, Action: p.ActionName, ActivationID: p.ActivationID, Params: p.Value})
	a := &activation{runtime: r, w: w, name: p.ActionName, id: p.ActivationID, params: p.Value, status: http.StatusOK, body: []byte("{}")}
	action, refusal := r.beginRun(a)
	if refusal != "" {
		respond(w, http.StatusInternalServerError, errorJSON(refusal))
		return
	}
	defer r.endRun()
	maps.Copy(a.env, map[string]string{
		"__OW_NAMESPACE": p.Namespace, "__OW_ACTION_NAME": p.ActionName, "__OW_ACTION_VERSION": p.ActionVersion,
		"__OW_ACTIVATION_ID": p.ActivationID, "__OW_TRANSACTION_ID": p.TransactionID, "__OW_DEADLINE": p.Deadline,
	})
	if p.APIKey != "" {
		a.env["__OW_API_KEY"] = p.APIKey
	}
	if action.function != nil {
		a.call(action.function)
	}
	a.take(action.run)
	a.finish()
}

// beginRun returns the action, or why it cannot run.
func (r *Runtime) beginRun(a *activation) (*action, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.action == nil && !r.initialised:
		return nil, "The action is not initialised."
	case r.action == nil:
		return nil, "The process of the action has ended."
	case r.active > 0 && !r.config.Concurrent:
		return nil, "The action is not ready: it runs already."
	}
	r.runs++
	r.active++
	a.runs, a.env = r.runs, maps.Clone(r.env)
	return r.action, ""
}

func (r *Runtime) endRun() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active--
}

// respond answers with JSON, and with its length, as the runtimes do.
func respond(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func errorJSON(text string) []byte {
	body, _ := json.Marshal(map[string]string{"error": text}) // never fails
	return body
}
